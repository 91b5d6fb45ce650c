"""The share of the speech that a label spoils: what it costs, whatever the length and wherever it lies."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.judge.session import SessionJudge
from server.judge.share import capped_by
from server.judge.spoiled import SpoiledSpeech, caps, unheard_share
from server.values.measures import Measures
from server.values.scores import Overall
from tests.judge.builders import RATE, TELEMEDICINE, add, facts, label_set, opinions, quality

LABELS = label_set(quality("speech_present"), quality("quiet"))
LENGTH_S = 100


def cap(recents: list[float | None], speech: int = 100) -> float | None:
    """Of windows that end each second from 3 s on, in which all is speech."""
    tracker = SpoiledSpeech()
    for end, recent in enumerate(recents, 3):
        seconds = (speech,) * min(end, 10)
        tracker.add(max(0, end - 4) * RATE, end * RATE, RATE, seconds, {"quiet": recent})
    return caps(LABELS, tracker.counts()).get("quiet")


def spoiled(start: int, length: int, score: float = 0.1, of: int = LENGTH_S) -> list[float | None]:
    """What 4 s see of trouble that lasts from ``start``: low as soon as half of them hold it."""
    return [score if min(end, start + length) - max(end - 4, start) >= 2 else 1.0 for end in range(3, of + 1)]


def test_spoiled_speech_is_counted_for_as_long_as_it_lasted() -> None:
    for length in (4, 8, 20, 50):
        assert cap(spoiled(30, length)) == pytest.approx(capped_by((length - 1) / LENGTH_S, 0.7, 0.1))


def test_up_to_a_twentieth_may_be_spoiled_in_a_pass_and_a_fifth_never() -> None:
    assert cast(float, cap(spoiled(30, 5))) >= 0.7
    assert cast(float, cap(spoiled(30, 20))) < 0.7


@pytest.mark.parametrize("score", [0.0, 0.3, 0.5, 0.6])
@pytest.mark.parametrize("length_s", [12, 20, 24, 30, 40, 60, 100])
def test_no_trouble_of_more_than_a_fifth_passes_however_mild(length_s: int, score: float) -> None:
    """38 % of 24 to 40 s passed at a score of 0.5, half of it at 0.6."""
    more_than_a_fifth = length_s // 5 + 1
    assert cast(float, cap(spoiled(3, more_than_a_fifth, score, length_s))) < 0.7
    assert cast(float, cap(spoiled(3, max(length_s // 20, 1), score, length_s))) >= 0.7


def test_each_twentieth_more_that_is_spoiled_costs_something_and_never_more_than_a_bit() -> None:
    scores = [cast(float, cap(spoiled(3, length))) for length in range(0, LENGTH_S, 5)]
    assert all(0.0 <= before - after <= 0.15 for before, after in pairwise(scores))
    assert scores[0] == 1.0


def test_the_place_of_the_trouble_does_not_matter() -> None:
    assert cap(spoiled(10, 20)) == cap(spoiled(70, 20))
    assert cap([*spoiled(10, 10)[:50], *spoiled(70, 10)[50:]]) == pytest.approx(cast(float, cap(spoiled(10, 20))))


@given(st.lists(st.floats(0, 1), min_size=8, max_size=60), st.data())
def test_no_second_that_gets_better_lowers_the_cap(recents: list[float], data: st.DataObject) -> None:
    better = [data.draw(st.floats(value, 1.0)) for value in recents]
    assert cast(float, cap(list(better))) >= cast(float, cap(list(recents))) - 1e-9


def test_listening_has_no_weight() -> None:
    tracker = SpoiledSpeech()
    for end in range(3, 61):
        heard = end < 20 + 4
        speech = tuple(100 if second < 20 else 0 for second in range(max(0, end - 10), end))
        tracker.add(max(0, end - 4) * RATE, end * RATE, RATE, speech, {"quiet": 1.0 if heard else 0.0})
    assert caps(LABELS, tracker.counts())["quiet"] >= 0.95


def test_a_near_miss_costs_little() -> None:
    """Windows of 4 s lie a little below a threshold as often in clean speech as in trouble."""
    assert cast(float, cap([0.69 if end % 3 else 0.9 for end in range(90)])) >= 0.85


def test_without_scores_or_speech_there_is_no_cap() -> None:
    assert cap([None] * 30) is None
    assert cap([0.0] * 30, speech=0) is None


def test_an_unbroken_signal_counts_in_silence_too() -> None:
    tracker = SpoiledSpeech()
    for end in range(3, 60):
        tracker.add(max(0, end - 4) * RATE, end * RATE, RATE, (0,) * min(10, end), {"continuous_signal": 0.0})
    assert caps(TELEMEDICINE, tracker.counts()) == {"continuous_signal": pytest.approx(0.0, abs=0.02)}


def test_missing_windows_leave_the_speech_of_their_seconds_counted() -> None:
    tracker = SpoiledSpeech()
    for end in (3, 7, 9, 15, 18):
        tracker.add(max(0, end - 4) * RATE, end * RATE, RATE, (100,) * min(10, end), {"low_background": 0.0})
    assert tracker.counts().by_label["low_background"].total() == 100 * (
        18 - 2
    )  # nothing looked back on the seconds from 9 to 11
    assert unheard_share(tracker.counts()) == 1.0


def test_a_snapshot_continues_to_the_same_counts() -> None:
    straight, first = SpoiledSpeech(), SpoiledSpeech()
    for end in range(3, 40):
        scores = {"quiet": (end % 7) / 7, "low_background": (end % 5) / 5}
        if end == 20:
            first = SpoiledSpeech.restore(json.loads(json.dumps(first.snapshot())))
        for one in (straight, first):
            one.add(max(0, end - 4) * RATE, end * RATE, RATE, (100,) * min(10, end), scores)
    assert first.counts() == straight.counts()


def test_memory_does_not_grow_with_the_length_of_a_session() -> None:
    def size_after(length_s: int) -> int:
        tracker = SpoiledSpeech()
        for end in range(3, length_s):
            tracker.add(max(0, end - 4) * RATE, end * RATE, RATE, (100,) * min(10, end), {"quiet": (end % 50) / 50})
        snapshot = tracker.snapshot()
        return len(snapshot["pending"]) + sum(len(counted) for counted in snapshot["counts"].values())

    assert size_after(7200) == size_after(300)


def judged(bad_s: int, length_s: int = 60, score: float = 0.1) -> Overall:
    """A minute of speech that begins with noise; the noise takes the words, and DNSMOS hears it."""
    judge = SessionJudge(label_set(quality("speech_present"), quality("low_background"), quality("intelligible")))
    for end in range(3, length_s + 1):
        bad = max(0, bad_s - max(0, end - 10)) / min(end, 10)
        whole = 1.0 - (1.0 - score) * min(1.0, bad)
        recent = score if bad_s - max(0, end - 4) >= 2 else 1.0
        add(
            judge,
            end,
            {"speech_present": 1.0, "low_background": whole, "intelligible": whole},
            recent={"speech_present": 1.0, "low_background": recent, "intelligible": recent},
            speech_s=10.0,
            measures=Measures(mos_overall=3.3 - 2.0 * min(1.0, bad)),
        )
    return judge.conclude().overall


@pytest.mark.parametrize(("bad_s", "verdict"), [(0, "accept"), (3, "accept"), (15, "re-record"), (27, "re-record")])
def test_a_session_is_judged_by_the_share_of_it_that_is_spoiled(bad_s: int, verdict: str) -> None:
    """Under a median, 27 bad seconds of 60 passed with a score of 1.00."""
    assert judged(bad_s).verdict == verdict


@pytest.mark.parametrize("score", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("length_s", [60])
def test_from_all_clear_to_all_spoiled_the_number_falls_without_a_cliff(length_s: int, score: float) -> None:
    step = length_s // 20
    numbers = [cast(float, judged(bad, length_s, score).score) for bad in range(0, length_s + 1, step)]
    assert all(-1e-9 <= before - after <= 0.15 for before, after in pairwise(numbers)), numbers


def overlapped(start: int, length: int, end: int) -> float:
    """The score of ``no_crosstalk`` over a window of 10 s: poor from 3 s of overlap in it on."""
    held = max(0, min(end, start + length) - max(end - 10, start, 0))
    return 1.0 - min(1.0, held / min(end, 10) / 0.4)


@pytest.mark.parametrize(("bad_s", "verdict"), [(0, "accept"), (2, "accept"), (14, "re-record"), (24, "re-record")])
def test_what_only_whole_windows_hear_counts_by_its_share_too(bad_s: int, verdict: str) -> None:
    """Overlap is heard over 10 s; 24 s of 60 s with two voices passed."""
    labels = label_set(quality("speech_present"), quality("no_crosstalk"))
    judge = SessionJudge(labels)
    for end in range(3, 61):
        scores = {"speech_present": 1.0, "no_crosstalk": overlapped(20, bad_s, end)}
        add(judge, end, scores, recent={"speech_present": 1.0, "no_crosstalk": None}, speech_s=10.0)
    assert judge.conclude().overall.verdict == verdict


def test_overlap_is_counted_for_about_as_long_as_it_lasts() -> None:
    tracker = SpoiledSpeech()
    for end in range(3, LENGTH_S + 1):
        score = {"quiet": overlapped(40, 20, end)}
        tracker.add(max(0, end - 10) * RATE, end * RATE, RATE, (100,) * min(end, 10), score)
    low = sum(length for score, length in tracker.counts().by_label["quiet"].items() if score < 50) / 100
    assert low == pytest.approx(20, abs=2)


def test_what_clap_alone_hears_is_counted_for_as_long_as_its_windows_hear_it() -> None:
    label = replace(quality("clear", prompt="reduce_echo", clap=True), acoustic=None)
    judge = SessionJudge(label_set(quality("speech_present"), label))
    for end in range(3, 101):
        heard = opinions({"clear": 0.0 if 30 <= end < 45 else 1.0}, "clap")
        present = opinions({"speech_present": 1.0})
        judge.add_window(facts(end, speech_s=10.0), {**present, **heard}, present)
    assert judge.conclude().overall.verdict == "accept"


@pytest.mark.parametrize(("removed", "verdict"), [(False, "re-record"), (True, "accept")])
def test_what_a_removed_label_spoiled_no_longer_counts(removed: bool, verdict: str) -> None:
    kept = (quality("speech_present"), quality("plain"))
    before = label_set(*kept, quality("low_background"))
    after = label_set(*kept) if removed else before
    judge = SessionJudge(before)
    for end in range(3, 61):
        noise = 0.1 if 10 <= end < 35 else 1.0
        add(judge, end, {"speech_present": 1.0, "plain": 1.0, "low_background": noise}, speech_s=10.0)
        if end == 33:
            judge.change_labels(after)
            judge = SessionJudge.restore(json.loads(json.dumps(judge.snapshot())), after)
    assert judge.conclude().overall.verdict == verdict


def test_seconds_without_a_score_are_not_held_against_anyone() -> None:
    tracker = SpoiledSpeech()
    for end in range(3, 31):
        score = {"low_background": 0.0 if end % 4 == 0 else None}
        tracker.add(max(0, end - 4) * RATE, end * RATE, RATE, (100,) * min(end, 10), score)
    assert unheard_share(tracker.counts()) < 0.1
