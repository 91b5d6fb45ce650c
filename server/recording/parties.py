"""Assesses a recording of one or several parties: who is on which channel, and where the far end speaks."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from server.assessment.engine import Engine
from server.assessment.result import Result
from server.assessment.updates import Assessed
from server.errors import ConfigError
from server.judge.labels import LabelSet
from server.recording.assess import assess_track
from server.recording.channel_notices import parties_notice
from server.recording.channels import (
    FORM,
    FORM_ZH,
    MOST_CHANNELS,
    ChannelPlan,
    ChannelSurvey,
    Track,
    plan_of,
    unexamined,
)
from server.recording.decode import Recording, read_recording
from server.recording.far_end import FarEndListener, Span
from server.scoring.spending import check_spending
from server.scoring.until_done import to_thread_until_done
from server.stream.core import StreamCore
from server.transcript.sources import TranscriptSource
from server.values.audio import AudioFormat, CaptureSource, Encoding
from server.values.mode import Mode
from server.values.plain import Json
from server.values.windows import Window

VERDICTS = ("unusable", "re-record", None, "accept")
"""From the worst on."""


MOST_PARTIES = 2
"""Each is decoded and judged for itself: one upload may cost as much as two."""


@dataclass(slots=True)
class Preparation:
    """What was found before the judgement: ``plan``, and where the far end of each of its tracks speaks."""

    plan: ChannelPlan
    far_ends: list[list[Span]]


async def assess_recording(
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
) -> Result:
    """Assess ``recording`` and close it; see ``assess_track`` for the arguments.

    A recording with several channels or a far end is read once more before that. If its channels hold different
    people and nobody said who is on which, each is judged and the worst result counts: a voice on one channel must not
    hide another. Raises ConfigError if there is no such channel, and as ``assess_track``.
    """

    async def judged(track: Recording, far_end: list[Span], *, watched: bool) -> Result:
        return await assess_track(
            engine,
            track,
            labels,
            mode=mode,
            source=source,
            name=name,
            reference=reference,
            metadata=metadata,
            on_progress=on_progress,
            on_window=on_window if watched else None,
            transcript=transcript,
            far_end=far_end,
        )

    if recording.channels == 1 and recording.roles is None and recording.far_end is None:
        return await judged(recording, [], watched=True)
    try:
        found = await prepare(recording, engine.listener)
        tracks = found.plan.tracks
        if len(tracks) > MOST_PARTIES:
            raise ConfigError(
                f"channels: {len(tracks)} channels hold different people; {FORM}.",
                zh=f"channels：{len(tracks)} 个声道里是不同的人；{FORM_ZH}。",
                param="channels",
            )
        alone = len(tracks) == 1
        results = [
            await judged(await _opened(recording, track), far_end, watched=alone)
            for track, far_end in zip(tracks, found.far_ends, strict=True)
        ]
        worst = min(range(len(results)), key=lambda at: _badness(results[at]))
        result, notices = results[worst], found.plan.notices
        if not alone:
            notices = (*notices, parties_notice(tracks[worst].channels[0], recording.channels))
            if on_window is not None:
                result = await judged(await _opened(recording, tracks[worst]), found.far_ends[worst], watched=True)
        return replace(result, notices=(*notices, *result.notices))
    finally:
        await to_thread_until_done(recording.close)


async def prepare(recording: Recording, make_listener: Callable[[AudioFormat], StreamCore]) -> Preparation:
    """Read ``recording``, and its far end, once. Cancellation takes effect between two seconds of audio."""
    found = Preparation(ChannelPlan(()), [])
    steps = _steps(recording, make_listener, found)
    try:
        while await to_thread_until_done(_advance, steps):
            pass
    finally:
        await to_thread_until_done(steps.close)
    return found


def _advance(steps: Iterator[bool]) -> bool:
    check_spending()
    return next(steps, False)


def _steps(
    recording: Recording, make_listener: Callable[[AudioFormat], StreamCore], found: Preparation
) -> Generator[bool, None, None]:
    if recording.roles is not None:
        found.plan = plan_of(recording.roles, recording.channels)
    elif 1 < recording.channels <= MOST_CHANNELS:
        survey = ChannelSurvey(recording.source_rate, recording.channels)
        with recording.track(()) as everything:
            for frames in everything.frames():
                survey.add(frames)
                yield True
        found.plan = survey.plan()
    elif recording.channels > MOST_CHANNELS:
        found.plan = unexamined(recording.channels)
    else:
        found.plan = ChannelPlan((Track((0,)),))
    for track in found.plan.tracks:
        spans: list[Span] = []
        yield from _listen(recording, track, make_listener, spans)
        found.far_ends.append(spans)


def _listen(
    recording: Recording, track: Track, make_listener: Callable[[AudioFormat], StreamCore], spans: list[Span]
) -> Generator[bool, None, None]:
    if recording.far_end is not None:
        with read_recording(recording.far_end, max_s=recording.max_s, decoders=recording.decoders) as own:
            listener = FarEndListener(make_listener(_format(own)), own)
            for _ in listener.steps():
                yield True
        spans += listener.spans()
    elif track.far_end:
        # Both read the same file, one after the other.
        with recording.track(track.far_end) as own:
            listener = FarEndListener(make_listener(_format(own)), own)
            for _ in listener.steps():
                yield True
        with recording.track(track.channels) as patient:
            for _ in listener.compare(patient):
                yield True
        spans += listener.spans()


def _format(recording: Recording) -> AudioFormat:
    return AudioFormat(Encoding.PCM_F32LE, recording.sample_rate)


async def _opened(recording: Recording, track: Track) -> Recording:
    return await to_thread_until_done(recording.track, track.channels)


def _badness(result: Result) -> tuple[int, float]:
    overall = result.overall
    return VERDICTS.index(overall.verdict), overall.score if overall.score is not None else 1.0
