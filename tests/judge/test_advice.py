"""The advice: what a colleague would say of this recording."""

from dataclasses import replace

import pytest

from server.judge.advice import TOO_LITTLE_HEARD, advise, worst_label
from server.judge.judgement import Span
from server.judge.labels import Cause, LabelSet
from server.judge.verdict import overall
from server.values.labels import RequestedLabel
from server.values.scores import LabelScore, Why
from server.values.text import Text
from tests.judge.builders import DICTIONARIES, RATE, TELEMEDICINE, content, label_set, quality

GOOD = {label.id: 0.9 for label in TELEMEDICINE.labels}


def advice(
    changes: dict[str, float | None],
    spans: list[Span] | None = None,
    labels: LabelSet = TELEMEDICINE,
    why: Why = Why.NO_SPEECH,
) -> Text:
    values: dict[str, float | None] = {**{label.id: 0.9 for label in labels.labels}, **changes}
    scores = {label_id: LabelScore(value, {}, why if value is None else None) for label_id, value in values.items()}
    return advise(labels, scores, overall(labels, values), spans or [], RATE)


@pytest.mark.parametrize(
    ("unheard_s", "zh", "en"),
    [
        (36, "104 秒中有 36 秒听不清。", "Of 104 s, 36 s cannot be used."),
        (4, None, None),
        (6, "104 秒中有 6 秒", "6 s"),
    ],
)
def test_advice_says_how_much_cannot_be_heard(unheard_s: int, zh: str | None, en: str | None) -> None:
    scores = {label_id: LabelScore(value, {}) for label_id, value in GOOD.items()}
    spans = [Span(10 * RATE, (10 + unheard_s) * RATE, "low_background")]
    judged = overall(TELEMEDICINE, GOOD, unheard=unheard_s / 104)
    said = advise(TELEMEDICINE, scores, judged, spans, RATE, heard_samples=104 * RATE)
    if zh is None or en is None:
        assert "秒中有" not in said.zh
        return
    assert zh in said.zh
    assert en in said.en
    assert said.en.startswith("This recording is fine" if unheard_s < 12 else "Please record again: too much")


def test_many_short_losses_blame_no_label_that_passed() -> None:
    scores = {label_id: LabelScore(value, {}) for label_id, value in GOOD.items()}
    said = advise(TELEMEDICINE, scores, overall(TELEMEDICINE, GOOD, unheard=0.3), [], RATE)
    assert said == TOO_LITTLE_HEARD


def test_advice_names_the_cause_that_was_found() -> None:
    """An echo of oneself is no family that talks in between, and no large room."""
    echo = Cause(
        endangers=Text("自己的声音又传了回来", "the voice comes back"), advice=Text("请戴耳机", "please use earphones")
    )
    labels = label_set(
        replace(quality("low_reverberation"), endangers=Text("糊", "blurred"), advice=Text("换房间", "change rooms"))
    )
    labels = replace(labels, labels=tuple(replace(one, causes={"self_echo": echo}) for one in labels.labels))
    for code, told in (("self_echo", "the voice comes back. Please use earphones."), (None, "blurred. Change rooms.")):
        scores = {"low_reverberation": LabelScore(0.3, {}, cause=code)}
        said = advise(labels, scores, overall(labels, {"low_reverberation": 0.3}), [], RATE)
        assert told in said.en


def test_the_worst_failing_label_is_named_with_its_score_danger_and_remedy() -> None:
    said = advice({"low_background": 0.63, "close_enough": 0.65})
    assert said.zh == (
        "建议复录：“无背景强干扰”没有达标（0.63），周围的声音会盖住药名、剂量这些关键字；"
        "请换到安静的房间，关上门窗和电视，再录一遍。"
    )
    assert said.en == (
        "Please record again: “No strong background noise” falls short (0.63); noise may cover the words that matter, "
        "such as a medicine or a dose. Please move to a quiet room, close the door, switch off any TV, and record once "
        "more."
    )


