"""The far end's marks: sample-exact, independent of the cuts, and kept through a resume."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import SnapshotError
from server.stream.core import StreamCore
from server.stream.events import Level, SpeechStarted, SpeechStopped, StreamEvent
from server.stream.far_end import FarEnd
from server.stream.noise_floor import NoiseFloor
from server.stream.totals import Totals
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.values.rows import N_COLUMNS, Column, dropout_runs, is_pause, is_speech
from tests.fakes import FakeDetector
from tests.stream.audio import RATES, assert_same, babble, core_at, cut, s16, windows

quick = settings(max_examples=15)
rates = st.sampled_from([*RATES, 12_345])
cuts = st.lists(st.integers(0, 60_000), max_size=20)
Marks = Sequence[tuple[int, bool]]
"""(sample, speaking), in order."""

positions = st.lists(st.floats(0, 1), max_size=6).map(sorted)


def marks_at(fractions: Iterable[float], samples: int, *, first: bool = True) -> Marks:
    return [(int(at * samples), first ^ bool(i % 2)) for i, at in enumerate(fractions)]


def feed(
    core: StreamCore, data: bytes, marks: Marks, lengths: Sequence[int] = (), until: int | None = None
) -> list[StreamEvent]:
    """``data`` (s16) from where the core stands, each mark at its sample, the audio between cut by ``lengths``."""
    events: list[StreamEvent] = []
    end = len(data) // 2 if until is None else until
    for at, speaking in [*[mark for mark in marks if core.next_sample <= mark[0] <= end], (end, None)]:
        for chunk in cut(data[2 * core.next_sample : 2 * at], lengths):
            events += core.receive_pcm(chunk)
        if speaking is not None:
            core.far_end(speaking)
    return events


@quick
@given(rates, positions)
def test_rows_that_hold_a_sample_of_the_far_end_or_its_tail_are_marked_and_no_other(
    rate: int, fractions: list[float]
) -> None:
    far_end, wanted, samples = FarEnd(rate), np.zeros(5 * rate, np.bool_), 4 * rate
    speaking_from: int | None = None
    for at, speaking in marks_at(fractions, samples):
        far_end.mark(speaking, at)
        if speaking:
            speaking_from = at
        elif speaking_from is not None:
            wanted[speaking_from : at + rate * 3 // 10] = True
            speaking_from = None
    if speaking_from is not None:
        wanted[speaking_from:] = True
    for hop in range(4):
        bounds = np.arange(101) * rate // 100 + hop * rate
        assert far_end.rows(hop, 100).tolist() == [wanted[a:b].any() for a, b in pairwise(bounds)]


@quick
@given(rates, cuts, st.floats(0, 13), positions)
def test_the_marks_do_not_depend_on_how_the_audio_was_cut(
    rate: int, lengths: list[int], seconds: float, fractions: list[float]
) -> None:
    data = s16(babble(seconds, rate))
    marks = marks_at(fractions, len(data) // 2)
    one, other = core_at(rate), core_at(rate)
    assert_same(feed(one, data, marks, lengths) + one.finish(), feed(other, data, marks) + other.finish())
    assert one.totals().far_end_rows == other.totals().far_end_rows
    assert one.speech_s == other.speech_s


@quick
@given(st.sampled_from([8_000, 16_000, 44_100]), positions, st.floats(0.2, 1), st.booleans())
def test_a_resumed_stream_keeps_its_marks_whether_the_client_sends_them_again_or_not(
    rate: int, fractions: list[float], broken_at: float, again: bool
) -> None:
    data = s16(babble(14.3, rate))
    samples = len(data) // 2
    marks = marks_at(fractions, samples)
    whole = core_at(rate)
    wanted = feed(whole, data, marks) + whole.finish()

    broken = int(broken_at * samples)
    first = core_at(rate)
    events = feed(first, data, marks, until=broken)
    second = StreamCore.restore(first.snapshot(), FakeDetector())
    repeated = [mark for mark in marks if again or mark[0] > broken]
    events += feed(second, data, repeated) + second.finish()
    assert_same(events, wanted)
    assert second.totals().far_end_rows == whole.totals().far_end_rows


def test_a_client_that_only_says_the_state_after_a_resume_is_believed_from_the_known_end_on() -> None:
    data = s16(babble(9, 16_000))
    first = core_at(16_000)
    first.receive_pcm(data[: 2 * 70_000])
    second = StreamCore.restore(first.snapshot(), FakeDetector())
    second.far_end(True)
    second.receive_pcm(data[2 * second.next_sample :])
    second.finish()
    assert second.totals().far_end_rows == (144_000 - 70_000) // 160 + 1


def test_marks_of_another_kind_of_snapshot_are_refused() -> None:
    far_end = FarEnd(16_000)
    with pytest.raises((KeyError, TypeError, ValueError)):
        far_end.restore({"spans": [[1]], "known": 0, "replayed": None})
    with pytest.raises(SnapshotError):
        StreamCore.restore(b"TQSC", FakeDetector())


def test_marks_without_audio_take_no_memory() -> None:
    far_end = FarEnd(16_000)
    for _ in range(1_000):
        far_end.mark(True, 16_000)
        far_end.mark(False, 16_000)
    assert len(far_end.snapshot(16_000)["spans"]) == 1


def tone(seconds: float, rate: int = 16_000) -> Float32Array:
    """Something that the fake detector takes for speech."""
    return np.asarray(0.2 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate), np.float32)


def heard(marks: Marks, samples: Float32Array) -> tuple[StreamCore, list[StreamEvent]]:
    core = StreamCore(AudioFormat(Encoding.PCM_S16LE, 16_000), FakeDetector())
    return core, feed(core, s16(samples), marks) + core.finish()


def test_the_far_end_speaking_is_not_the_patient_speaking() -> None:
    core, events = heard([(0, True)], tone(12))
    assert core.speech_s == 0.0
    assert all(window.speech_s == 0.0 and window.far_end_ratio == 1.0 for window in windows(events))
    assert not any(event.speaking for event in events if isinstance(event, Level))
    assert not any(isinstance(event, SpeechStarted | SpeechStopped) for event in events)


def test_speech_is_told_until_the_far_end_begins_and_again_after_its_tail() -> None:
    _, events = heard([(48_000, True), (80_000, False)], tone(8))
    told = [event for event in events if isinstance(event, SpeechStarted | SpeechStopped)]
    assert [type(event) for event in told] == [SpeechStarted, SpeechStopped, SpeechStarted, SpeechStopped]
    assert 47_000 <= told[1].sample <= 48_000
    levels = {event.end_sample: event.speaking for event in events if isinstance(event, Level)}
    assert [levels[at] for at in (48_000, 51_200, 80_000, 83_200, 86_400, 89_600)] == [True, *[False] * 3, True, True]
    assert 84_800 <= told[2].sample <= 84_800 + 512


def test_the_detector_listens_on_while_the_far_end_speaks() -> None:
    _, events = heard([(0, True)], tone(4))
    assert (windows(events)[-1].rows[50:, Column.SPEECH] >= 0.5).all()


def made_rows(rows: int = 300) -> Float32Array:
    made = np.zeros((rows, N_COLUMNS), np.float32)
    made[:, [Column.LEVEL_DB, Column.PEAK, Column.OVERLAP]] = -60.0, 0.01, -1.0
    return made


def test_a_pause_keeps_away_from_the_far_end() -> None:
    rows = made_rows()
    rows[:, Column.SPEECH] = 0.01
    rows[100:200, Column.FAR_END] = 1.0
    assert np.flatnonzero(~is_pause(rows)).tolist() == list(range(93, 203))
    assert not is_speech(rows).any()


def test_silence_beside_the_far_end_is_no_dropout() -> None:
    rows = made_rows()
    rows[:, Column.SPEECH], rows[:, Column.PEAK] = 0.9, 0.2
    rows[100:110, Column.ZERO] = 1.0
    assert len(dropout_runs(rows)) == 1
    rows[110:200, Column.FAR_END] = 1.0
    assert len(dropout_runs(rows)) == 0


def test_the_room_is_not_learnt_from_the_far_end() -> None:
    floor, rows = NoiseFloor(), made_rows(100)
    rows[:, Column.SPEECH] = 0.01
    assert floor.advance(rows) == -60.0
    rows[:, Column.LEVEL_DB], rows[:, Column.FAR_END] = -90.0, 1.0
    assert floor.advance(rows) == -60.0


def test_totals_of_the_far_end_are_its_rows_alone() -> None:
    totals, rows = Totals(), made_rows(100)
    rows[:, Column.SPEECH], rows[:, Column.CLIPPED], rows[:, Column.FAR_END] = 0.9, 0.5, 1.0
    totals.add(rows)
    sums = totals.freeze()
    assert (sums.rows, sums.far_end_rows, sums.speech_rows, sums.clipped) == (100, 100, 0, 0.0)
    assert sums.speech_levels.sum() == 0
    assert sums.pause_levels.sum() == 0


def test_a_silence_in_which_the_far_end_speaks_is_no_pause_of_the_patient() -> None:
    totals, rows = Totals(), made_rows()
    rows[:100, Column.SPEECH] = rows[200:, Column.SPEECH] = 0.9
    rows[120:180, Column.FAR_END] = 1.0
    totals.add(rows)
    assert totals.freeze().pause_count == 0


def test_marks_within_an_hour_of_gaps_are_forgotten() -> None:
    core = StreamCore(AudioFormat(Encoding.PCM_S16LE, 16_000), FakeDetector())
    for _ in range(3_600):
        core.far_end(True)
        core.far_end(False)
        core.receive_gap(16_000)
    assert len(core.snapshot()) < 65_536
