"""The prompt policy: calm, one at a time, in sample time."""

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.judge.judgement import PromptCleared, PromptEvent, PromptRaised
from server.judge.labels import Prompt
from server.judge.prompts import PromptPolicy, worded
from server.judge.sounds import Interference
from server.values.text import Text
from tests.judge.builders import RATE, TELEMEDICINE, label_set, quality

LABELS = label_set(
    quality("quiet", prompt="move_somewhere_quieter"),
    quality("near", prompt="come_closer"),
    quality("speech", prompt="speak_up"),
    quality("no_prompt"),
)
Recent = Mapping[str, float | None]
Timed = list[tuple[float, PromptEvent]]


def play(policy: PromptPolicy, windows: Sequence[tuple[float, Recent]]) -> Timed:
    return [(end_s, event) for end_s, recent in windows for event in policy.observe(round(end_s * RATE), RATE, recent)]


def steady(start_s: int, end_s: int, **recent: float | None) -> list[tuple[float, Recent]]:
    """A window each second, ends from ``start_s`` to ``end_s``."""
    return [(float(second), recent) for second in range(start_s, end_s + 1)]


def told(events: Timed) -> list[tuple[float, str, str, str]]:
    return [
        (at, "raised" if isinstance(event, PromptRaised) else "cleared", event.id, event.audience)
        for at, event in events
    ]


def test_raised_after_three_seconds_under_the_threshold() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 9, quiet=0.9) + steady(10, 20, quiet=0.6))
    assert told(events) == [(13.0, "raised", "move_somewhere_quieter", "patient")]


def test_clear_trouble_counts_the_hop_that_brought_it() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 9, quiet=0.9) + steady(10, 20, quiet=0.3))
    assert told(events) == [(12.0, "raised", "move_somewhere_quieter", "patient")]


def test_a_prompt_may_wait_longer_than_others() -> None:
    events = play(PromptPolicy(TELEMEDICINE), steady(3, 20, moderate_pace=0.1))
    assert told(events) == [(10.0, "raised", "slow_down", "patient")]
    assert play(PromptPolicy(TELEMEDICINE), steady(3, 9, moderate_pace=0.1)) == []
    assert told(play(PromptPolicy(TELEMEDICINE), steady(3, 20, speech_present=0.0)))[0][0] == 6.0


def test_a_session_that_begins_badly_is_told_within_six_seconds() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 8, quiet=0.1))
    assert told(events) == [(5.0, "raised", "move_somewhere_quieter", "patient")]


def test_two_seconds_of_noise_raise_nothing() -> None:
    windows = steady(3, 9, quiet=0.9) + steady(10, 11, quiet=0.1) + steady(12, 40, quiet=0.9)
    assert play(PromptPolicy(LABELS), windows) == []


def test_a_score_on_its_threshold_is_not_under_it() -> None:
    assert play(PromptPolicy(LABELS), steady(3, 40, quiet=0.7)) == []


def test_cleared_after_three_seconds_above_clear() -> None:
    windows = steady(3, 9, quiet=0.1) + steady(10, 20, quiet=0.8)
    assert told(play(PromptPolicy(LABELS), windows))[1:] == [(13.0, "cleared", "move_somewhere_quieter", "patient")]


def test_a_prompt_stays_up_between_threshold_and_clear() -> None:
    windows = steady(3, 9, quiet=0.1) + steady(10, 40, quiet=0.72)
    assert told(play(PromptPolicy(LABELS), windows)) == [(5.0, "raised", "move_somewhere_quieter", "patient")]


def test_the_worst_label_comes_first_and_only_one_is_up() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 20, quiet=0.5, near=0.2))
    assert told(events) == [(5.0, "raised", "come_closer", "patient")]


def test_come_closer_goes_before_speak_up() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 10, near=0.6, speech=0.0))
    assert told(events) == [(6.0, "raised", "come_closer", "patient")]


@pytest.mark.parametrize(("silence", "first"), [(0.0, "come_closer"), (0.58, "move_somewhere_quieter")])
def test_coming_closer_is_as_urgent_as_the_silence_it_may_explain(silence: float, first: str) -> None:
    events = play(PromptPolicy(LABELS), steady(3, 10, near=0.6, speech=silence, quiet=0.55))
    assert (events[0][0], events[0][1].id) == (6.0, first)