@pytest.mark.parametrize(("score", "shown"), [(0.6999, "0.69"), (0.695, "0.69"), (0.29, "0.29"), (0.6949, "0.69")])
def test_a_score_that_falls_short_is_not_rounded_up_to_its_threshold(score: float, shown: str) -> None:
    said = advice({"low_background": score})
    assert f"（{shown}）" in said.zh
    assert f"({shown})" in said.en


def test_an_accepted_recording_is_fine() -> None:
    assert advice({}) == Text("录音可以使用，不用重录。", "This recording is fine and can be used as it is.")


def test_stretches_to_ask_again_are_told_in_words() -> None:
    said = advice({}, [Span(190 * RATE, 220 * RATE, "low_background")])
    assert "03:10–03:40 未听清，请重问。" in said.zh
    assert "03:10–03:40 could not be heard; please ask again." in said.en


def test_advice_for_an_accepted_recording_still_names_stretches_to_ask_again() -> None:
    said = advice({}, [Span(190 * RATE, 220 * RATE, "low_background")])
    assert said.en == "This recording is fine overall. 03:10–03:40 could not be heard; please ask again."
    assert said.zh.startswith("录音大体可以使用")


@pytest.mark.parametrize(
    ("spans", "told"),
    [(5, "00:00–00:05, 00:20–00:25, 00:40–00:45, 01:00–01:05, 01:20–01:25 could"), (6, "01:20–01:25 and 1 more could")],
)
def test_up_to_five_stretches_are_listed(spans: int, told: str) -> None:
    said = advice({}, [Span(20 * n * RATE, (20 * n + 5) * RATE, "low_background") for n in range(spans)])
    assert told in said.en


def test_many_stretches_are_not_all_listed() -> None:
    said = advice({}, [Span(at * RATE, (at + 5) * RATE, "low_background") for at in range(0, 200, 20)])
    assert "等 10 处" in said.zh
    assert "and 5 more" in said.en


def test_advice_names_silence_first_whatever_else_fails() -> None:
    assert "有人说话" in advice({"speech_present": 0.1, "low_background": 0.0}).zh


def test_a_broken_signal_explains_a_silence() -> None:
    assert "信号连续" in advice({"speech_present": 0.0, "continuous_signal": 0.2, "low_background": 0.0}).zh


def test_stretches_are_not_told_where_most_is_to_be_recorded_again() -> None:
    values: dict[str, float | None] = {**GOOD, "low_background": 0.2}
    scores = {label_id: LabelScore(value, {}) for label_id, value in values.items()}
    judged = overall(TELEMEDICINE, values)
    for end_s, told in ((12, False), (9, True)):
        span = Span(5 * RATE, end_s * RATE, "low_background")
        said = advise(TELEMEDICINE, scores, judged, [span], RATE, heard_samples=12 * RATE)
        assert ("请重问" in said.zh) is told


def test_silence_is_told_even_where_speech_was_not_asked_for() -> None:
    assert "有人说话" in advice({"speech_present": 0.1}, labels=DICTIONARIES.resolve("low_background")).zh


def test_processing_that_hides_noise_is_told() -> None:
    assert "降噪" in advice({"low_background": None}, why=Why.PROCESSING_ENABLED).zh
    assert "降噪" not in advice({"low_background": None}).zh


def test_without_anything_assessed_a_person_is_asked_to_listen() -> None:
    labels = DICTIONARIES.resolve("pain_location")
    assert "自己听一遍" in advice({"pain_location": None, "speech_present": 0.9}, labels=labels).zh


def test_a_label_of_the_callers_own_is_advised_on_too() -> None:
    labels = DICTIONARIES.resolve("咳嗽声=the sound of coughing")
    custom = labels.shown()[0].id
    assert advice({custom: 0.2}, labels=labels).zh == "建议复录：“咳嗽声”没有达标（0.20）；请再录一遍。"


