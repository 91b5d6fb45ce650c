"""A socket in one worker, its session in another: nothing of it is lost, doubled or kept waiting without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.live.transport import Disconnected
from server.workers.frames import Kind, Line, connect
from server.workers.relay import RESTART, UNTAKEN, FarTransport, Relay


class Client:
    """The socket of a client: what it sends is put into ``sent``, what it got is in ``got``."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[str | bytes | int] = asyncio.Queue()
        self.taken = 0
        self.got: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self._news = asyncio.Event()

    async def has_taken(self, count: int) -> None:
        while self.taken < count:
            self._news.clear()
            await self._news.wait()

    async def has_got(self) -> None:
        while not self.got:
            self._news.clear()
            await self._news.wait()

    async def receive(self) -> str | bytes:
        message = await self.sent.get()
        if isinstance(message, int):
            raise Disconnected(message)
        self.taken += 1
        self._news.set()
        return message

    async def send_text(self, text: str) -> None:
        await self.reads.wait()
        self.got.append(text)
        self._news.set()

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


@dataclass
class Pair:
    client: Client
    far: FarTransport
    line: Line
    relaying: asyncio.Task[None]


@asynccontextmanager
async def pair(folder: Path, first: str | None = None) -> AsyncIterator[Pair]:
    lines: asyncio.Queue[Line] = asyncio.Queue()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.put_nowait(Line(reader, writer))

    server = await asyncio.start_unix_server(accepted, folder / "s")
    client = Client()
    relaying = asyncio.create_task(Relay(await connect(folder / "s"), client).run(first))
    line = await lines.get()
    far = FarTransport(line)
    reading = asyncio.create_task(far.read())
    try:
        yield Pair(client, far, line, relaying)
    finally:
        line.close()
        server.close()
        for task in (relaying, reading):
            task.cancel()
        await asyncio.wait({relaying, reading})


async def test_messages_pass_both_ways_in_order_and_unchanged(tmp_path: Path) -> None:
    async with pair(tmp_path, '{"first":"听"}') as there, asyncio.timeout(30):
        for message in (b"\x00\xff" * 20_000, "text", b""):
            there.client.sent.put_nowait(message)
        received = [await there.far.receive() for _ in range(4)]
        assert received == ['{"first":"听"}', b"\x00\xff" * 20_000, "text", b""]
        for text in ("一", "two" * 100_000):
            await there.far.send_text(text)
        assert there.client.got == ["一", "two" * 100_000]


async def test_a_text_counts_as_sent_once_the_client_took_it(tmp_path: Path) -> None:
    async with pair(tmp_path) as there, asyncio.timeout(30):
        there.client.reads.clear()
        sending = asyncio.create_task(there.far.send_text("late"))
        there.client.sent.put_nowait("meanwhile")
        assert await there.far.receive() == "meanwhile", "who does not read is heard all the same"
        assert not sending.done()
        there.client.reads.set()
        await sending
        assert there.client.got == ["late"]


async def test_no_more_is_read_of_a_client_than_the_session_takes(tmp_path: Path) -> None:
    async with pair(tmp_path) as there, asyncio.timeout(30):
        for number in range(3 * UNTAKEN):
            there.client.sent.put_nowait(str(number))
        received = [await there.far.receive()]
        await there.client.has_taken(UNTAKEN)
        assert there.client.taken <= UNTAKEN + 1
        received += [await there.far.receive() for _ in range(3 * UNTAKEN - 1)]
        assert received == [str(number) for number in range(3 * UNTAKEN)]


async def test_a_close_arrives_with_its_code_after_what_was_sent(tmp_path: Path) -> None:
    async with pair(tmp_path) as there, asyncio.timeout(30):
        await there.far.send_text("last")
        await there.far.close(4409, "superseded")
        await there.relaying
        assert there.client.got == ["last"]
        assert there.client.closed == (4409, "superseded")
        await there.far.close(1000, "again")  # no error


async def test_the_code_with_which_a_client_leaves_is_told(tmp_path: Path) -> None:
    async with pair(tmp_path) as there, asyncio.timeout(30):
        there.client.sent.put_nowait("last")
        there.client.sent.put_nowait(1001)
        assert await there.far.receive() == "last"
        for _ in range(2):
            with pytest.raises(Disconnected) as gone:
                await there.far.receive()
            assert gone.value.code == 1001
        with pytest.raises(Disconnected):
            await there.far.send_text("too late")
        await there.relaying
        assert there.client.closed is None


async def test_a_client_whose_worker_dies_is_told_to_come_back(tmp_path: Path) -> None:
    async with pair(tmp_path) as there, asyncio.timeout(30):
        there.line.close()
        await there.relaying
        assert there.client.closed == (RESTART, "restart")


async def test_a_session_whose_relay_dies_while_it_sends_is_not_kept_waiting(tmp_path: Path) -> None:
    async with pair(tmp_path) as there, asyncio.timeout(30):
        there.client.reads.clear()
        sending = asyncio.create_task(there.far.send_text("never"))
        there.client.sent.put_nowait("something")
        await there.far.receive()
        there.relaying.cancel()
        with pytest.raises(Disconnected):
            await sending


async def test_what_is_no_message_breaks_the_line(tmp_path: Path) -> None:
    async with pair(tmp_path) as there, asyncio.timeout(30):
        await there.line.send(Kind.TEXT, b"fine")
        await there.client.has_got()
        there.line._writer.write(b"\xff\xff\xff\xff\xff")
        await there.relaying
        assert there.client.closed == (RESTART, "restart")
