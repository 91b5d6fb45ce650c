"""100,000 hostile messages to a server of its own on this machine: does it crash, hang, grow, or say something unknown?

    python bench/hostile.py --messages 100000

A connection is a patient's, an observer's, or no WebSocket at all; it says things that are malformed, too large, in the
wrong order, or no frame, and is then closed or cut. Meanwhile ``/readyz`` must answer, and at the end a visit must get
its result. Exit code 1 if the server ended, an answer did not come in time, the log has an error or a traceback, or a
socket closed with a code that docs/protocol.md does not have.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from server.client.load.drive import drive
from server.client.load.job import Job
from server.client.load.material import write_pcm
from server.client.load.process import ProcessUse, process_use
from server.client.load.running import Running

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
CLOSE_CODES = {int(code) for code in re.findall(r"^\| (\d{4}) \|", PAGE, re.MULTILINE)}
AT_ONCE = 16
MESSAGES = (10, 50)
ANSWER_S = 120.0
FORGET_S = 250.0
"""Patients may come back for two minutes, and results are kept for as long."""

FAULTS = re.compile(r" (?:ERROR|CRITICAL) |^Traceback", re.MULTILINE)

Hostile = Callable[[random.Random], str | bytes]
START = {"type": "session.start", "audio": {"encoding": "pcm_s16le", "sample_rate": 16_000}, "pace": "fast"}


def start(**more: Any) -> str:
    return json.dumps(START | more)


def noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice([0, 1, 3, 640, 3_201, 65_536]))


def floats(chance: random.Random) -> bytes:
    return struct.pack("<f", chance.choice([float("nan"), float("inf"), 3e38, 1e-45])) * 50


def typed(chance: random.Random) -> str:
    kinds = [
        "session.start",
        "audio.gap",
        "far_end",
        "labels.update",
        "prompt.snooze",
        "transcript",
        "prompt.send",
        "x",
    ]
    values: list[Any] = [None, -1, 1e308, "", "x" * 999, [], {}, [[]], {"a": 1}, True, 96_000 * 3600]
    fields = ["samples", "labels", "id", "speaking", "segments", "audio", "resume", "metadata", "type2"]
    chosen = {name: chance.choice(values) for name in chance.sample(fields, 3)}
    return json.dumps(chosen | {"type": chance.choice(kinds)})


MESSAGES_OF: list[tuple[int, Hostile]] = [
    (10, noise),
    (4, floats),
    (10, typed),
    (4, lambda chance: "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randrange(200)))),
    (2, lambda chance: "[" * chance.choice([10, 1_000, 60_000])),
    (2, lambda _: json.dumps({"type": "labels.update", "labels": ",".join(["dog"] * 4_900)})),
    (2, lambda chance: json.dumps({"type": "labels.update", "labels": f"sound number {chance.randrange(10**6)}"})),
    (2, lambda _: start(metadata={"deep": json.loads("[" * 150 + "]" * 150)})),
    (2, lambda _: start(resume={"session_id": "0" * 32, "resume_token": "x"})),
    (3, lambda chance: json.dumps({"type": "audio.gap", "samples": chance.choice([1, 16_000, 160_000])})),
    (3, lambda chance: json.dumps({"type": chance.choice(["audio.pause", "audio.resume", "keepalive"])})),
    (1, lambda _: '{"type":"session.end"}'),
    (1, lambda _: "x" * 65_537),
]
RAW = [
    b"\x81\x82\x00\x00\x00\x00\xff\xfe",  # text that is no UTF-8
    b"\x83\x80\x00\x00\x00\x00",  # a reserved opcode
    b"\xf1\x80\x00\x00\x00\x00",  # reserved bits
    b"\x80\x80\x00\x00\x00\x00",  # a continuation of nothing
    b"\x01\x80\x00\x00\x00\x00" + b"\x00\x80\x00\x00\x00\x00" * 200,  # empty pieces without end
    b"\x89\x80\x00\x00\x00\x00" * 200,  # empty pings
    b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",  # nine exabytes
    b"\x81\x05hello",  # not masked
    b"\x88\x82\x00\x00\x00\x00\x00\x01",  # a close code that no peer may send
]
HEADS = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET " + b"/" * 9_000 + b" HTTP/1.1\r\n\r\n",
    b"POST /v1/assess HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/assess HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x00" * 100,
]


class Attack:
    """``sent`` messages so far; ``codes``: how sockets closed."""

    def __init__(self, url: str, seed: int) -> None:
        self.sent = 0
        self.connections = 0
        self.codes: Counter[int] = Counter()
        self.late: list[str] = []
        self.slowest_s = 0.0
        self._url = url
        self._chance = random.Random(seed)

    async def until(self, messages: int) -> None:
        while self.sent < messages:
            self.connections += 1
            try:
                async with asyncio.timeout(ANSWER_S):
                    await (self._heads() if self._chance.random() < 0.1 else self._socket())
            except TimeoutError:
                self.late.append("a socket")
            except (OSError, InvalidHandshake, InvalidMessage, EOFError):
                pass  # refused, or cut off

    async def watch(self) -> None:
        """``/readyz`` answers throughout."""
        running = Running(self._url)
        while True:
            asked = time.monotonic()
            if not await running.ready():
                self.late.append("/readyz")
            self.slowest_s = max(self.slowest_s, time.monotonic() - asked)
            await asyncio.sleep(1.0)

    async def _heads(self) -> None:
        host, port = self._url.split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(self._chance.choice(HEADS))
        self.sent += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(200), self._chance.choice([0.01, 1.0]))
        writer.transport.abort()

    async def _socket(self) -> None:
        observes = self._chance.random() < 0.1
        path = "/stream" if not observes else f"/sessions/{self._chance.choice(['0' * 32, '..', '%00'])}/observe"
        async with connect(
            self._url.removesuffix("/stream") + path,
            subprotocols=[Subprotocol("tingqing.v1")],
            compression=None,
            max_size=None,
            ping_interval=None,
            close_timeout=ANSWER_S,
            proxy=None,
        ) as socket:
            reading = asyncio.create_task(self._read(socket))
            try:
                await self._say(socket)
                await asyncio.wait_for(await socket.ping(), ANSWER_S)
            except ConnectionClosed:
                pass
            finally:
                if self._chance.random() < 0.5:
                    socket.transport.abort()
                else:
                    await socket.close()
                await reading

    async def _say(self, socket: ClientConnection) -> None:
        if self._chance.random() < 0.7:
            encoding = self._chance.choice(["pcm_s16le", "pcm_f32le", "mulaw"])
            rate = self._chance.choice([8_000, 16_000, 48_000])
            await socket.send(start(audio={"encoding": encoding, "sample_rate": rate}))
        weights = [weight for weight, _ in MESSAGES_OF]
        for _ in range(self._chance.randrange(*MESSAGES)):
            self.sent += 1
            if self._chance.random() < 0.02:
                socket.transport.write(self._chance.choice(RAW))
            else:
                (_, make) = self._chance.choices(MESSAGES_OF, weights)[0]
                await socket.send(make(self._chance))

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for _ in socket:
                pass
        except ConnectionClosed:
            pass
        if socket.protocol.close_rcvd is not None:
            self.codes[socket.protocol.close_rcvd.code] += 1


def held(use: ProcessUse) -> dict[str, Any]:
    mb = None if use.resident_bytes is None else round(use.resident_bytes / 1e6, 1)
    return {"rss_mb": mb, "threads": use.threads, "descriptors": use.descriptors}


def faults_in(log: Path) -> int:
    """How many; the end of a log that has some is shown."""
    text = log.read_text(encoding="utf-8", errors="replace")
    faults = len(FAULTS.findall(text))
    sys.stderr.write(text[-4_000:] if faults else "")
    return faults


async def visit(url: str, folder: Path) -> bool:
    """Whether a patient still gets a result."""
    pcm = folder / "patient.pcm"
    rate = write_pcm(None, pcm)
    job = Job(url=url, pcm=str(pcm), sample_rate=rate, seconds=4.0, starts_s=[0.0], pace="fast")
    return all(patient.ended for seen in await drive(job) for patient in seen.patients)


async def several(attack: Attack, messages: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(attack.until(messages))


async def attacked(messages: int, seed: int, settle_s: float) -> dict[str, Any]:
    with TemporaryDirectory() as name:
        folder, log = Path(name), Path(name, "log")
        errors = os.open(log, os.O_CREAT | os.O_WRONLY)
        try:
            server = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server.cli.bench_server"),
                json.dumps({"clap": "off", "mos": False, "admission": "fixed"}),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        finally:
            os.close(errors)
        assert server.stdout is not None
        assert server.stdin is not None
        url = f"ws://127.0.0.1:{int(await server.stdout.readline())}/v1/stream"
        attack = Attack(url, seed)
        await visit(url, folder)
        await several(attack, messages // 20)
        await asyncio.sleep(settle_s)
        before = held(process_use(server.pid))
        watching = asyncio.create_task(attack.watch())
        began, cpu = time.monotonic(), process_use(server.pid).cpu_s or 0.0
        await several(attack, messages + messages // 20)
        took_s, cpu = time.monotonic() - began, (process_use(server.pid).cpu_s or 0.0) - cpu
        watching.cancel()
        judged = await visit(url, folder)
        await asyncio.sleep(settle_s)
        after = held(process_use(server.pid))
        server.stdin.close()
        code = await asyncio.wait_for(server.wait(), ANSWER_S)
        faults = faults_in(log)
    return {
        "messages": attack.sent,
        "connections": attack.connections,
        "seconds": round(took_s, 1),
        "server_cpu_s": round(cpu, 1),
        "close_codes": dict(sorted(attack.codes.items())),
        "unknown_codes": sorted(set(attack.codes) - CLOSE_CODES),
        "late": dict(Counter(attack.late)),
        "slowest_readyz_s": round(attack.slowest_s, 2),
        "faults_in_log": faults,
        "before": before,
        "after": after,
        "visit_afterwards": judged,
        "exit_code": code,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--settle", type=float, default=FORGET_S, help="seconds until sessions and results are forgotten"
    )
    given = parser.parse_args()
    told = asyncio.run(attacked(given.messages, given.seed, given.settle))
    print(json.dumps(told))
    bad = told["unknown_codes"] or told["late"] or told["faults_in_log"] or told["exit_code"]
    return 1 if bad or not told["visit_afterwards"] else 0


if __name__ == "__main__":
    sys.exit(main())