def test_speak_up_does_not_wait_for_a_snoozed_prompt() -> None:
    policy = PromptPolicy(LABELS)
    policy.snooze("come_closer")
    assert told(play(policy, steady(3, 10, near=0.6, speech=0.0))) == [(5.0, "raised", "speak_up", "patient")]


def test_a_prompt_gives_way_after_twenty_seconds_to_the_next_worst_that_is_due() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 44, quiet=0.3, near=0.2))
    assert told(events) == [
        (5.0, "raised", "come_closer", "patient"),
        (25.0, "cleared", "come_closer", "patient"),
        (25.0, "raised", "move_somewhere_quieter", "patient"),
    ]


def test_the_next_raise_waits_until_twenty_seconds_after_the_last() -> None:
    windows = steady(3, 9, near=0.1, quiet=0.9) + steady(10, 40, near=0.9, quiet=0.1)
    assert told(play(PromptPolicy(LABELS), windows))[1:] == [
        (13.0, "cleared", "come_closer", "patient"),
        (25.0, "raised", "move_somewhere_quieter", "patient"),
    ]


def test_after_two_ignored_prompts_the_doctor_is_told() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 46, quiet=0.3, near=0.2))
    assert told(events)[-2:] == [
        (45.0, "cleared", "move_somewhere_quieter", "patient"),
        (45.0, "raised", "come_closer", "doctor"),
    ]


def test_one_lasting_trouble_is_handed_to_the_doctor_instead_of_nagging_the_patient() -> None:
    events = play(PromptPolicy(LABELS), steady(3, 200, quiet=0.3))
    assert told(events) == [
        (5.0, "raised", "move_somewhere_quieter", "patient"),
        (45.0, "cleared", "move_somewhere_quieter", "patient"),
        (45.0, "raised", "move_somewhere_quieter", "doctor"),
    ]


def test_a_trouble_that_two_labels_share_is_handed_over_by_either() -> None:
    """Muffled speech first fails intelligible, whose prompt yields once full_bandwidth, which asks the same, fails."""
    policy = PromptPolicy(TELEMEDICINE)
    events = [
        (float(second), event)
        for second in range(3, 60)
        for event in policy.observe(
            second * RATE,
            RATE,
            {"intelligible": 0.3, "full_bandwidth": 0.8 if second < 10 else 0.3},
            microphone_at_fault=True,
        )
    ]
    assert told(events)[-1] == (45.0, "raised", "check_microphone", "doctor")


def test_a_prompt_that_helped_in_time_is_not_ignored() -> None:
    bad, good = {"quiet": 0.1}, {"quiet": 0.9}
    windows = [(float(second), bad if second % 30 < 10 else good) for second in range(30, 300)]
    events = play(PromptPolicy(LABELS), windows)
    assert len(events) == 18
    assert {event.audience for _, event in events} == {"patient"}


def test_snooze_clears_the_prompt_and_keeps_it_away_for_the_visit() -> None:
    policy = PromptPolicy(LABELS)
    play(policy, steady(3, 9, quiet=0.1))
    assert [type(event) for event in policy.snooze("move_somewhere_quieter")] == [PromptCleared]
    assert play(policy, steady(10, 30, quiet=0.9) + steady(31, 120, quiet=0.1)) == []


def test_a_snoozed_prompt_lets_the_next_one_through() -> None:
    policy = PromptPolicy(LABELS)
    policy.snooze("come_closer")
    assert told(play(policy, steady(3, 9, quiet=0.3, near=0.1)))[0][2] == "move_somewhere_quieter"


def test_snoozing_an_unknown_prompt_changes_nothing() -> None:
    policy = PromptPolicy(LABELS)
    before = policy.snapshot()
    assert policy.snooze("\u202edrop table") == []
    assert policy.snapshot() == before


def test_a_label_without_prompt_raises_none() -> None:
    assert play(PromptPolicy(LABELS), steady(3, 60, no_prompt=0.0)) == []


def test_null_scores_raise_nothing() -> None:
    assert play(PromptPolicy(LABELS), steady(3, 60, quiet=None)) == []


