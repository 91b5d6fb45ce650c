"""What StreamCore promises of windows, levels, speech, gaps and faults."""

import numpy as np
import pytest

from server.errors import NonFiniteSamplesError, OddLengthError, UnsupportedRateError
from server.stream.core import StreamCore
from server.stream.events import Level, SpeechStarted, SpeechStopped
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.values.rows import N_COLUMNS, Column
from tests.fakes import FakeDetector
from tests.stream.audio import RATES, assert_same, babble, core_at, f32, run, s16, windows


def test_twelve_seconds_have_ten_windows() -> None:
    found = windows(run(core_at(16_000), s16(babble(12, 16_000))))
    assert [(w.start_s, w.end_s) for w in found] == [(max(0, end - 10), end) for end in range(3, 13)]
    assert [w.partial for w in found] == [True] * 7 + [False] * 3


def test_two_minutes_have_seven_partial_and_111_full_windows() -> None:
    core, second = core_at(8_000), s16(babble(10, 8_000))
    found = [w.partial for _ in range(12) for w in windows(core.receive_pcm(second))]
    found += [w.partial for w in windows(core.finish())]
    assert found == [True] * 7 + [False] * 111
    assert core.totals().rows == 12_000


@pytest.mark.parametrize("rate", [*RATES, 12_345])
def test_windows_end_at_whole_seconds_of_input_samples(rate: int) -> None:
    found = windows(run(core_at(rate), s16(babble(11.4, rate))))
    assert [w.end_sample for w in found] == [second * rate for second in range(3, 12)]
    assert [w.start_sample for w in found] == [max(0, second - 10) * rate for second in range(3, 12)]
    for window in found:
        seconds = min(10, window.end_sample // rate)
        assert window.rows.shape == (100 * seconds, N_COLUMNS)
        assert window.pcm.shape == (16_000 * seconds,)
        for array in (window.rows, window.pcm):
            assert array.dtype == np.float32
            assert array.flags.c_contiguous
            assert not array.flags.writeable


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, 0), (0.49, 0), (0.5, 1), (1.0, 1), (2.0, 1), (2.99, 1), (3.0, 1), (3.99, 1)]
)
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_short_recordings_have_one_window_from_half_a_second_on(rate: int, seconds: float, expected: int) -> None:
    samples = round(seconds * rate)
    found = windows(run(core_at(rate), s16(babble(5, rate)[:samples])))
    assert len(found) == expected
    for window in found:
        assert window.partial
        assert window.end_sample == (samples if seconds < 3 else 3 * rate)
        assert window.rows.shape[0] == window.end_sample * 100 // rate
        assert abs(window.pcm.shape[0] - window.end_sample * 16_000 / rate) <= 1


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_345, 16_000, 96_000])
def test_a_few_samples_are_a_valid_recording(rate: int) -> None:
    for samples in (0, 1, 2, 3, 7, 50, rate // 100, rate // 100 + 1):
        core = core_at(rate)
        assert run(core, s16(babble(1, rate)[:samples])) == []
        assert core.samples_received == samples
        assert core.totals().rows == samples * 100 // rate


def test_the_tail_is_counted_though_it_has_no_window() -> None:
    core = core_at(48_000)
    run(core, s16(babble(4.55, 48_000)))
    assert core.totals().rows == 455
    assert core.samples_received == round(4.55 * 48_000)


def test_windows_see_the_pcm_as_it_was_sent() -> None:
    samples = np.asarray(babble(4, 16_000) + 0.2, np.float32)
    window = windows(run(core_at(16_000, Encoding.PCM_F32LE), f32(samples)))[-1]
    np.testing.assert_array_equal(window.pcm, samples)
    assert window.rows[:, Column.DC].mean() == pytest.approx(0.2, abs=0.01)


def test_five_levels_a_second_with_the_peak_of_their_own_samples() -> None:
    samples = np.zeros(44_100 * 2, np.float32)
    samples[8820 * 3 + 5] = 0.5
    levels = [e for e in run(core_at(44_100), s16(samples)) if isinstance(e, Level)]
    assert [level.end_sample for level in levels] == [8820 * n for n in range(1, 11)]
    assert [level.peak_dbfs > -7 for level in levels] == [n == 3 for n in range(10)]


def test_speech_is_announced_where_it_begins_and_ends() -> None:
    samples = np.zeros(48_000 * 6, np.float32)
    samples[48_000 * 2 : 48_000 * 4] = 0.1 * np.sin(np.arange(96_000) * 0.05)
    events = [e for e in run(core_at(48_000), s16(samples)) if isinstance(e, SpeechStarted | SpeechStopped)]
    assert [type(e) for e in events] == [SpeechStarted, SpeechStopped]
    assert events[0].sample / 48_000 == pytest.approx(2.0, abs=0.1)
    assert events[1].sample / 48_000 == pytest.approx(4.0, abs=0.2)


def test_speech_that_goes_on_stops_with_the_stream() -> None:
    samples = np.asarray(0.1 * np.sin(np.arange(16_000 * 2) * 0.05), np.float32)
    assert run(core_at(16_000), s16(samples))[-1] == SpeechStopped(32_000)


def test_silence_is_audio() -> None:
    found = windows(run(core_at(16_000), bytes(2 * 16_000 * 12)))
    assert len(found) == 10
    assert (found[-1].rows[:, Column.ZERO] == 1).all()
    assert (found[-1].rows[:, Column.OVERLAP] == -1).all()
    assert not found[-1].rows[:, Column.GAP].any()


def test_non_finite_samples_change_nothing() -> None:
    samples = babble(4, 16_000)
    data = f32(samples)
    broken = samples[20_000:30_000].copy()
    broken[77] = np.nan
    core = core_at(16_000, Encoding.PCM_F32LE)
    events = core.receive_pcm(data[: 4 * 20_000 + 3])
    with pytest.raises(NonFiniteSamplesError):
        core.receive_pcm(f32(broken))
    assert core.next_sample == 20_000
    events += core.receive_pcm(data[4 * 20_000 + 3 :]) + core.finish()
    assert_same(events, run(core_at(16_000, Encoding.PCM_F32LE), data))


def test_half_a_sample_at_the_end_is_an_error_that_loses_nothing() -> None:
    data = s16(babble(4, 16_000))
    core = core_at(16_000)
    events = core.receive_pcm(data + b"\x01")
    with pytest.raises(OddLengthError):
        core.finish()
    assert_same(events + core.finish(), run(core_at(16_000), data))


@pytest.mark.parametrize("rate", [0, -1, 7_999, 96_001])
def test_impossible_rates_are_refused(rate: int) -> None:
    with pytest.raises(UnsupportedRateError):
        StreamCore(AudioFormat(Encoding.PCM_S16LE, rate), FakeDetector())


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_gap_advances_time_and_is_marked(rate: int) -> None:
    core = core_at(rate)
    events = core.receive_pcm(s16(babble(4, rate)))
    events += core.receive_gap(rate // 2)
    events += core.receive_pcm(s16(babble(1.5, rate))) + core.finish()
    last = windows(events)[-1]
    assert last.end_sample == 6 * rate
    assert np.flatnonzero(last.rows[:, Column.GAP]).tolist() == list(range(400, 450))
    assert core.totals().gap_rows == 50
    assert core.totals().dropout_rows == 0


def test_windows_wholly_inside_a_gap_are_not_emitted() -> None:
    core = core_at(16_000)
    core.receive_pcm(s16(babble(5, 16_000)))
    assert [w.end_s for w in windows(core.receive_gap(16_000 * 20))] == list(range(6, 15))
    assert [w.end_s for w in windows(core.receive_pcm(s16(babble(2, 16_000))))] == [26, 27]


def with_gap(rate: int, parts: list[int]) -> tuple[StreamCore, list[object]]:
    core = core_at(rate)
    events: list[object] = list(core.receive_pcm(s16(babble(3.3, rate))))
    for part in parts:
        events += core.receive_gap(part)
    events += core.receive_pcm(s16(babble(13.1, rate, seed=1)))
    return core, events + core.finish()


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_gap_may_come_in_any_number_of_parts(rate: int) -> None:
    gap = 40 * rate + 1234
    one, wanted = with_gap(rate, [gap])
    for parts in ([rate // 3] * (gap // (rate // 3)), [13 * rate, 11 * rate + 7]):
        other, got = with_gap(rate, [*parts, gap - sum(parts)])
        assert_same(got, wanted)  # type: ignore[arg-type]  # a list of events
        assert other.samples_received == one.samples_received
        assert other.totals().rows == one.totals().rows
        assert other.totals().gap_rows == one.totals().gap_rows


def test_an_hour_of_gap_is_bounded_work() -> None:
    detector = FakeDetector()
    core = StreamCore(AudioFormat(Encoding.PCM_S16LE, 16_000), detector)
    core.receive_pcm(s16(babble(3, 16_000)))
    events = core.receive_gap(16_000 * 3600)
    assert detector.frames * 512 < 16 * 16_000
    assert len(events) < 100
    assert core.totals().gap_rows == 360_000
    assert core.samples_received == 16_000 * 3603


def test_a_gap_within_a_sample_drops_its_bytes() -> None:
    data = s16(babble(4, 16_000))
    one, other = core_at(16_000), core_at(16_000)
    one.receive_pcm(data[:2000])
    other.receive_pcm(data[:2001])
    one.receive_gap(16_000)
    other.receive_gap(16_000)
    assert_same(run(other, data), run(one, data))


class RecordingTracker:
    """Keeps what it is given. Fake because the only real tracker needs CLAP."""

    name = "heard"

    def __init__(self) -> None:
        self.hops: list[Float32Array] = []

    def advance(self, pcm: Float32Array, sample_rate: int) -> None:
        assert pcm.dtype == np.float32
        self.hops.append(pcm.copy())

    def window(self, hops: int) -> Float32Array:
        return np.concatenate(self.hops[-hops:])

    def reset(self) -> None:
        self.hops.clear()


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_trackers_see_the_input_samples_of_every_hop_once(rate: int) -> None:
    samples = babble(12.25, rate)
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, rate), FakeDetector(), [RecordingTracker()])
    found = windows(run(core, f32(samples), [9_999] * 40))
    for window in found:
        np.testing.assert_array_equal(window.tracked["heard"], samples[window.start_sample : window.end_sample])


def test_trackers_are_refilled_by_the_replay() -> None:
    rate, samples = 16_000, babble(16, 16_000)
    audio = AudioFormat(Encoding.PCM_F32LE, rate)
    core = StreamCore(audio, FakeDetector(), [RecordingTracker()])
    core.receive_pcm(f32(samples[: 13 * rate + 5]))
    core = StreamCore.restore(core.snapshot(), FakeDetector(), [RecordingTracker()])
    was_replaying = core.replaying
    found = windows(core.receive_pcm(f32(samples[core.next_sample :])))
    assert [w.end_s for w in found] == [14, 15, 16]
    assert (was_replaying, core.replaying) == (True, False)
    for window in found:
        np.testing.assert_array_equal(window.tracked["heard"], samples[window.start_sample : window.end_sample])


def test_trackers_hear_a_skipped_gap_as_silence() -> None:
    rate, samples = 16_000, babble(4, 16_000)
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, rate), FakeDetector(), [RecordingTracker()])
    core.receive_pcm(f32(samples))
    core.receive_gap(rate * 16)
    core.receive_gap(rate * 3)
    window = windows(core.receive_pcm(f32(samples)))[0]
    assert (window.start_s, window.end_s) == (14, 24)
    np.testing.assert_array_equal(window.tracked["heard"][: 9 * rate], np.zeros(9 * rate))
    np.testing.assert_array_equal(window.tracked["heard"][9 * rate :], samples[:rate])


