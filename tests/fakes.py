"""Fakes that several tests share. Each says why it is fake; none imitates more than its contract."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from server.live.checkpoint import Holder, SessionCheckpoint
from server.live.outcome import Outcome, Remembered
from server.live.transport import Disconnected
from server.scoring.denoising import COLUMNS, Denoised, DenoiseRequest
from server.scoring.ports import ScoreReply, ScoreRequest
from server.scoring.talking import Talk, TalkRequest
from server.values.audio import Float32Array
from server.values.measures import Measures, Mos
from server.values.rows import Column
from server.values.scores import Opinion, ScorerKind, Why
from server.values.voices import HeardTalker
from server.values.windows import Window


class FakeOverlapModel:
    """Says of each row how loud it is beside all that it was given: the network says nothing of made sound."""

    context_samples = 8_000

    def hear(self, pcm: Float32Array, rows: int) -> Float32Array:
        whole = float(np.abs(pcm).mean(dtype=np.float64)) + 1e-6
        heard = np.abs(pcm[pcm.shape[0] % 160 :]).reshape(-1, 160).mean(axis=1, dtype=np.float64)[-rows:]
        return np.asarray(np.minimum(heard / whole / 10.0, 1.0), np.float32)


class FakeScorer:
    """A scorer whose opinions follow from the window alone. Fake because the real ones cost 10 ms and more a window.

    ``gate`` (set by default) lets a test hold inference; ``entered`` is set once a batch has begun. ``fail`` raises.
    """

    def __init__(self, name: str = "acoustic", kind: ScorerKind = "acoustic") -> None:
        self.name = name
        self.kind: ScorerKind = kind
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fail = False
        self.batches: list[list[ScoreRequest]] = []
        self.threads: set[int] = set()

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        self.threads.add(threading.get_ident())
        self.batches.append(list(requests))
        self.entered.set()
        assert self.gate.wait(30), "a test forgot to open the gate"
        if self.fail:
            raise RuntimeError("as the test asked")
        return [self._reply(request) for request in requests]

    def _reply(self, request: ScoreRequest) -> ScoreReply:
        window = request.window
        level_db = float(np.mean(window.rows[:, Column.LEVEL_DB])) if window.rows.size else -120.0
        value = float(1 / (1 + np.exp(-(level_db + 40) / 10)))
        opinions = {
            label.id: Opinion(value) if window.rows.size else Opinion(None, Why.NO_EVIDENCE)
            for label in request.labels.labels
            if getattr(label, self.kind, None) is not None
        }
        mos = request.mos
        measures = Measures(
            speech_ratio=window.speech_ratio,
            noise_dbfs=level_db,
            mos_signal=None if mos is None else mos.signal,
            mos_background=None if mos is None else mos.background,
            mos_overall=None if mos is None else mos.overall,
        )
        return ScoreReply(opinions=opinions, recent=dict(opinions), measures=measures)


class FakeMos:
    """DNSMOS whose result names its window. Fake because the real model takes 0.2 s; ``gate`` can hold it."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.fail = False
        self.ends: list[int] = []

    def score(self, window: Window) -> Mos | None:
        assert self.gate.wait(30), "a test forgot to open the gate"
        if self.fail:
            raise RuntimeError("as the test asked")
        self.ends.append(window.end_sample)
        second = window.end_sample / window.sample_rate
        return Mos(1.0 + second / 100, 2.0, 3.0, window.end_sample)