@pytest.mark.parametrize("label_id", [label.id for label in TELEMEDICINE.labels if label.kind == "quality"])
def test_every_quality_label_gives_whole_sentences(label_id: str) -> None:
    said = advice({label_id: 0.1})
    assert said.zh.startswith("建议复录：“")
    assert said.zh.endswith("再录一遍。") or said.zh.endswith("再说一遍。")
    assert said.en.startswith("Please record again: ")
    assert said.en.endswith(".")
    assert ".." not in said.en


def test_nothing_scored_has_no_worst_label() -> None:
    scores = {label.id: LabelScore(None, {}, Why.SHED) for label in TELEMEDICINE.labels}
    assert worst_label(TELEMEDICINE, scores) is None


EVERY_SET = [DICTIONARIES.resolve(name) for name in DICTIONARIES.names()]


@pytest.mark.parametrize("labels", EVERY_SET, ids=lambda labels: labels.dictionary)
def test_each_label_of_every_dictionary_that_can_fail_gives_whole_sentences(labels: LabelSet) -> None:
    for label in labels.labels:
        if label.kind == "quality" and label.threshold > 0.0:
            said = advice({label.id: 0.1}, labels=labels)
            assert said.zh.startswith(f"建议复录：“{label.title.zh}”没有达标（0.10），")
            assert said.en.startswith(f"Please record again: “{label.title.en}” falls short (0.10); ")
            assert_well_formed(said)


@pytest.mark.parametrize("labels", EVERY_SET, ids=lambda labels: labels.dictionary)
def test_each_content_label_of_every_dictionary_that_was_not_heard_is_asked_for(labels: LabelSet) -> None:
    for label in labels.labels:
        if label.kind == "content":
            said = advice({label.id: None}, labels=labels, why=Why.NO_EVIDENCE)
            assert said.zh.startswith("录音可以使用，不用重录。没有听到")
            assert "请再问一句：" in said.zh
            assert "Not heard: " in said.en
            assert "please ask once more" in said.en
            assert_well_formed(said)


def assert_well_formed(said: Text) -> None:
    """Sentences that end once, without doubled marks or blanks, with full-width marks in Chinese."""
    assert said.zh.endswith("。")
    assert said.en.endswith(".")
    for wrong in ("。。", "，，", "；；", "，。", "。；", ",", ";", ":", "("):
        assert wrong not in said.zh
    for wrong in ("..", ",,", "  ", " ,", ";.", ",."):
        assert wrong not in said.en


def test_several_things_not_heard_are_one_sentence() -> None:
    said = advice({"pain_location": None, "symptom_duration": None}, why=Why.NO_EVIDENCE)
    assert said.zh == "录音可以使用，不用重录。没有听到疼痛部位、持续时间，请补问。"
    assert said.en == (
        "This recording is fine and can be used as it is. Not heard: pain location and duration; please ask."
    )


CARDIOLOGY = DICTIONARIES.resolve("cardiology")
FIRST_OF_CARDIOLOGY = [label for label in CARDIOLOGY.labels if label.kind == "content"]


@pytest.mark.parametrize(("topics", "ending"), [(4, " and "), (5, " and 1 more; please ask.")])
def test_up_to_four_things_not_heard_are_listed(topics: int, ending: str) -> None:
    missing: dict[str, float | None] = {label.id: None for label in FIRST_OF_CARDIOLOGY[:topics]}
    said = advice(missing, labels=CARDIOLOGY, why=Why.NO_EVIDENCE).en
    assert said.split("Not heard: ")[1].count(", ") == (2 if topics == 4 else 3)
    assert ending in said
    assert ("more" in said) is (topics > 4)


def test_an_abbreviation_stays_one_within_a_sentence() -> None:
    labels = label_set(
        replace(content("a"), title=Text("血压已说明", "BP stated")), replace(content("b"), title=Text("热", "Fever"))
    )
    assert "Not heard: BP and fever; please ask." in advice({"a": None, "b": None}, None, labels, Why.NO_EVIDENCE).en