def test_rows_of_a_skipped_gap_are_silent_and_lost() -> None:
    rate = 16_000
    core = core_at(rate)
    core.receive_pcm(s16(babble(4, rate)))
    core.receive_gap(rate * 40)
    rows = windows(core.receive_pcm(s16(babble(2, rate))))[0].rows[:900]
    assert set(rows[:, [Column.LEVEL_DB, Column.SYLLABLE_DB, Column.LOW_DB, Column.HIGH_DB]].flat) == {-120.0}
    assert set(rows[:, [Column.ZERO, Column.GAP]].flat) == {1.0}
    assert set(rows[:, Column.OVERLAP]) == {-1.0}
    assert not rows[:, [Column.SPEECH, Column.FLUX, Column.PEAK, Column.CLIPPED, Column.DC]].any()


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_speech_begins_and_ends_on_whole_samples(rate: int) -> None:
    samples = np.asarray(0.1 * np.sin(np.arange(rate * 2 + 77) * 0.05), np.float32)
    events = [e for e in run(core_at(rate), s16(samples)) if isinstance(e, SpeechStarted | SpeechStopped)]
    assert [type(event.sample) for event in events] == [int, int]
    assert abs(events[-1].sample - (rate * 2 + 77)) <= rate // 16_000 + 1


def test_a_snapshot_that_is_packed_later_holds_the_moment_at_which_it_was_taken() -> None:
    core, sound = core_at(16_000), s16(babble(9, 16_000))
    core.receive_pcm(sound[: 10 * 16_000])
    core.far_end(True)
    frozen, packed = core.frozen(), core.snapshot()
    core.receive_pcm(sound[10 * 16_000 :])
    assert bytes(frozen) == packed != core.snapshot()