def test_a_prompt_survives_a_short_null_but_not_ten_seconds_without_a_score() -> None:
    windows = steady(3, 9, quiet=0.1) + steady(10, 60, quiet=None)
    assert told(play(PromptPolicy(LABELS), windows))[1:] == [(20.0, "cleared", "move_somewhere_quieter", "patient")]


def test_null_scores_neither_add_to_the_time_below_the_threshold_nor_reset_it() -> None:
    windows = [
        *steady(3, 3, quiet=0.1),
        *steady(4, 7, quiet=None),
        *steady(8, 8, quiet=0.1),
        *steady(9, 9, quiet=0.1),
    ]
    assert told(play(PromptPolicy(LABELS), windows)) == [(9.0, "raised", "move_somewhere_quieter", "patient")]


def test_missing_windows_are_reckoned_in_sample_time() -> None:
    windows: list[tuple[float, Recent]] = [(3.0, {"quiet": 0.1}), (7.0, {"quiet": 0.1})]
    assert told(play(PromptPolicy(LABELS), windows)) == [(7.0, "raised", "move_somewhere_quieter", "patient")]


def test_a_long_time_without_windows_proves_nothing() -> None:
    windows: list[tuple[float, Recent]] = [(3.0, {"quiet": 0.1}), (60.0, {"quiet": 0.1})]
    assert play(PromptPolicy(LABELS), windows) == []


def microphone(at_fault: bool, **others: float) -> Timed:
    policy = PromptPolicy(TELEMEDICINE)
    return [
        (float(second), event)
        for second in range(3, 12)
        for event in policy.observe(second * RATE, RATE, {"intelligible": 0.3, **others}, microphone_at_fault=at_fault)
    ]


def test_intelligible_asks_to_check_the_microphone_only_if_that_is_the_cause() -> None:
    assert told(microphone(True)) == [(5.0, "raised", "check_microphone", "patient")]
    assert microphone(False) == []


def test_intelligible_keeps_silent_where_another_label_with_a_prompt_fails() -> None:
    assert told(microphone(True, low_background=0.4)) == [(5.0, "raised", "move_somewhere_quieter", "patient")]
    for passes in (0.7, 0.8):
        assert [event.label_id for _, event in microphone(True, low_background=passes)] == ["intelligible"]


def test_a_shared_prompt_has_the_text_of_its_label() -> None:
    policy = PromptPolicy(TELEMEDICINE)
    events = play(policy, steady(3, 44, continuous_signal=0.1, full_bandwidth=0.3))
    texts = [event.text.en for _, event in events if isinstance(event, PromptRaised)]
    assert texts == [
        "The sound keeps cutting out. Please check the microphone.",
        "The sound is muffled. Please check nothing covers the microphone.",
    ]


def test_labels_that_were_not_asked_for_raise_nothing() -> None:
    labels = label_set(quality("quiet", prompt="q"), quality("speech", prompt="speak_up"), hidden=["speech"])
    assert play(PromptPolicy(labels), steady(3, 20, speech=0.0)) == []


def test_a_prompt_whose_label_is_gone_is_cleared() -> None:
    policy = PromptPolicy(LABELS)
    play(policy, steady(3, 9, quiet=0.1))
    assert [event.id for event in policy.change_labels(label_set(quality("near", prompt="come_closer")))] == [
        "move_somewhere_quieter"
    ]


def test_the_text_names_the_interference_where_it_has_a_name() -> None:
    prompt = next(label.prompt for label in TELEMEDICINE.labels if label.id == "low_background")
    assert prompt is not None
    named = Text("周围有电视声，请到安静一点的地方再说。", "I can hear the television. Please move somewhere quieter.")
    television = Interference("tv", Text("电视声", "Television"), 0.6, named)
    fan = Interference("fan_ac", Text("风扇声", "Fan"), 0.3, Text("有风扇声。", "A fan."))
    assert worded(prompt, [fan, television]) == named
    assert worded(prompt, []) == prompt.text
    assert worded(Prompt("come_closer", prompt.text), [television]) == prompt.text


IDS = ("quiet", "near", "speech")
SCORES = st.sampled_from([None, 0.0, 0.3, 0.6, 0.72, 0.9])
STEP = st.tuples(st.integers(1, 3), st.tuples(SCORES, SCORES, SCORES), st.integers(1, 8))
"""Seconds between windows, the scores, and for how many windows they stay."""
STORY = st.lists(STEP, min_size=1, max_size=25)
Story = list[tuple[int, tuple[float | None, ...], int]]


