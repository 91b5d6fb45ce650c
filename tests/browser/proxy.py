"""A TCP proxy that a test can cut: what a router does when it reboots, which no WebSocket library can fake."""

import asyncio
import threading
from contextlib import suppress
from typing import Self

CHUNK = 65_536
START_WITHIN_S = 60.0


class CuttableProxy:
    """Context manager. Listens on ``port`` of the loopback and forwards to ``target``; ``cut`` breaks every line."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), name="proxy")
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(START_WITHIN_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection that stands, in both directions. New ones are taken at once."""
        self._loop.call_soon_threadsafe(self._abort)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping.wait()
        server.close()
        self._abort()
        # What was aborted has read its end; the tasks of the lines end by themselves.
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pair = {writer, onward_writer}
        self._writers |= pair
        try:
            await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))
        finally:
            self._writers -= pair
            for each in pair:
                each.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