def test_many_things_not_heard_are_not_all_listed() -> None:
    labels = DICTIONARIES.resolve("cardiology")
    content = {label.id: None for label in labels.labels if label.kind == "content"}
    said = advice({**content}, labels=labels, why=Why.NO_EVIDENCE)
    assert "等 10 项，请补问。" in said.zh
    assert "and 6 more; please ask." in said.en


def test_topics_not_heard_are_asked_for_in_the_next_recording() -> None:
    changes: dict[str, float | None] = {"low_background": 0.63, "pain_location": None, "symptom_duration": None}
    said = advice(changes, why=Why.NO_EVIDENCE)
    assert said.zh.endswith("再录一遍。没有听到疼痛部位、持续时间，重录时请一并问到。")
    assert said.en.endswith("Not heard: pain location and duration; please ask in the next recording.")
    assert_well_formed(said)


def test_a_symptom_not_mentioned_is_not_reported_as_absent() -> None:
    labels = DICTIONARIES.resolve("cardiology")
    one = advice({"syncope": None}, labels=labels, why=Why.NO_EVIDENCE)
    assert "没有听到有无晕厥；请再问一句：" in one.zh
    assert "Not heard: fainting (yes or no); please ask once more" in one.en
    several = advice({"syncope": None, "exercise_tolerance": None}, labels=labels, why=Why.NO_EVIDENCE)
    assert "没有听到活动耐量、有无晕厥，请补问。" in several.zh


def test_a_label_that_needs_a_transcript_is_not_reported_as_unsaid() -> None:
    assert "没有听到" not in advice({"pain_location": None}, why=Why.NEEDS_TRANSCRIPT).zh


def test_with_words_alone_the_sound_is_said_to_be_unjudged() -> None:
    labels = DICTIONARIES.resolve("pain_location")
    assert "没有评估声音" in advice({"pain_location": 0.95}, labels=labels).zh


def test_advice_never_names_a_sound_with_threshold_zero() -> None:
    labels = DICTIONARIES.resolve("respiratory")
    values: dict[str, float | None] = {label.id: 0.2 for label in labels.labels if label.kind == "quality"}
    assert "呼吸音" not in advice({**values, "abnormal_breath_sounds": 0.0}, labels=labels).zh


def test_if_no_label_fails_advice_names_only_requested_labels_with_a_weight() -> None:
    labels = label_set(
        quality("counted", threshold=0.1),
        quality("sound", threshold=0.0, weight=0.0),
        quality("hidden", threshold=0.0),
        hidden=["hidden"],
    )
    scores = {name: LabelScore(value, {}) for name, value in (("counted", 0.2), ("sound", 0.05), ("hidden", 0.01))}
    assert worst_label(labels, scores) == (labels.labels[0], 0.2)


def test_advice_does_not_name_a_label_exactly_at_its_threshold() -> None:
    labels = label_set(quality("on_its_line", threshold=0.2), quality("failing"))
    scores = {"on_its_line": LabelScore(0.2, {}), "failing": LabelScore(0.5, {})}
    assert worst_label(labels, scores) == (labels.labels[1], 0.5)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.29])
def test_a_label_with_a_lowered_threshold_is_not_said_to_fall_short(threshold: float) -> None:
    """A request may lower a threshold; the overall score can still be too low to be used."""
    labels = DICTIONARIES.resolve([RequestedLabel(label="low_background", threshold=threshold)])
    said = advice({"low_background": 0.29, "speech_present": 1.0}, labels=labels)
    assert said.zh.startswith("建议复录：整体偏低，最低的是“无背景强干扰”（0.29），")
    assert "“No strong background noise” most of all (0.29)" in said.en
    assert "说话" not in said.zh.split(",")[0]
    assert "没有达标" not in said.zh
