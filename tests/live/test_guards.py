"""How often a peer may fail, how fast audio may come, and when somebody is warned."""

import pytest

from server.errors import FasterThanRealTimeError, TooManyChangesError, TooManyFaultsError
from server.live.guards import ChangeGuard, FaultGuard, IdleGuard, PaceGuard
from server.live.warnings import WarningWatch
from server.stream.events import Level
from server.values.audio import Capture, CaptureSource

RATE = 16_000


def run_at(speed: float, seconds: float, late: float = 0.0) -> float | None:
    """When audio at ``speed`` times real time is refused, in seconds; ``None``: never. ``late``: part of the time in
    which the server takes nothing."""
    guard = PaceGuard(0.0)
    for step in range(1, int(seconds * 10) + 1):
        try:
            guard.take(0.1 * speed, step * 0.1, late_s=late * step * 0.1)
        except FasterThanRealTimeError:
            return step * 0.1
    return None


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.1, 1.15])
def test_real_time_and_a_little_more_is_never_too_fast(speed: float) -> None:
    assert run_at(speed, 3600) is None


@pytest.mark.parametrize(("speed", "until"), [(1.3, 70.0), (2.0, 21.0), (10.0, 3.0)])
def test_faster_audio_is_refused_once_its_allowance_is_spent(speed: float, until: float) -> None:
    refused_at = run_at(speed, 600)
    assert refused_at is not None
    assert refused_at <= until
    assert refused_at * (speed - 1) >= 19.9, "20 s ahead are allowed"


def test_waiting_does_not_increase_the_allowance() -> None:
    guard = PaceGuard(0.0)
    guard.take(1.0, 1.0)
    guard.take(19.0, 500.0)
    with pytest.raises(FasterThanRealTimeError):
        guard.take(2.0, 500.0)


def test_what_waited_for_a_stopped_server_is_no_speed() -> None:
    guard = PaceGuard(0.0)
    guard.take(0.1, 0.1)
    for step in range(240):
        guard.take(0.1, 24.1 + step * 0.001, late_s=24.0)
    for step in range(1, 600):
        guard.take(0.1, 24.4 + step * 0.1, late_s=24.0)


def test_a_loop_that_is_a_little_late_hides_no_speed() -> None:
    assert run_at(2.0, 600, late=0.1) is not None


def test_a_backlog_that_never_came_allows_no_file_later() -> None:
    guard = PaceGuard(0.0)
    guard.take(0.1, 0.1)
    guard.take(0.1, 60.1, late_s=60.0)
    for step in range(1, 4000):
        guard.take(0.1, 60.1 + step * 0.1, late_s=60.0)
    guard.take(20.0, 460.2, late_s=60.0)
    with pytest.raises(FasterThanRealTimeError):
        guard.take(1.0, 460.2, late_s=60.0)


def test_fifth_fault_counts_only_within_ten_seconds() -> None:
    guard = FaultGuard()
    for at in (0.0, 3.0, 6.0, 9.0, 12.0, 15.0):
        guard.note(at)
    with pytest.raises(TooManyFaultsError):
        guard.note(15.1)


def level(at_s: float, peak_dbfs: float = -20.0, *, clipping: bool = False) -> Level:
    return Level(round(at_s * RATE), peak_dbfs - 10, peak_dbfs, False, clipping)


def watch(*, processed: bool = False) -> WarningWatch:
    return WarningWatch(Capture(source=CaptureSource.MICROPHONE if processed else CaptureSource.LINE), RATE)


def test_silence_is_warned_of_after_three_seconds_once_per_stretch() -> None:
    warnings = watch()
    told = [at for step in range(1, 100) if warnings.level(level(at := step * 0.2, -120.0), at)]
    assert told == [pytest.approx(3.0)]
    assert warnings.active(20.0) == ["silent_input"]
    assert warnings.level(level(20.0), 20.0) == []
    assert warnings.active(20.0) == []
    again = [at for step in range(101, 130) if warnings.level(level(at := step * 0.2, -120.0), at)]
    assert again == [pytest.approx(23.0)]


def test_quiet_room_is_not_silent() -> None:
    warnings = watch()
    assert not any(warnings.level(level(step * 0.2, -85.0), step * 0.2) for step in range(100))


def test_one_slammed_door_is_not_clipping() -> None:
    warnings = watch()
    assert warnings.level(level(0.2, 0.0, clipping=True), 0.2) == []
    assert [warnings.level(level(0.2 + step * 0.2), 0.4) for step in range(5)] == [[]] * 5


def test_lasting_clipping_is_warned_of_every_ten_seconds() -> None:
    warnings = watch()
    told = [at for step in range(1, 101) if warnings.level(level(at := step * 0.2, 0.0, clipping=True), at)]
    assert told == [pytest.approx(0.6), pytest.approx(10.6)]


def test_lag_is_warned_of_from_a_second_on() -> None:
    warnings = watch()
    assert warnings.scored(900, 0.0) == []
    assert warnings.scored(1100, 1.0) == ["scoring_lag"]
    assert warnings.replaced(2.0) == []
    assert warnings.replaced(12.0) == ["scoring_lag"]