def unfold(story: Story) -> list[tuple[float, Recent]]:
    windows: list[tuple[float, Recent]] = []
    end_s = 2
    for hop, scores, times in story:
        for _ in range(times):
            end_s += hop
            windows.append((float(end_s), dict(zip(IDS, scores, strict=True))))
    return windows


@settings(max_examples=100)
@given(STORY)
def test_never_two_up_and_twenty_seconds_apart(story: Story) -> None:
    up: PromptEvent | None = None
    last_raise = -100.0
    for at, event in play(PromptPolicy(LABELS), unfold(story)):
        if isinstance(event, PromptRaised):
            assert up is None
            assert at - last_raise >= 20.0
            up, last_raise = event, at
        else:
            assert up is not None
            assert (event.id, event.label_id, event.text, event.audience) == (
                up.id,
                up.label_id,
                up.text,
                up.audience,
            )
            up = None


@settings(max_examples=60)
@given(STORY)
def test_raised_only_while_the_label_fails(story: Story) -> None:
    windows = unfold(story)
    scores = dict(windows)
    for at, event in play(PromptPolicy(LABELS), windows):
        if isinstance(event, PromptRaised):
            score = scores[at][event.label_id]
            assert score is not None
            assert score < 0.7


@settings(max_examples=60)
@given(STORY, st.integers(0, 40), st.sampled_from(["move_somewhere_quieter", "come_closer", "speak_up"]))
def test_a_snoozed_prompt_never_returns(story: Story, after: int, prompt_id: str) -> None:
    windows = unfold(story)
    policy = PromptPolicy(LABELS)
    play(policy, windows[:after])
    policy.snooze(prompt_id)
    assert all(event.id != prompt_id for _, event in play(policy, windows[after:]))


@settings(max_examples=60)
@given(STORY, st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6]), min_size=3, max_size=3, unique=True))
def test_every_failing_label_has_its_turn_within_twenty_seconds_per_label_ahead(
    story: Story, scores: list[float]
) -> None:
    """From any past, with windows each second: the worst within 3 s, the others 20 s after each other."""
    before = unfold(story)
    policy = PromptPolicy(LABELS)
    play(policy, before)
    begin = int(before[-1][0]) + 1
    well = {"quiet": 0.9, "near": 0.9, "speech": 0.9}
    play(policy, steady(begin, begin + 30, **well))
    begin += 31
    failing = dict(zip(IDS, scores, strict=True))
    raised: dict[str, float] = {}
    for at, event in play(policy, steady(begin, begin + 70, **failing)):
        if isinstance(event, PromptRaised):
            raised.setdefault(event.label_id, at)
    worst = min(IDS, key=lambda label_id: failing[label_id])
    if worst == "speech":
        assert raised["near"] < raised["speech"]
    else:
        assert raised[worst] <= begin + 3
    assert sorted(raised) == sorted(IDS)
    assert max(raised.values()) <= begin + 3 + 40


@settings(max_examples=60)
@given(STORY)
def test_every_prompt_is_over_once_all_is_well(story: Story) -> None:
    policy = PromptPolicy(LABELS)
    before = unfold(story)
    events = play(policy, before)
    end = int(before[-1][0])
    events += play(policy, steady(end + 1, end + 4, quiet=0.9, near=0.9, speech=0.9))
    assert not events or isinstance(events[-1][1], PromptCleared)


@settings(max_examples=50)
@given(STORY, st.integers(0, 60))
def test_restored_from_json_it_equals_the_unbroken_one(story: Story, cut: int) -> None:
    windows = unfold(story)
    unbroken, first = PromptPolicy(LABELS), PromptPolicy(LABELS)
    events = play(unbroken, windows)
    before = play(first, windows[:cut])
    second = PromptPolicy.restore(json.loads(json.dumps(first.snapshot())), LABELS)
    assert before + play(second, windows[cut:]) == events


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_any_sample_rate_gives_the_same_times(rate: int) -> None:
    policy = PromptPolicy(LABELS)
    raised = [second for second in range(3, 9) if policy.observe(second * rate, rate, {"quiet": 0.1})]
    assert raised == [5]
