"""``format=flat``: titles as asked, no two alike."""

from server.judge.labels import Label, LabelKind, LabelSet
from server.recording.flat import flat
from server.values.text import Text
from server.wire.common import EvidenceModel, MeasuresModel, OverallModel, TextModel
from server.wire.result import DictionaryModel, ModelModel, Result, ResultLabel, SourceModel


def result_of(scores: dict[str, float | None]) -> Result:
    title = TextModel(zh="题", en="T")
    return Result(
        id="r",
        source=SourceModel(kind="file", duration_s=1, speech_s=1, sample_rate=16_000),
        labels={
            name: ResultLabel(
                title=title, kind="quality", score=score, threshold=0.7, passed=None, weight=1, evidence=EvidenceModel()
            )
            for name, score in scores.items()
        },
        overall=OverallModel(score=None, grade="nodata", passed=False, verdict=None, assessed="0 of 1"),
        advice=TextModel(zh="建议复录", en="Please record again"),
        prompts=[],
        unusable_spans=[],
        not_heard=[],
        not_assessed=[],
        interference=[],
        events=[],
        measures=MeasuresModel(),
        windows=[],
        model=ModelModel(scorers=[], version="0", dictionary=DictionaryModel(name="d", version="1")),
    )


def label(name: str, zh: str, en: str, asked_as: str | None = None) -> Label:
    return Label(id=name, title=Text(zh, en), kind=LabelKind.QUALITY, asked_as=asked_as)


def label_set(*labels: Label, hidden: tuple[Label, ...] = ()) -> LabelSet:
    return LabelSet((*labels, *hidden), frozenset(one.id for one in labels), "d", "1")


def test_scores_stand_under_their_titles_in_order_and_the_advice_last() -> None:
    labels = label_set(label("b", "乙", "Second"), label("a", "甲", "First"))
    result = result_of({"b": 0.2, "a": None})
    assert list(flat(result, labels, None).items()) == [("乙", 0.2), ("甲", None), ("综合建议", "建议复录")]
    assert list(flat(result, labels, "en-GB").items()) == [
        ("Second", 0.2),
        ("First", None),
        ("Overall advice", "Please record again"),
    ]


def test_equal_titles_are_told_apart_by_id_also_from_the_advice() -> None:
    labels = label_set(label("a", "同", "Same"), label("b", "同", "Same"), label("c", "综合建议", "Advice"))
    rendered = flat(result_of({"a": 0.1, "b": 0.2, "c": 0.3}), labels, "zh")
    assert rendered == {"同 (a)": 0.1, "同 (b)": 0.2, "综合建议 (c)": 0.3, "综合建议": "建议复录"}


def test_ad_hoc_labels_keep_the_text_they_were_asked_by_and_hidden_ones_stay_hidden() -> None:
    labels = label_set(
        label("x", "安静", "quiet", "安静=a quiet room"), hidden=(label("speech_present", "有人说话", "Speech"),)
    )
    rendered = flat(result_of({"x": 0.5}), labels, "zh")
    assert rendered == {"安静=a quiet room": 0.5, "综合建议": "建议复录"}