def test_a_processing_warning_stays_in_the_snapshot_and_momentary_ones_go() -> None:
    warnings = watch(processed=True)
    assert warnings.start(0.0) == ["processing_enabled"]
    warnings.gap(1.0)
    assert warnings.active(5.0) == ["processing_enabled", "audio_gap"]
    assert warnings.active(50.0) == ["processing_enabled"]


def test_tiny_chunks_are_not_remembered_one_by_one() -> None:
    guard = PaceGuard(0.0)
    for step in range(20_000):
        guard.take(1e-5, step / 1000)
    assert len(guard._taken) <= 110


def test_labels_may_be_changed_five_times_at_once_and_then_every_two_seconds() -> None:
    guard = ChangeGuard(100.0)
    for _ in range(5):
        guard.note(100.0)
    with pytest.raises(TooManyChangesError) as refused:
        guard.note(100.5)
    assert refused.value.retry_after_s == 1.5
    guard.note(102.0)
    with pytest.raises(TooManyChangesError):
        guard.note(102.0)
    for _ in range(5):
        guard.note(1000.0)
    with pytest.raises(TooManyChangesError):
        guard.note(1000.0)


def test_a_byte_now_and_then_keeps_no_session_and_a_slow_line_does() -> None:
    trickle, slow = IdleGuard(0.0, 60.0, 900.0), IdleGuard(0.0, 60.0, 900.0)
    for now in range(1, 61):
        trickle.audio(1 / 32_000, now)
        slow.audio(0.05, now)
    assert trickle.ends_at(paused=False) < 60.1
    assert slow.ends_at(paused=False) == 120.0
    for now in range(60, 3600):
        slow.audio(0.049, now)
    assert slow.ends_at(paused=False) < 3600, "under a twentieth of real time"


def test_audio_after_a_minute_but_one_second_goes_on_as_before() -> None:
    guard = IdleGuard(0.0, 60.0, 900.0)
    for tenth in range(590, 1200):
        guard.audio(0.1, tenth / 10)
        assert guard.ends_at(paused=False) > (tenth + 1) / 10
    assert guard.ends_at(paused=False) == pytest.approx(119.9 + 60)


def test_pauses_hold_a_session_for_a_quarter_of_an_hour_and_do_not_renew_each_other() -> None:
    guard = IdleGuard(0.0, 60.0, 900.0)
    for now in range(10, 2000, 20):
        guard.turned(now)  # a pause
        guard.turned(now + 10)  # and its end, with one byte
        guard.audio(1 / 32_000, now + 10)
    assert guard.ends_at(paused=True) == 900.0
    assert guard.ends_at(paused=False) == pytest.approx(2000), "over, as soon as somebody looks"


def test_after_a_pause_a_patient_has_the_usual_time_to_speak() -> None:
    guard = IdleGuard(0.0, 60.0, 900.0)
    guard.turned(5)
    guard.turned(805)
    assert guard.ends_at(paused=False) == 865
    for tenth in range(8050, 8090):
        guard.audio(0.1, tenth / 10)
    guard.turned(809)
    assert guard.ends_at(paused=True) == pytest.approx(809 + 900, abs=1), "a few words allow another pause"


@pytest.mark.parametrize("silent_s", [0, 55])
def test_a_few_seconds_of_audio_allow_another_pause_however_long_the_last_one_was(silent_s: int) -> None:
    guard = IdleGuard(0.0, 60.0, 900.0)
    guard.turned(5)
    guard.turned(805)
    for tenth in range(8050 + 10 * silent_s, 8090 + 10 * silent_s):
        guard.audio(0.1, tenth / 10)
    guard.turned(809 + silent_s)
    assert guard.ends_at(paused=True) == pytest.approx(809 + silent_s + 900, abs=1)


def test_who_comes_back_has_the_usual_time_to_speak_and_renews_nothing() -> None:
    guard = IdleGuard(0.0, 60.0, 900.0)
    for now in range(50, 950, 50):
        guard.audio(1 / 32_000, now)
        guard.came_back(now, 0.0)
        assert guard.ends_at(paused=False) == pytest.approx(min(now, 900) + 60)
    guard.came_back(955, 0.0)
    assert guard.ends_at(paused=False) == 960


def test_the_time_without_a_socket_counts_for_nothing() -> None:
    guard = IdleGuard(0.0, 60.0, 900.0)
    guard.came_back(2000, 2000)
    assert guard.ends_at(paused=False) == 2060
    assert guard.ends_at(paused=True) == 2900


def test_an_idle_guard_goes_on_in_another_process() -> None:
    here, there = IdleGuard(0.0, 60.0, 900.0), IdleGuard(70.0, 60.0, 900.0)
    here.audio(4.0, 100)
    here.turned(110)
    there.restore(here.snapshot(400), 40.0)  # another clock, on which 400 s here were 40 s there
    there.came_back(60, 20)
    assert there.ends_at(paused=True) == 100 - 400 + 40 + 20 + 900
    for broken in ({}, {"earned_s": -1, "full_ago_s": 0}, {"earned_s": 0, "full_ago_s": "long"}):
        with pytest.raises((LookupError, TypeError, ValueError)):
            there.restore(broken, 0.0)
