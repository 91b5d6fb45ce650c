"""Assesses one track of a recording with the same core and judgement as live audio, at file priority."""

import asyncio
import secrets
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from server.assessment.assessment import Assessment
from server.assessment.conclusion import build_result
from server.assessment.engine import Engine, HeardAudio
from server.assessment.result import Identity, Result
from server.assessment.updates import Assessed
from server.errors import ScoringError
from server.judge import judgement
from server.judge.labels import LabelSet
from server.recording.decode import Gap, Recording
from server.recording.far_end import Span, marked
from server.recording.silence import Silence, gathered
from server.scoring.ports import Priority
from server.scoring.spending import check_spending
from server.scoring.until_done import to_thread_until_done
from server.stream.core import StreamCore
from server.stream.events import Level, StreamEvent, WindowReady
from server.transcript.sources import TranscriptSource
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding, Float32Array
from server.values.mode import Mode
from server.values.plain import Json
from server.values.windows import Window

UNDECODABLE = "undecodable"
"""``why`` of the span at which decoding failed: what follows is unknown, including its length."""

LEVELS_PER_S = 5
QUIET_DBFS = -120


async def assess_track(
    engine: Engine,
    recording: Recording,
    labels: LabelSet,
    *,
    mode: Mode = Mode.RECORDING,
    source: CaptureSource = CaptureSource.FILE,
    name: str | None = None,
    reference: str | None = None,
    metadata: dict[str, Json] | None = None,
    on_progress: Callable[[float], None] | None = None,
    on_window: Callable[[Window, Assessed], None] | None = None,
    transcript: TranscriptSource | None = None,
    far_end: Sequence[Span] = (),
) -> Result:
    """Assess ``recording``, the mean of its channels, and close it. ``name`` replaces the recording's own name;
    ``source``: where the sound was recorded; ``transcript`` is what was said; ``far_end``: where the far end speaks.

    Decoding and the core run on a worker thread, one second of audio at a time. On the event loop, ``on_progress`` is
    called with the seconds done so far, ``on_window`` with every window and its judgement. Cancellation takes effect
    between two such steps. A truncated file is assessed as far as it goes and gets an unusable span ``undecodable`` at
    its end.

    Raises UndecodableFileError, PayloadTooLargeError, UnsupportedRateError; TooCostlyError where the caller limits its
    spending; ScoringError if no scorer judged any
    window.
    """
    core = engine.make_core(AudioFormat(Encoding.PCM_F32LE, recording.sample_rate))
    capture = Capture(source=source)
    assessment = Assessment(
        engine,
        labels,
        capture,
        mode=mode,
        priority=Priority.FILE,
        transcript=transcript,
        aggregated=on_window is not None,
    )
    tally, peaks = _ScorerTally(), _Peaks(recording.sample_rate)
    try:
        blocks = gathered(marked(recording.blocks(), far_end, recording.sample_rate), recording.sample_rate)
        while (events := await to_thread_until_done(_step, core, blocks)) is not None:
            peaks.add(events)
            await _assess_windows(assessment, events, tally, on_window)
            if on_progress is not None:
                on_progress(core.samples_received / core.audio.sample_rate)
        peaks.add(events := await asyncio.to_thread(core.finish))
        await _assess_windows(assessment, events, tally, on_window)
        tally.check()
        await assessment.conclude()
        identity = Identity(
            id=secrets.token_hex(16),
            kind="file",
            name=recording.name if name is None else name,
            reference=reference,
            metadata=metadata,
        )
        result = await asyncio.to_thread(build_result, assessment, HeardAudio.of(core), identity)
    finally:
        assessment.close()
        await to_thread_until_done(recording.close)
    result = replace(result, notices=(*result.notices, *recording.notices), peaks=peaks.told())
    return _with_break(result) if recording.cut_short else result


def _step(core: StreamCore, blocks: Iterator[Float32Array | Gap | bool | Silence]) -> list[StreamEvent] | None:
    """Decode one block into the core; ``None`` at the end. Runs on a worker thread, one step at a time.

    Raises TooCostlyError.
    """
    check_spending()
    block = next(blocks, None)
    if block is None:
        return None
    if isinstance(block, bool):
        core.far_end(block)
        return []
    if isinstance(block, Gap):
        return core.receive_gap(block.samples)
    if isinstance(block, Silence):
        return core.receive_silence(block.samples)
    return core.receive_pcm(block.astype(np.dtype("<f4"), copy=False).tobytes())


class _Peaks:
    """How loud it was, for a picture: whole dBFS, five a second, -120 where nothing was measured."""

    def __init__(self, sample_rate: int) -> None:
        self._cell = sample_rate / LEVELS_PER_S
        self._peaks = array("b")

    def add(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            if isinstance(event, Level):
                missing = round(event.end_sample / self._cell) - 1 - len(self._peaks)
                self._peaks.extend([QUIET_DBFS] * max(0, missing))
                self._peaks.append(round(max(QUIET_DBFS, min(0.0, event.peak_dbfs))))

    def told(self) -> tuple[int, ...]:
        return tuple(self._peaks)


class _ScorerTally:
    """Whether any window was judged: a result without a single opinion would look like a bad recording."""

    def __init__(self) -> None:
        self._judged = False
        self._failure: ScoringError | None = None

    def add(self, assessed: Assessed) -> None:
        self._judged |= assessed.judged
        self._failure = assessed.failures[0] if assessed.failures else self._failure

    def check(self) -> None:
        """Raises the last ScoringError if there were windows and no scorer judged any of them."""
        if self._failure is not None and not self._judged:
            raise self._failure


async def _assess_windows(
    assessment: Assessment,
    events: Sequence[StreamEvent],
    tally: _ScorerTally,
    on_window: Callable[[Window, Assessed], None] | None,
) -> None:
    for event in events:
        if isinstance(event, WindowReady):
            await asyncio.sleep(0)  # of repeated silence nobody is asked: live sessions go on between two windows
            check_spending()
            assessed = await assessment.assess(event.window)
            tally.add(assessed)
            if on_window is not None:
                on_window(event.window, assessed)


def _with_break(result: Result) -> Result:
    broken = judgement.Span(result.samples, result.samples, UNDECODABLE)
    return replace(result, unusable_spans=(*result.unusable_spans, broken))
