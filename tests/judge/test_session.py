"""A session judged window by window: updates, conclusion, label changes, snapshots."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import SnapshotError
from server.judge.judgement import PromptCleared, PromptRaised, Span
from server.judge.labels import Cause, Label
from server.judge.said import Said, SaidState
from server.judge.session import SessionJudge
from server.judge.sounds import Interference
from server.values.measures import Measures
from server.values.scores import Opinion, Why
from server.values.text import Text
from tests.judge.builders import DICTIONARIES, RATE, TELEMEDICINE, add, content, facts, label_set, opinions, quality

LABELS = label_set(
    quality("speech_present", prompt="speak_up"),
    quality("quiet", prompt="move_somewhere_quieter"),
    quality("near", prompt="come_closer"),
    quality("plain"),
    content("pain_location"),
)
GOOD: dict[str, float | None] = {"speech_present": 1.0, "quiet": 0.9, "near": 0.9, "plain": 0.9}


def test_an_update_holds_this_window_the_recent_and_the_session_so_far() -> None:
    judge = SessionJudge(LABELS)
    for end in range(10, 30):
        add(judge, end, GOOD)
    update = add(judge, 30, {**GOOD, "quiet": 0.2}, recent={**GOOD, "quiet": 0.1})
    assert update.labels["quiet"].score == 0.2
    assert update.recent["quiet"] == 0.1
    assert update.session_labels["quiet"] == pytest.approx(0.9, abs=0.01)
    assert (update.overall.verdict, update.session_overall.verdict) == ("re-record", "accept")
    assert update.labels["pain_location"].why is Why.NEEDS_TRANSCRIPT
    assert update.overall.assessed == "4 of 5"


def test_only_labels_that_were_asked_for_are_shown() -> None:
    labels = label_set(quality("speech_present", prompt="speak_up"), quality("quiet"), hidden=["speech_present"])
    judge = SessionJudge(labels)
    update = add(judge, 10, {"speech_present": 0.0, "quiet": 0.9})
    conclusion = judge.conclude()
    assert set(update.labels) == set(update.recent) == set(update.session_labels) == set(conclusion.labels) == {"quiet"}
    assert update.overall.verdict == conclusion.overall.verdict == "unusable"
    assert conclusion.prompts == []


def test_without_any_window_the_audio_was_too_short() -> None:
    conclusion = SessionJudge(LABELS).conclude()
    assert {score.why for score in conclusion.labels.values()} == {Why.TOO_SHORT}
    assert {score.score for score in conclusion.labels.values()} == {None}
    assert (conclusion.overall.verdict, conclusion.overall.grade) == ("unusable", "nodata")
    assert conclusion.overall.passed is False
    assert conclusion.prompts == []
    assert "太短" in conclusion.advice.zh
    assert "too short" in conclusion.advice.en


def test_prompts_of_a_conclusion_are_those_of_the_failing_labels_worst_first_each_once() -> None:
    labels = label_set(
        quality("a", prompt="check_microphone"),
        quality("b", prompt="move_back"),
        quality("c", prompt="check_microphone"),
        quality("d", prompt="slow_down"),
        quality("e"),
        quality("f", prompt="speak_up"),
    )
    judge = SessionJudge(labels)
    add(judge, 10, {"a": 0.6, "b": 0.5, "c": 0.4, "d": 0.9, "e": 0.1, "f": None})
    assert judge.conclude().prompts == ["check_microphone", "move_back"]


@pytest.mark.parametrize(
    ("noise", "asked"), [(0.2, {"move_somewhere_quieter"}), (0.5, {"move_somewhere_quieter", "speak_up"})]
)
def test_nobody_is_asked_to_speak_up_where_noise_may_have_drowned_the_voice(noise: float, asked: set[str]) -> None:
    judge = SessionJudge(
        label_set(
            quality("speech_present", prompt="speak_up"), quality("low_background", prompt="move_somewhere_quieter")
        )
    )
    for second in range(10, 14):
        add(judge, second, {"speech_present": 0.0, "low_background": noise})
    assert set(judge.conclude().prompts) == asked


def test_a_snoozed_prompt_still_stands_in_the_conclusion() -> None:
    judge = SessionJudge(LABELS)
    judge.snooze("move_somewhere_quieter")
    for second in range(10, 20):
        assert add(judge, second, {**GOOD, "quiet": 0.1}).prompts == []
    assert judge.conclude().prompts == ["move_somewhere_quieter"]


@pytest.mark.parametrize(
    ("snr_db", "others", "expected"),
    [
        (20.0, 0.9, ["check_microphone"]),
        (15.0, 0.9, []),
        (None, 0.9, []),
        (20.0, 0.6, None),
    ],
)
def test_intelligible_asks_for_the_microphone_under_its_rule_only(
    snr_db: float | None, others: float, expected: list[str] | None
) -> None:
    scores: dict[str, float | None] = {label.id: others for label in TELEMEDICINE.labels}
    judge = SessionJudge(TELEMEDICINE)
    live: list[str] = []
    for second in range(10, 16):
        update = add(
            judge, second, {**scores, "speech_present": 1.0, "intelligible": 0.3}, measures=Measures(snr_db=snr_db)
        )
        live += [event.label_id for event in update.prompts]
    if expected is None:
        assert "intelligible" not in live
        return
    assert judge.conclude().prompts == expected
    assert live == ["intelligible"] * len(expected)


def test_the_microphone_is_not_blamed_for_a_cause_with_a_name() -> None:
    """Noise that its suppression left in the voice is no hand over the microphone."""
    labels = label_set(quality("speech_present"), quality("intelligible", prompt="check_microphone"))
    for cause, asked in ((None, ["check_microphone"]), ("residue", [])):
        judge = SessionJudge(labels)
        heard: Any = {"acoustic": {"speech_present": Opinion(1.0), "intelligible": Opinion(0.4, cause=cause)}}
        for end in range(10, 16):
            judge.add_window(facts(end, measures=Measures(snr_db=20.0)), heard, heard)
        assert judge.conclude().prompts == asked


@pytest.mark.parametrize(("at_fault", "asked"), [(3, True), (2, True), (1, False)])
def test_the_microphone_is_asked_about_where_it_is_the_cause_in_half_of_the_failing_windows(
    at_fault: int, asked: bool
) -> None:
    """Of four windows that cannot be understood; noise is to blame for the rest. Windows that can be do not count."""
    judge = SessionJudge(label_set(quality("speech_present"), quality("intelligible", prompt="check_microphone")))
    for number in range(4):
        measures = Measures(snr_db=20.0 if number < at_fault else 5.0)
        add(judge, 10 + number, {"speech_present": 1.0, "intelligible": 0.5}, measures=measures)
    for number in range(3):
        add(judge, 14 + number, {"speech_present": 1.0, "intelligible": 0.9}, measures=Measures(snr_db=20.0))
    assert judge.conclude().prompts == (["check_microphone"] if asked else [])


def test_the_microphone_is_not_blamed_for_what_only_clap_hears() -> None:
    """Its acoustic evidence reaches the threshold: neither bandwidth nor SIG is at fault."""
    intelligible = quality("intelligible", prompt="check_microphone", clap=True)
    judge = SessionJudge(label_set(quality("speech_present"), intelligible))
    heard: Any = {**opinions({"speech_present": 1.0, "intelligible": 0.7}), **opinions({"intelligible": 0.1}, "clap")}
    for second in range(10, 16):
        assert judge.add_window(facts(second, measures=Measures(snr_db=20.0)), heard, heard).prompts == []
    assert judge.conclude().labels["intelligible"].score == pytest.approx(0.4)
    assert judge.conclude().prompts == []


def test_the_cause_of_most_failing_windows_is_that_of_the_conclusion() -> None:
    """Also after a restore. Windows that pass have no cause."""
    labels = label_set(quality("speech_present"), quality("quiet"))
    judge = SessionJudge(labels)
    causes = ["echo", "echo", "line", None, "line", "line"]
    for end, cause in enumerate(causes, 10):
        heard: Any = {"acoustic": {"speech_present": Opinion(1.0), "quiet": Opinion(0.4, cause=cause)}}
        judge.add_window(facts(end), heard, heard)
    for end in range(16, 20):
        heard = {"acoustic": {"speech_present": Opinion(1.0), "quiet": Opinion(0.9, cause="none")}}
        judge.add_window(facts(end), heard, heard)
    restored = SessionJudge.restore(json.loads(json.dumps(judge.snapshot())), labels)
    assert judge.conclude().labels["quiet"].cause == restored.conclude().labels["quiet"].cause == "line"


def test_a_prompt_asks_for_what_removes_the_cause() -> None:
    """An echo of oneself is no large room: earphones help, another room does not."""
    earphones = Text("请戴上耳机。", "Please use earphones.")
    echoing = replace(quality("echo", prompt="reduce_echo"), causes={"self_echo": Cause(prompt=earphones)})
    for cause, told in (("self_echo", earphones.en), (None, "Please echo.")):
        judge = SessionJudge(label_set(quality("speech_present"), echoing))
        heard: Any = {"acoustic": {"speech_present": Opinion(1.0), "echo": Opinion(0.1, cause=cause)}}
        raised = [event for end in range(10, 16) for event in judge.add_window(facts(end), heard, heard).prompts]
        assert [(event.id, event.text.en) for event in raised] == [("reduce_echo", told)]


def test_the_first_seconds_are_not_judged_before_the_room_was_heard() -> None:
    """Clean speech without a pause read as usable, with an SNR of 13 dB."""
    labels = label_set(quality("speech_present"), quality("low_background"), quality("near"))
    judge = SessionJudge(labels)
    speaking: Any = {
        "acoustic": {
            "speech_present": Opinion(1.0),
            "low_background": Opinion(None, Why.NO_EVIDENCE),
            "near": Opinion(0.9),
        }
    }
    for end in (3, 4):
        update = judge.add_window(facts(end), speaking, speaking)
        for one in (update.overall, update.session_overall):
            assert (one.score, one.grade, one.verdict, one.assessed) == (None, "nodata", None, "2 of 3")
    good = {"speech_present": 1.0, "low_background": 0.9, "near": 0.9}
    assert add(judge, 5, good).overall.grade == "clear"
    assert judge.add_window(facts(12), speaking, speaking).overall.grade == "clear"


def test_what_the_network_lost_is_told_and_lowers_the_number() -> None:
    judge = SessionJudge(LABELS)
    for end in range(3, 41):
        lost = tuple((max(first, end - 10) * RATE, min(last, end) * RATE) for first, last in [(20, 26)])
        lost = tuple((first, last) for first, last in lost if first < last)
        judge.add_window(replace(facts(end), lost=lost), opinions(GOOD), opinions(GOOD))
    conclusion = judge.conclude()
    assert conclusion.unusable_spans == [Span(20 * RATE, 26 * RATE, "lost")]
    assert conclusion.overall.verdict == "re-record"
    assert "Of 40 s, 6 s cannot be used. 00:20–00:26 could not be heard" in conclusion.advice.en
    assert SessionJudge.restore(json.loads(json.dumps(judge.snapshot())), LABELS).conclude() == conclusion


def test_two_voices_at_once_are_told_where_they_overlap() -> None:
    """Of 10 s each window tells only whether two voices overlap somewhere in it."""
    labels = label_set(quality("speech_present"), quality("no_crosstalk"))
    judge = SessionJudge(labels)
    for end in range(10, 61):
        shared = max(0, min(end, 36) - max(end - 10, 30))
        heard: dict[str, float | None] = {"speech_present": 1.0, "no_crosstalk": 0.2 if shared >= 3 else 1.0}
        add(judge, end, heard, recent={"speech_present": 1.0, "no_crosstalk": None})
    [span] = judge.conclude().unusable_spans
    assert span.why == "no_crosstalk"
    assert abs(span.start_sample / RATE - 30) <= 2
    assert abs(span.end_sample / RATE - 36) <= 2


def test_windows_weigh_by_the_speech_they_hold() -> None:
    judge = SessionJudge(LABELS)
    for number, (score, speech_s) in enumerate([(0.2, 1.0), (0.3, 1.0), (0.9, 9.0)]):
        add(judge, 10 + number, {**GOOD, "quiet": score}, recent=GOOD, speech_s=speech_s)
    assert judge.conclude().labels["quiet"].score == 0.9


def test_transcript_and_sound_are_judged_side_by_side() -> None:
    judge = SessionJudge(LABELS)
    add(judge, 10, GOOD)
    conclusion = judge.conclude(
        {"pain_location": Said(SaidState.DENIED, 0.85), "of_no_label": Said(SaidState.STATED, 0.95)}
    )
    assert conclusion.labels["pain_location"].score == 0.85
    assert conclusion.labels["quiet"].score == 0.9
    assert set(conclusion.labels) == set(GOOD) | {"pain_location"}
    assert conclusion.overall.assessed == "5 of 5"
    assert judge.conclude({"pain_location": Said(SaidState.NOT_HEARD, 0.0)}).not_heard == ["pain_location"]


def test_stretches_to_ask_again_are_told_where_they_are_less_than_half_of_what_was_heard() -> None:
    labels = label_set(quality("speech_present"), quality("low_background"), quality("plain"))
    judge = SessionJudge(labels)
    for second in range(10, 41):
        bad = 20 <= second <= 25
        add(judge, second, {"speech_present": 1.0, "low_background": 0.1 if bad else 0.9, "plain": 0.6})
    assert judge.conclude().overall.verdict == "re-record"
    assert "00:17–00:24 could not be heard" in judge.conclude().advice.en


def test_a_topic_not_heard_is_distinguished_from_a_missing_transcript() -> None:
    judge = SessionJudge(LABELS)
    add(judge, 10, {**GOOD, "near": None})
    assert judge.conclude().not_assessed == ["near", "pain_location"]
    assert judge.conclude().not_heard == []
    heard = SessionJudge(LABELS)
    loaded: Any = {**opinions(GOOD), "transcript": {"pain_location": Opinion(None, Why.NO_EVIDENCE)}}
    heard.add_window(facts(10), loaded, loaded)
    assert heard.conclude().not_heard == ["pain_location"]
    assert heard.conclude().not_assessed == []
    assert heard.conclude().overall.verdict == "accept"


def test_a_window_that_comes_twice_counts_once() -> None:
    judge = SessionJudge(LABELS)
    add(judge, 10, GOOD)
    before = judge.snapshot()
    update = add(judge, 10, {**GOOD, "quiet": 0.0})
    assert update.labels["quiet"].score == 0.0
    assert update.session_labels["quiet"] == 0.9
    assert judge.snapshot() == before


def test_changed_labels_keep_the_scores_of_those_that_stay() -> None:
    judge = SessionJudge(LABELS)
    for second in range(10, 14):
        add(judge, second, {**GOOD, "quiet": 0.2})
    changed = label_set(quality("quiet", prompt="move_somewhere_quieter", threshold=0.1), quality("fresh"))
    judge.change_labels(changed)
    conclusion = judge.conclude()
    assert conclusion.labels["quiet"].score == 0.2
    assert conclusion.passed["quiet"] is True
    assert conclusion.labels["fresh"].score is None
    add(judge, 14, {"quiet": 0.2, "fresh": 0.6})
    assert judge.conclude().labels["fresh"].score == 0.6
    json.dumps(judge.snapshot())


def test_a_label_that_stays_keeps_the_reason_why_it_has_no_score() -> None:
    judge = SessionJudge(LABELS)
    add(judge, 10, {**GOOD, "near": None})
    judge.change_labels(label_set(quality("near", prompt="come_closer"), quality("fresh")))
    assert judge.conclude().labels["near"].why is Why.NO_SPEECH
    assert judge.conclude().labels["fresh"].why is Why.NO_EVIDENCE


def test_a_label_whose_evidence_is_weighed_anew_begins_anew() -> None:
    """Its old scores were computed with other weights and must not be mixed with the new ones."""
    before = quality("both", clap=True, weights=(("acoustic", 1.0), ("clap", 1.0)))
    judge = SessionJudge(label_set(before, quality("kept", clap=True, weights=(("clap", 0.5),))))
    add(judge, 10, {"both": 0.2, "kept": 0.4})
    after = quality("both", clap=True, weights=(("acoustic", 1.0), ("clap", 3.0)))
    judge.change_labels(label_set(after, quality("kept", clap=True, weights=(("clap", 0.5),))))
    assert judge.conclude().labels["both"].score is None
    assert judge.conclude().labels["kept"].score == 0.4
    add(judge, 11, {"both": 0.8, "kept": 0.4})
    assert judge.conclude().labels["both"].score == 0.8


def test_a_label_asked_for_after_the_last_window_is_not_called_too_short() -> None:
    judge = SessionJudge(LABELS)
    for second in range(10, 14):
        add(judge, second, GOOD)
    judge.change_labels(DICTIONARIES.resolve("low_background,symptom_duration,a dog barking,说得很好"))
    assert [score.why for score in judge.conclude().labels.values()] == [
        Why.NO_EVIDENCE,
        Why.NEEDS_TRANSCRIPT,
        Why.NO_EVIDENCE,
        Why.UNSCORABLE,
    ]
    assert judge.conclude().not_heard == []


def test_a_prompt_cleared_by_a_label_change_is_reported_with_the_next_window() -> None:
    judge = SessionJudge(LABELS)
    raised = [event for second in range(10, 14) for event in add(judge, second, {**GOOD, "quiet": 0.1}).prompts]
    assert [type(event) for event in raised] == [PromptRaised]
    changed = label_set(quality("near", prompt="come_closer"))
    judge.change_labels(changed)
    judge = SessionJudge.restore(json.loads(json.dumps(judge.snapshot())), changed)
    assert [type(event) for event in add(judge, 14, {"near": 0.9}).prompts] == [PromptCleared]
    assert add(judge, 15, {"near": 0.9}).prompts == []


def test_a_prompt_cleared_by_a_label_change_is_reported_once_as_it_was_raised() -> None:
    """Also after another change, and in the process that took the session over."""
    judge = SessionJudge(LABELS)
    [raised] = [event for second in range(10, 14) for event in add(judge, second, {**GOOD, "quiet": 0.1}).prompts]
    changed = label_set(quality("near", prompt="come_closer"))
    judge.change_labels(changed)
    judge.change_labels(changed)
    restored = SessionJudge.restore(json.loads(json.dumps(judge.snapshot())), changed)
    for one in (judge, restored):
        [cleared] = add(one, 14, {"near": 0.9}).prompts
        assert cleared == PromptCleared(raised.id, raised.label_id, raised.text, raised.audience)


SCORE = st.one_of(st.none(), st.floats(0, 1))
WINDOWS = st.lists(st.tuples(st.integers(1, 3), SCORE, SCORE, SCORE, st.floats(0, 10)), min_size=1, max_size=40)


def play(
    judge: SessionJudge, windows: list[tuple[int, float | None, float | None, float | None, float]], at: int
) -> Any:
    updates = []
    end = 2 + sum(window[0] for window in windows[:at])
    for hop, speech, quiet, near, speech_s in windows[at:]:
        end += hop
        scores = {"speech_present": speech, "quiet": quiet, "near": near, "plain": quiet}
        updates.append(add(judge, end, scores, speech_s=speech_s))
    return updates


@settings(max_examples=50)
@given(WINDOWS, st.integers(0, 40))
def test_restored_from_json_it_equals_the_unbroken_one(windows: Any, cut: int) -> None:
    unbroken, first = SessionJudge(LABELS), SessionJudge(LABELS)
    all_updates = play(unbroken, windows, 0)
    play(first, windows[:cut], 0)
    second = SessionJudge.restore(json.loads(json.dumps(first.snapshot())), LABELS)
    assert play(second, windows, min(cut, len(windows))) == all_updates[cut:]
    assert second.conclude() == unbroken.conclude()


@settings(max_examples=50)
@given(WINDOWS)
def test_every_score_stays_in_range_and_nothing_scorable_is_null(windows: Any) -> None:
    judge = SessionJudge(LABELS)
    play(judge, windows, 0)
    conclusion = judge.conclude()
    for label_id, score in conclusion.labels.items():
        assert score.score is None or 0.0 <= score.score <= 1.0
        assert (score.score is None) == (score.why is not None) == (conclusion.passed[label_id] is None)


def test_a_snapshot_does_not_change_with_what_follows() -> None:
    judge = SessionJudge(LABELS)
    add(judge, 10, GOOD)
    taken = judge.snapshot()
    written = json.dumps(taken)
    add(judge, 11, {**GOOD, "quiet": 0.1})
    assert json.dumps(taken) == written


@pytest.mark.parametrize("state", [{}, {"version": 99}, {"version": 1}, {"version": 1, "history": 3}])
def test_a_snapshot_of_another_version_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(SnapshotError):
        SessionJudge.restore(state, LABELS)


@pytest.mark.parametrize("row", [[], [5], [5, []], [5, [0.5]], [5, ["x"] * 6], [5, [{}] * 6], [float("inf"), []], 3])
def test_a_snapshot_whose_windows_do_not_fit_is_refused(row: Any) -> None:
    judge = SessionJudge(LABELS)
    add(judge, 10, GOOD)
    state = json.loads(json.dumps(judge.snapshot()))
    state["history"]["rows"].append(row)
    with pytest.raises(SnapshotError):
        SessionJudge.restore(state, LABELS)


def test_a_snapshot_of_other_labels_is_refused() -> None:
    with pytest.raises(SnapshotError):
        SessionJudge.restore(SessionJudge(LABELS).snapshot(), DICTIONARIES.resolve("low_background"))


def test_two_judges_share_nothing() -> None:
    one, other = SessionJudge(LABELS), SessionJudge(LABELS)
    add(one, 10, {**GOOD, "quiet": 0.0})
    add(other, 10, GOOD)
    assert other.conclude().labels["quiet"].score == 0.9
    assert one.conclude().labels["quiet"].score == 0.0


TV = Interference(
    "tv",
    Text("电视声", "Television"),
    0.6,
    Text("周围有电视声，请到安静一点的地方再说。", "I can hear the television. Please move somewhere quieter."),
)
BACKGROUND = next(label for label in TELEMEDICINE.labels if label.id == "low_background")
NOISY = label_set(quality("speech_present", prompt="speak_up"), BACKGROUND)
SPEAKING: dict[str, float | None] = {"speech_present": 1.0}


@pytest.mark.parametrize(
    ("window", "recent", "named"),
    [(0.9, 0.9, False), (0.5, 0.9, True), (0.9, 0.5, True), (None, None, False), (0.70, 0.70, False)],
    ids=["quiet", "noisy", "noisy-lately", "unknown", "just-passes"],
)
def test_a_sound_around_the_patient_is_named_only_where_the_background_fails(
    window: float | None, recent: float | None, named: bool
) -> None:
    judge = SessionJudge(NOISY)
    background = [SPEAKING | {"low_background": score} for score in (window, recent)]
    update = add(judge, 10, background[0], recent=background[1], interference=[TV])
    assert update.interference == ([TV] if named else [])


def test_a_label_set_without_the_background_names_nothing() -> None:
    assert add(SessionJudge(LABELS), 10, {**GOOD, "quiet": 0.1}, interference=[TV]).interference == []


def test_the_prompt_names_the_sound_that_disturbs_as_it_is_raised() -> None:
    judge = SessionJudge(NOISY)
    bad = SPEAKING | {"low_background": 0.2}
    told = [event for end in range(10, 16) for event in add(judge, end, bad, interference=[TV]).prompts]
    assert [event.text for event in told] == [TV.prompt]
    plain = SessionJudge(NOISY)
    told = [event for end in range(10, 16) for event in add(plain, end, bad).prompts]
    assert [event.text.en for event in told] == ["It is a bit noisy. Please move somewhere quieter."]


def by_ear(label_id: str, prompt: str | None) -> Label:
    """A label that CLAP alone can score."""
    return replace(quality(label_id, prompt=prompt, clap=True), acoustic=None)


def test_a_prompt_with_only_clap_evidence_follows_the_ten_second_score() -> None:
    judge = SessionJudge(label_set(quality("speech_present"), by_ear("no_music", "switch_it_off")))
    told = []
    for end, score in [*((end, 0.2) for end in range(10, 14)), *((end, 0.9) for end in range(14, 18))]:
        heard = {**opinions(SPEAKING), **opinions({"no_music": score}, "clap")}
        update = judge.add_window(facts(end), heard, opinions(SPEAKING))
        assert update.recent["no_music"] == score
        told += [(end, type(event)) for event in update.prompts]
    assert told == [(12, PromptRaised), (17, PromptCleared)]


def test_labels_with_other_evidence_do_not_use_clap_for_recent() -> None:
    both = quality("both", prompt="both", clap=True)
    judge = SessionJudge(label_set(quality("speech_present"), by_ear("rain", None), both))
    heard = {**opinions({**SPEAKING, "both": 0.9}), **opinions({"rain": 0.1, "both": 0.1}, "clap")}
    update = judge.add_window(facts(10), heard, opinions({**SPEAKING, "both": 0.8}))
    assert update.recent == {"speech_present": 1.0, "rain": None, "both": 0.8}