class FakeDenoiser:
    """A denoiser whose levels name their second, and whose memory counts the seconds that it has heard. Fake because
    the weights of the real one are not at hand."""

    def __init__(self) -> None:
        self.fail = False
        self.asked: list[tuple[int, int]] = []
        self.gains: list[float] = []

    def denoise(self, request: DenoiseRequest) -> Denoised:
        if self.fail:
            raise RuntimeError("as the test asked")
        assert (request.start % 16_000, request.end % 16_000) == (0, 0)
        before = 0 if request.memory is None else int(request.memory[0])
        seconds = np.arange(request.start // 16_000, request.end // 16_000)
        assert (request.pcm[-seconds.size * 16_000 :: 16_000] == seconds).all(), "the audio of other seconds"
        self.asked += [(int(second), before + place) for place, second in enumerate(seconds)]
        self.gains.append(request.gain_db)
        levels = np.repeat(seconds, 10)[:, np.newaxis].repeat(COLUMNS, axis=1).astype(np.float32)
        return Denoised(levels, np.array([before + seconds.size], np.float16))


class FakeTalkers:
    """Talkers whose number stands in the audio: a sample of 3 is talker 3's, 0 nobody's. Fake because real ones hear
    nothing in made sound."""

    def __init__(self) -> None:
        self.fail = False
        self.asked: list[tuple[int, int]] = []
        self.known: list[int] = []

    def talk(self, request: TalkRequest) -> Talk:
        if self.fail:
            raise RuntimeError("as the test asked")
        rows = request.pcm[::160]
        old = rows.shape[0] - request.new
        self.asked.append((old, request.new))
        self.known.append(len(request.spoke))
        talkers = []
        for number in sorted({int(one) for one in rows[old:]} - {0}):
            voice = np.zeros(192, np.float32)
            voice[number] = 1.0
            speaks = rows == number
            talkers.append(HeardTalker(speaks[old:], speaks[:old], voice, np.count_nonzero(speaks) / 100))
        return Talk(tuple(talkers), np.zeros(request.new, np.float32), np.zeros(request.new, np.bool_))


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Let the loop run until ``condition`` holds. For what has no event to wait on."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the conditions are plain state, checked between two turns of the loop
            await asyncio.sleep(0)


class FakeDetector:
    """A detector that calls loud frames speech, smoothed over frames so that its memory shows in every answer.

    Fake because Silero costs 2 ms for every second of audio, and property tests run for hours of it.
    """

    name = "fake"

    def __init__(self, frame_samples: int = 512) -> None:
        self.frame_samples = frame_samples
        self.frames = 0
        self._smooth = 0.0

    def push(self, frames: Float32Array) -> Float32Array:
        assert frames.shape[1:] == (self.frame_samples,)
        return np.array([self._heard(frame) for frame in frames], np.float32)

    def _heard(self, frame: Float32Array) -> float:
        self.frames += 1
        self._smooth += 0.6 * (float(np.dot(frame, frame)) / self.frame_samples - self._smooth)
        return min(1.0, 500.0 * self._smooth)

    def snapshot(self) -> dict[str, Any]:
        return {"smooth": self._smooth}

    def restore(self, state: dict[str, Any]) -> None:
        self._smooth = float(state["smooth"])


class FakeTimer:
    """A callback of FakeClock."""

    def __init__(self, due: float, callback: Callable[[], object]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """Time that moves only when a test says so. Fake so that a minute of silence costs a millisecond.

    ``now``: where it begins; ``wall``: the date then, in seconds, which another process's clock shares.
    """

    def __init__(self, now: float = 1000.0, wall: float = 1000.0) -> None:
        self._now = now
        self._ahead = wall - now
        self._timers: list[FakeTimer] = []

    def now(self) -> float:
        return self._now

    machine = ""

    def wall_time(self) -> datetime:
        return datetime.fromtimestamp(self._now + self._ahead, UTC)

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> FakeTimer:
        self._timers = [timer for timer in self._timers if not timer.cancelled]
        timer = FakeTimer(self._now + delay_s, callback)
        self._timers.append(timer)
        return timer

    def stand_still(self, seconds: float) -> None:
        """Time passes in which nothing runs: the process was stopped, or its loop was busy."""
        self._now += seconds

    @property
    def pending(self) -> int:
        return sum(not timer.cancelled for timer in self._timers)

    async def advance(self, seconds: float) -> None:
        """Move on, timer by timer, letting the loop run after each."""
        target = self._now + seconds
        while due := [timer for timer in self._timers if not timer.cancelled and timer.due <= target]:
            timer = min(due, key=lambda one: one.due)
            self._now = max(self._now, timer.due)
            self._timers.remove(timer)
            timer.callback()
            await settle()
        self._now = target
        await settle()


async def settle() -> None:
    """Let the loop run until nothing is ready any more: all that is left waits for a timer, a thread or the test."""
    ready = getattr(asyncio.get_running_loop(), "_ready")  # noqa: B009 - asyncio has no public word for an idle loop
    async with asyncio.timeout(60):
        await asyncio.sleep(0)
        while ready:  # noqa: ASYNC110 - no event tells of an idle loop
            await asyncio.sleep(0)


class FakeTransport:
    """A WebSocket without a network: the test plays the peer. Fake so that a peer can misbehave to the message.

    ``say`` and ``vanish`` are the peer's; ``messages`` is what it got, parsed; with ``reads`` False it takes nothing.
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self._incoming: asyncio.Queue[str | bytes | Disconnected] = asyncio.Queue()
        self._reads = asyncio.Event()
        self._reads.set()
        self._gone = False
        self._news = asyncio.Event()

    @property
    def reads(self) -> bool:
        return self._reads.is_set()

    @reads.setter
    def reads(self, value: bool) -> None:
        if value:
            self._reads.set()
        else:
            self._reads.clear()

    @property
    def unread(self) -> int:
        return self._incoming.qsize()

    def say(self, message: dict[str, Any] | str | bytes) -> None:
        self._incoming.put_nowait(json.dumps(message) if isinstance(message, dict) else message)

    def vanish(self, code: int = 1006) -> None:
        self._gone = True
        self._incoming.put_nowait(Disconnected(code))

    def got(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    async def expect(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The ``count``-th message of a type, once it is there."""
        async with asyncio.timeout(60):
            while len(self.got(kind)) < count:
                assert self.closed is None, f"closed {self.closed} before {kind}: {self.messages[-3:]}"
                self._news.clear()
                await self._news.wait()
        return self.got(kind)[count - 1]

    async def receive(self) -> str | bytes:
        message = await self._incoming.get()
        if isinstance(message, Disconnected):
            self._incoming.put_nowait(message)
            raise message
        return message

    async def send_text(self, text: str) -> None:
        await self._reads.wait()
        if self._gone or self.closed:
            raise Disconnected(1006)
        self.messages.append(json.loads(text, parse_constant=_not_json))
        self._news.set()

    async def close(self, code: int, reason: str) -> None:
        if self.closed is None and not self._gone:
            self.closed = (code, reason)
        self._incoming.put_nowait(Disconnected(code))
        self._news.set()


def _not_json(constant: str) -> float:
    raise AssertionError(f"{constant} is no JSON")


class BytesCheckpoints:
    """A CheckpointStore of bytes, as one in another process has them. Fake so that no test needs that process."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.puts = 0

    lasting = False

    def serve(self, holder: Holder) -> None:
        pass

    async def put(self, session_id: str, checkpoint: SessionCheckpoint, *, at_once: bool = False) -> None:
        self.puts += 1
        self.kept[session_id] = checkpoint.to_bytes()

    async def get(self, session_id: str, site: str | None = None) -> SessionCheckpoint | None:
        data = self.kept.get(session_id)
        found = None if data is None else SessionCheckpoint.of_bytes(data)
        return found if found is None or site in (None, found.site) else None

    async def site_of(self, session_id: str) -> str | None:
        found = await self.get(session_id)
        return None if found is None else found.site

    async def holds(self, session_id: str) -> bool:
        return True

    async def take(self, session_id: str) -> SessionCheckpoint | None:
        return await self.get(session_id)

    async def leave(self, session_id: str) -> None:
        pass

    async def delete(self, session_id: str) -> None:
        self.kept.pop(session_id, None)


class FakeSink:
    """A ResultSink that keeps every outcome. Fake so that a test can hold it (``gate``) or have it fail."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.fail = False
        self.closed = False
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def ended(self, outcome: Outcome) -> None:
        self.entered.set()
        await self.gate.wait()
        if self.fail:
            raise RuntimeError("as the test asked")
        self.outcomes.append(outcome)

    async def find(self, session_id: str, site: str) -> Remembered | None:
        found = [one for one in self.outcomes if (one.session_id, one.site) == (session_id, site)]
        return Remembered(session_id, found[-1].farewell, collected=False) if found else None

    async def collected(self, session_id: str) -> None:
        return None

    async def close(self) -> None:
        self.closed = True
