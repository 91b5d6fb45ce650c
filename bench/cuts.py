"""Whether a visit whose line breaks, however it breaks, has the result of one whose line holds.

    .venv/bin/python bench/cuts.py [--cuts 100] [--killed 25] [--patients 5] [--seed 1] [--json FILE]

Patients send recordings of 20–40 s with our own client (``pace=fast``) through proxies that reset lines at a random
byte in either direction, or let them fall silent, also after a delay, a stall, and with bytes split or gathered. In
some rounds the server is killed with SIGKILL at a random moment and started again on the same ``--data-dir``. A line
that stood then counts as cut. Each result is compared with that of the same recording over a line that holds. Exit
status 1 if any number differs by more than 1e-6, or anything else differs.
"""

import argparse
import asyncio
import contextlib
import json
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the path comes first
import soundfile  # noqa: E402

from server.client.pcm_source import PcmSource  # noqa: E402
from server.client.sample_visit import RATE, sample_visit  # noqa: E402
from server.client.stream_client import Lost, StreamClient, stream_url  # noqa: E402
from server.errors import ClientError  # noqa: E402
from server.wire.client import SessionStart  # noqa: E402
from server.wire.server import QualityUpdate, ServerMessage  # noqa: E402
from tools.fault_proxy import FaultProxy, Line, Way  # noqa: E402
from tools.results_apart import apart  # noqa: E402

WITHIN = 1e-6
LENGTH_S = (20, 40)
MOST_CUTS = 4
"""Of one session, before its line holds."""

UP_BYTES = 600_000
DOWN_BYTES = 120_000
"""Of what a session of these lengths sends and gets."""

BEGUN_BYTES = 40_000
"""By then ``session.started`` is there: before, there is nothing to come back to, and a client begins anew."""

START = SessionStart.model_validate(
    {
        "type": "session.start",
        "audio": {"encoding": "pcm_s16le", "sample_rate": RATE},
        "pace": "fast",
        "capture": {"source": "file"},
    }
)


