"""``format=flat``: titles as asked, no two alike."""

from server.judge.labels import Label, LabelKind
from server.rendering.flat import flat
from server.values.text import Text
from tests.rendering.builders import result_of


def label(name: str, zh: str, en: str, asked_as: str | None = None) -> Label:
    return Label(id=name, title=Text(zh, en), kind=LabelKind.QUALITY, asked_as=asked_as)


def test_scores_stand_under_their_titles_in_order_and_the_advice_last() -> None:
    result = result_of({label("b", "乙", "Second"): 0.2, label("a", "甲", "First"): None})
    assert list(flat(result, None).items()) == [("乙", 0.2), ("甲", None), ("综合建议", "建议复录")]
    assert list(flat(result, "en-GB").items()) == [
        ("Second", 0.2),
        ("First", None),
        ("Overall advice", "Please record again"),
    ]


def test_scores_are_rounded_as_in_the_result() -> None:
    assert flat(result_of({label("a", "甲", "First"): 0.123456789}), "zh")["甲"] == 0.1234568


def test_equal_titles_are_told_apart_by_id_also_from_the_advice() -> None:
    same, advice = (label("a", "同", "Same"), label("b", "同", "Same")), label("c", "综合建议", "Advice")
    rendered = flat(result_of({same[0]: 0.1, same[1]: 0.2, advice: 0.3}), "zh")
    assert rendered == {"同 (a)": 0.1, "同 (b)": 0.2, "综合建议 (c)": 0.3, "综合建议": "建议复录"}


def test_ad_hoc_labels_keep_the_text_they_were_asked_by() -> None:
    rendered = flat(result_of({label("x", "安静", "quiet", "安静=a quiet room"): 0.5}), "zh")
    assert rendered == {"安静=a quiet room": 0.5, "综合建议": "建议复录"}
