"""Which minute a doctor should hear first, and when each label failed."""

from collections.abc import Callable, Mapping

from server.assessment.timeline import timeline_of
from server.assessment.window_log import LoggedWindow, LoggedWindows, WindowLog
from server.dictionaries import Dictionaries
from server.judge.judgement import Span
from server.judge.labels import Label
from server.resources import labels_dir
from server.values.measures import Measures
from server.values.scores import LabelScore

RATE = 8_000
NOISE = "low_background"


def labels() -> Mapping[str, Label]:
    return {
        label.id: label for label in Dictionaries.load(labels_dir()).resolve(f"{NOISE},chief_complaint_clear").shown()
    }


def logged(seconds: int, speech_s: Callable[[int], float], score: Callable[[int], float | None]) -> LoggedWindows:
    """Windows as of a recording of ``seconds``; ``speech_s`` and ``score`` by the second at which a window ends."""
    log = WindowLog()
    for end in range(3, seconds + 1):
        start = max(0, end - 10)
        log.append(
            LoggedWindow(
                start_sample=start * RATE,
                end_sample=end * RATE,
                partial=end < 10,
                speech_s=speech_s(end),
                speech_ratio=speech_s(end) / 10,
                labels={NOISE: LabelScore(score(end), {}, None), "chief_complaint_clear": LabelScore(None, {}, None)},
                measures=Measures(),
            )
        )
    return log.windows()


def in_seconds(stretch: tuple[int, int] | None) -> tuple[float, float] | None:
    return None if stretch is None else (stretch[0] / RATE, stretch[1] / RATE)


def test_the_minute_with_the_most_speech_comes_first() -> None:
    windows = logged(300, lambda end: 8.0 if 130 <= end <= 185 else 1.0, lambda _: 1.0)
    best = in_seconds(timeline_of(windows, labels(), (), 300 * RATE, RATE).best)
    assert best is not None
    assert best[1] - best[0] == 60
    assert 115 <= best[0] <= 135


def test_speech_in_noise_is_worth_less_than_clear_speech() -> None:
    windows = logged(200, lambda _: 8.0, lambda end: 0.2 if end < 100 else 0.9)
    best = in_seconds(timeline_of(windows, labels(), (), 200 * RATE, RATE).best)
    assert best is not None
    assert best[0] >= 90


def test_a_minute_that_cannot_be_used_is_not_the_first() -> None:
    windows = logged(200, lambda end: 9.0 if end < 90 else 5.0, lambda _: 1.0)
    spans = (Span(10 * RATE, 80 * RATE, "lost"),)
    best = in_seconds(timeline_of(windows, labels(), spans, 200 * RATE, RATE).best)
    assert best is not None
    assert best[0] >= 80


def test_a_short_recording_is_its_best_minute_and_a_silent_one_has_none() -> None:
    short = logged(42, lambda _: 5.0, lambda _: 1.0)
    assert in_seconds(timeline_of(short, labels(), (), 42 * RATE, RATE).best) == (0, 42)
    silent = logged(200, lambda _: 0.0, lambda _: None)
    assert timeline_of(silent, labels(), (), 200 * RATE, RATE).best is None
    assert timeline_of(LoggedWindows(), labels(), (), 0, RATE).best is None


def test_times_of_a_label_are_where_its_windows_fail() -> None:
    """A window stands for the second in its middle; a pause of two seconds joins."""
    failing = {*range(40, 61), 63, *range(90, 96)}
    windows = logged(120, lambda _: 5.0, lambda end: 0.3 if end in failing else 0.9)
    failed = timeline_of(windows, labels(), (), 120 * RATE, RATE).failed
    assert [in_seconds(one) for one in failed[NOISE]] == [(34.5, 58.5), (84.5, 90.5)]
    assert "chief_complaint_clear" not in failed


def test_times_reach_the_edges_of_the_recording() -> None:
    windows = logged(30, lambda _: 5.0, lambda end: 0.3 if end <= 12 or end >= 29 else 0.9)
    failed = timeline_of(windows, labels(), (), 30 * RATE + 100, RATE).failed[NOISE]
    assert failed[0][0] == 0
    assert failed[-1][1] == 30 * RATE + 100