class Server:
    """The product's own server on one data folder, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._settings = {"data_dir": str(folder), "mos": False, "clap": "off", "admission": "fixed"}
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.cli.bench_server", json.dumps(self._settings)),
            stdin=pipe,
            stdout=pipe,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self.port = int(await self._process.stdout.readline())

    async def kill(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    server = Server(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@dataclass
class Seen:
    """``worst``: the largest difference so far. ``failed``: sessions without a result."""

    sessions: int = 0
    cuts: int = 0
    killed: int = 0
    worst: float = 0.0
    failed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


class Patient:
    """One recording, over a proxy of its own."""

    def __init__(self, path: Path, port: int, cuts: int, draw: random.Random) -> None:
        self._path = path
        self._cuts = cuts
        self._draw = draw
        self.proxy = FaultProxy(port, self._line)
        self.kinds: list[str] = []
        self.judged_s = 0.0
        self.news = asyncio.Event()

    def _line(self) -> Line:
        if self.proxy.broken >= self._cuts:
            return Line()
        kind, line = broken_line(self._draw, 1 if self.kinds else BEGUN_BYTES)
        self.kinds.append(kind)
        return line

    def _hear(self, _text: str, message: ServerMessage) -> None:
        if isinstance(message, QualityUpdate):
            self.judged_s = message.window.end_s
            self.news.set()

    async def result(self) -> dict[str, Any]:
        """Raises ClientError."""
        async with self.proxy.running():
            return await streamed(self._path, self.proxy.address, self._hear)


async def streamed(path: Path, port: int, hear: Any = lambda _text, _message: None) -> dict[str, Any]:
    with PcmSource(path, 100) as source:
        ended = await StreamClient(stream_url(f"ws://127.0.0.1:{port}"), START, source, hear, _go_on).run()
    result: dict[str, Any] = json.loads(ended.result.model_dump_json())
    return result | {"reason": ended.reason}


def _go_on(_lost: Lost) -> None:
    """The client resumes by itself."""


def broken_line(draw: random.Random, first: int) -> tuple[str, Line]:
    """A line that breaks at a random byte from ``first`` on; what precedes that is drawn too."""
    up, down = draw.randrange(first, UP_BYTES), draw.randrange(first, DOWN_BYTES)
    delay_s = draw.uniform(0.05, 0.4)
    stall_at, stall_s = draw.randrange(first, up + 1), draw.uniform(0.5, 2)
    lines = {
        "reset while it sends": Line(Way(cut_at=up)),
        "reset while it receives": Line(down=Way(cut_at=down)),
        "delayed, then reset": Line(Way(cut_at=up, delay_s=delay_s), Way(delay_s=delay_s)),
        "stalled, then reset": Line(Way(cut_at=up, stall_at=stall_at, stall_s=stall_s)),
        "split, then reset": Line(Way(cut_at=up, piece=draw.randrange(100, 2000)), Way(piece=50)),
        "gathered, then reset": Line(Way(gather=40_000), Way(cut_at=down, gather=4_000)),
        "silent, given up by the client": Line(Way(silent_at=up)),
    }
    return draw.choices(list(lines.items()), [6, 4, 2, 2, 2, 2, 1])[0]


def recordings(folder: Path, count: int, draw: random.Random) -> list[Path]:
    visit = np.tile(sample_visit(), 3)
    paths = []
    for number in range(count):
        at, length = draw.randrange(27 * RATE), draw.randrange(LENGTH_S[0] * RATE, LENGTH_S[1] * RATE)
        paths.append(folder / f"{number}.wav")
        soundfile.write(paths[-1], visit[at : at + length], RATE, subtype="PCM_16")
    return paths


async def round_of(
    server: Server,
    paths: Sequence[Path],
    expected: Sequence[dict[str, Any]],
    seen: Seen,
    draw: random.Random,
    *,
    kill: bool,
) -> None:
    """All recordings at once. ``kill``: the server, when a patient of these has been judged up to a random second."""
    patients = [Patient(path, server.port, draw.randint(0 if kill else 1, MOST_CUTS), draw) for path in paths]
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(_result(patient)) for patient in patients]
        if kill:
            killing = group.create_task(_kill(server, patients, draw, seen))
            await asyncio.wait(running)
            killing.cancel()
    for patient, found, whole in zip(patients, running, expected, strict=True):
        result = found.result()
        seen.sessions += 1
        seen.cuts += patient.proxy.broken
        seen.kinds.update(patient.kinds[: patient.proxy.broken])
        if result is None:
            seen.failed += 1
        else:
            seen.worst = max(seen.worst, apart(result, whole))


async def _result(patient: Patient) -> dict[str, Any] | None:
    try:
        return await patient.result()
    except ClientError as error:
        print(f"a session failed: {error}", file=sys.stderr)
        return None


async def _kill(server: Server, patients: Sequence[Patient], draw: random.Random, seen: Seen) -> None:
    chosen, until_s = draw.choice(patients), draw.uniform(3, LENGTH_S[0])
    while chosen.judged_s < until_s:
        chosen.news.clear()
        await chosen.news.wait()
    cut = sum(patient.proxy.standing for patient in patients)
    await server.kill()
    seen.killed += cut
    seen.cuts += cut
    seen.kinds["the server killed"] += cut
    await server.start()
    for patient in patients:
        patient.proxy.port = server.port


async def measured(cuts: int, killed: int, patients: int, seed: int) -> Seen:
    draw, seen = random.Random(seed), Seen()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        paths = recordings(folder, patients, draw)
        server = await stack.enter_async_context(serving(folder / "data"))
        async with asyncio.TaskGroup() as group:
            whole = [group.create_task(streamed(path, server.port)) for path in paths]
        expected = [task.result() for task in whole]
        while seen.cuts < cuts:
            await round_of(server, paths, expected, seen, draw, kill=seen.killed < killed)
            print(f"{seen.cuts} of {cuts} cuts, {seen.killed} by SIGKILL, {seen.worst:g} apart", file=sys.stderr)
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--killed", type=int, default=25, help="of them at least, by SIGKILL of the server")
    parser.add_argument("--patients", type=int, default=5, help="at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    seen = asyncio.run(measured(given.cuts, given.killed, given.patients, given.seed))
    right = seen.failed == 0 and seen.worst <= WITHIN
    if given.json:
        worst = seen.worst if math.isfinite(seen.worst) else None
        told = {"cuts": seen.cuts, "killed": seen.killed, "sessions": seen.sessions, "failed": seen.failed}
        text = json.dumps(told | {"largest_difference": worst, "kinds": dict(seen.kinds), "seed": given.seed}, indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")
    print(
        f"{seen.sessions} sessions, {seen.cuts} cuts, {seen.killed} of them by SIGKILL of the server: "
        f"{seen.failed} without a result, largest difference from the unbroken ones {seen.worst:g}."
    )
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
