"""From what a caller writes to the labels of a session."""

import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dictionaries import Dictionaries
from server.dictionaries.adhoc import MAX_CONTRASTS
from server.dictionaries.loader import Dictionary, load_folder, parse
from server.dictionaries.topics import load_topics
from server.errors import LabelQueryError
from server.judge.combine import combine
from server.judge.labels import LabelKind, LabelSet
from server.transcript import Topics
from server.transcript.topics import Lexicon
from server.values.labels import LabelQuery, RequestedLabel
from server.values.scores import Why

LABELS = Path(__file__).resolve().parents[2] / "labels"
OURS = Dictionaries.load(LABELS)

CARDIOLOGY = """\
name = "cardiology"
version = "7"
title = { zh = "心内科", en = "Cardiology" }
[[label]]
id = "low_background"
title = { zh = "无背景强干扰", en = "No strong background noise" }
kind = "quality"
threshold = 0.5
[label.clap]
positive = ["a quiet ward"]
contrast = ["a noisy ward"]
[[label]]
id = "palpitations"
title = { zh = "心悸描述具体", en = "Palpitations described" }
aliases = ["心慌"]
kind = "content"
[label.transcript]
topic = "palpitations"
"""


def two() -> Dictionaries:
    folder: dict[str, Dictionary] = dict(load_folder(LABELS))
    folder["cardiology"] = parse(CARDIOLOGY, "cardiology.toml")
    return Dictionaries(folder)


def ids(labels: LabelSet) -> list[str]:
    return [label.id for label in labels.shown()]


def test_no_requested_labels_means_telemedicine() -> None:
    assert OURS.resolve(None) == OURS.resolve("telemedicine")
    assert len(ids(OURS.resolve(None))) == 14
    assert (OURS.resolve(None).dictionary, OURS.resolve(None).version) == ("telemedicine", "5")


@pytest.mark.parametrize(
    "query",
    [
        "low_background,close_enough",
        "无背景强干扰，离话筒够近",
        "无背景强干扰、离话筒够近",
        " No strong background noise , Close enough ",
        "quiet background，LOUD ENOUGH",
        "low-background,,close enough,",
        "ＬＯＷ＿ＢＡＣＫＧＲＯＵＮＤ､Ｃｌｏｓｅ　ｅｎｏｕｇｈ",
    ],
)
def test_ids_titles_and_aliases_are_matched_between_chinese_or_english_commas(query: str) -> None:
    assert ids(OURS.resolve(query)) == ["low_background", "close_enough"]


def test_a_dictionary_name_gives_all_its_labels() -> None:
    labels = two().resolve("cardiology")
    assert ids(labels) == ["low_background", "palpitations"]
    assert (labels.dictionary, labels.version) == ("cardiology", "7")
    assert labels.labels[0].threshold == 0.5


def test_a_change_of_an_included_label_shows_in_the_digest_and_not_in_the_version() -> None:
    files = load_folder(LABELS)
    first, *others = files["cardiology"].labels
    assert first not in files["cardiology"].own()
    changed = replace(files["cardiology"], labels=(replace(first, threshold=0.71), *others))
    ours = Dictionaries(files).resolve("cardiology")
    theirs = Dictionaries({**files, "cardiology": changed}).resolve("cardiology")
    assert (ours.version, ours.dictionary) == (theirs.version, theirs.dictionary)
    assert ours.digest != theirs.digest
    assert ours.digest == Dictionaries(load_folder(LABELS)).resolve("cardiology").digest


def test_a_changed_topic_changes_the_digest_of_dictionaries_that_use_it() -> None:
    files, topics = load_folder(LABELS), load_topics(LABELS)
    [own] = [name for name in topics.lexicons if name.startswith("palpitations_described.0")]
    changed = Topics(topics.topics, {**topics.lexicons, own: Lexicon(("心慌",))})
    ours, theirs = Dictionaries(files, topics), Dictionaries(files, changed)
    assert ours.resolve("cardiology").digest != theirs.resolve("cardiology").digest
    assert ours.resolve("telemedicine").digest == theirs.resolve("telemedicine").digest


def test_the_digest_of_a_dictionary_is_that_of_all_its_labels_asked_for() -> None:
    for one in OURS.listed():
        assert OURS.resolve(one.dictionary.name).digest == one.digest
        assert OURS.resolve([RequestedLabel(label=one.dictionary.name, threshold=0.9)]).digest != one.digest


def test_telemedicine_is_looked_up_first_then_the_others() -> None:
    labels = two().resolve("low_background,心慌")
    assert ids(labels) == ["low_background", "palpitations"]
    assert labels.labels[0].threshold == 0.7
    assert (labels.dictionary, labels.version) == ("telemedicine+cardiology", "5+7")


def test_a_dictionary_among_labels_adds_all_of_its_own() -> None:
    assert ids(two().resolve("close_enough,cardiology")) == ["close_enough", "low_background", "palpitations"]


@pytest.mark.parametrize("name", ["Cardiology", "ｃａｒｄｉｏｌｏｇｙ", " cardiology "])
def test_a_dictionary_is_named_in_any_case_and_width(name: str) -> None:
    assert two().resolve(name) == two().resolve("cardiology")


@pytest.mark.parametrize("comma", [",", "，", ", "])
def test_a_title_or_alias_with_a_comma_is_not_split(comma: str) -> None:
    file = CARDIOLOGY.replace('"心悸描述具体"', '"心悸,说得具体"').replace('"心慌"', '"a racing, heavy, loud heart"')
    dictionaries = Dictionaries({**load_folder(LABELS), "cardiology": parse(file, "cardiology.toml")})
    asked = dictionaries.resolve(comma.join(["close_enough", "心悸", "说得具体", "speech_present"]))
    assert ids(asked) == ["close_enough", "palpitations", "speech_present"]
    asked = dictionaries.resolve(comma.join(["a racing", "heavy", "loud heart", "close_enough"]))
    assert ids(asked) == ["palpitations", "close_enough"]
    assert len(ids(dictionaries.resolve(comma.join(["心悸", "close_enough", "说得具体", "x" * 200])))) == 4


def test_speech_present_is_always_computed_but_shown_only_if_asked_for() -> None:
    labels = OURS.resolve("low_background")
    assert [label.id for label in labels.labels] == ["low_background", "speech_present"]
    assert ids(labels) == ["low_background"]
    assert ids(OURS.resolve("speech_present")) == ["speech_present"]


def test_english_text_is_a_clap_label_with_a_generated_contrast_and_a_notice() -> None:
    labels = OURS.resolve("a dog barking")
    [label] = labels.shown()
    assert label.kind is LabelKind.QUALITY
    assert label.clap is not None
    assert label.clap.positive == ("a dog barking",)
    assert label.clap.contrast
    assert label.asked_as == label.title.zh == label.title.en == "a dog barking"
    assert "'a dog barking'" in labels.notices[0].en
    assert combine(label, {}).why is Why.NEEDS_CLAP


def test_a_contrast_is_never_the_label_itself() -> None:
    for text in ("Silence", "a person speaking in a quiet room"):
        [label] = OURS.resolve(text).shown()
        assert label.clap is not None
        assert text.casefold() not in label.clap.contrast


def test_a_chinese_title_with_english_text_is_bilingual() -> None:
    labels = OURS.resolve("咳嗽声=the sound of coughing|a quiet room,犬吠＝a dog barking")
    cough, dog = labels.shown()
    assert (cough.title.zh, cough.title.en) == ("咳嗽声", "the sound of coughing")
    assert cough.clap is not None
    assert cough.clap.contrast == ("a quiet room",)
    assert dog.title.zh == "犬吠"
    assert len(labels.notices) == 1


def test_english_typed_in_full_width_is_read_as_english() -> None:
    labels = OURS.resolve("ａ　ｄｏｇ　ｂａｒｋｉｎｇ、犬吠＝ａ ｄｏｇ｜ａ ｑｕｉｅｔ ｙａｒｄ")
    dog, bilingual = labels.shown()
    assert dog.clap is not None
    assert bilingual.clap is not None
    assert dog.clap.positive == ("a dog barking",)
    assert dog.asked_as == "ａ ｄｏｇ ｂａｒｋｉｎｇ"
    assert dog.id == OURS.resolve("a dog barking").labels[0].id
    assert bilingual.clap.positive == ("a dog",)
    assert bilingual.clap.contrast == ("a quiet yard",)
    assert bilingual.title.zh == "犬吠"


@pytest.mark.parametrize("title", ["", "犬吠="])
def test_a_label_has_four_contrasts_at_most(title: str) -> None:
    """Fifty texts in each of 200 labels were more than the text encoder's memory holds, and were embedded for ever."""
    [label] = OURS.resolve(f"{title}a dog|bees|cats|deer|elks").shown()
    assert label.clap is not None
    assert len(label.clap.contrast) == MAX_CONTRASTS
    with pytest.raises(LabelQueryError, match="5 contrasts; the limit is 4"):
        OURS.resolve(f"{title}a dog|bees|cats|deer|elks|frogs")


def test_english_text_may_bring_its_own_contrast() -> None:
    labels = OURS.resolve("a dog barking|an empty yard")
    [label] = labels.shown()
    assert label.clap is not None
    assert (label.clap.positive, label.clap.contrast) == (("a dog barking",), ("an empty yard",))
    assert label.title.en == "a dog barking"
    assert labels.notices == ()


def test_unknown_chinese_is_unscorable_and_the_nearest_titles_are_named() -> None:
    labels = OURS.resolve("主诉很清晰")
    [label] = labels.shown()
    assert combine(label, {}).why is Why.UNSCORABLE
    assert label.asked_as == "主诉很清晰"
    assert "主诉清晰" in labels.notices[0].en


def test_one_word_that_is_nearly_a_name_is_told_as_mistyped() -> None:
    assert OURS.resolve("cardiolgy").notices[0].code == "mistyped_label"
    assert "Did you mean cardiology?" in OURS.resolve("cardiolgy").notices[0].en
    assert "是不是 low_background？" in OURS.resolve("low-backgruond").notices[0].zh
    assert "Did you mean" not in OURS.resolve("a dog barking").notices[0].en


def test_similar_titles_are_suggested_for_the_first_ten_unknown_labels() -> None:
    """The search is the slowest step, and no window is scored meanwhile."""
    found = OURS.resolve(",".join(f"语速适宜{number:03}" for number in range(200)))
    assert len(found.notices) == 200
    assert sum("语速适中" in notice.zh for notice in found.notices) == 10


@pytest.mark.parametrize("text", ["123", "русская речь", "咳嗽 cough", "咳嗽=咳嗽的声音"])
def test_text_that_the_encoder_cannot_read_is_unscorable(text: str) -> None:
    labels = OURS.resolve(text)
    [label] = labels.shown()
    assert combine(label, {}).why is Why.UNSCORABLE
    assert labels.notices


@pytest.mark.parametrize("query", ["", "  ", ",,，、", [], "\u200b"])
def test_an_empty_list_is_an_error(query: str | list[RequestedLabel]) -> None:
    with pytest.raises(LabelQueryError) as caught:
        OURS.resolve(query)
    assert caught.value.param == "labels"


@pytest.mark.parametrize(
    "query", ["=a dog", "犬吠=", "犬吠=a dog|", "a dog|", "|a dog", "x" * 201, "a\x00b", "a\ud800b"]
)
def test_an_unreadable_request_is_an_error(query: str) -> None:
    with pytest.raises(LabelQueryError):
        OURS.resolve(query)


def test_two_hundred_labels_are_the_limit() -> None:
    sounds = [f"the sound of machine {number}" for number in range(201)]
    assert len(ids(OURS.resolve(",".join(sounds[:200])))) == 200
    with pytest.raises(LabelQueryError, match="200"):
        OURS.resolve(",".join(sounds))
    with pytest.raises(LabelQueryError, match="200"):
        OURS.resolve([RequestedLabel(label=sound) for sound in sounds])


def test_thresholds_and_weights_are_per_request() -> None:
    labels = OURS.resolve(
        [RequestedLabel(label="背景安静", threshold=0.9, weight=3.0), RequestedLabel(label="close_enough")]
    )
    quiet, near = labels.shown()
    assert [quiet.threshold, quiet.clear, quiet.weight] == pytest.approx([0.9, 0.95, 3.0])
    assert (near.threshold, near.clear, near.weight) == (0.7, 0.75, 1.0)
    assert OURS.resolve(None).labels[1].threshold == 0.7


def test_clear_never_passes_one() -> None:
    [label] = OURS.resolve([RequestedLabel(label="low_background", threshold=1.0)]).shown()
    assert (label.threshold, label.clear) == (1.0, 1.0)


def test_texts_with_commas_in_an_array_are_not_split() -> None:
    [label] = OURS.resolve([RequestedLabel(label="a dog, barking")]).shown()
    assert label.asked_as == "a dog, barking"


def test_duplicates_collapse_and_a_later_explicit_line_holds() -> None:
    asked = [RequestedLabel(label="low_background"), RequestedLabel(label="无背景强干扰", threshold=0.8)]
    [label] = OURS.resolve(asked).shown()
    assert label.threshold == 0.8
    assert ids(OURS.resolve("a dog,a dog，low_background、背景安静")) == [
        OURS.resolve("a dog").labels[0].id,
        "low_background",
    ]


def test_equal_titles_are_different_labels() -> None:
    labels = OURS.resolve("狗=a dog barking|silence,狗=a dog howling|silence")
    assert len(set(ids(labels))) == 2
    assert [label.title.zh for label in labels.shown()] == ["狗", "狗"]


def test_an_id_follows_from_the_text_alone() -> None:
    [alone] = OURS.resolve("a dog barking").shown()
    among = OURS.resolve("low_background,a  dog barking").shown()[1]
    assert alone.id == among.id
    assert alone.id.isascii()


def test_texts_are_compared_in_one_unicode_form() -> None:
    decomposed = unicodedata.normalize("NFD", "un café bruyant")
    assert ids(OURS.resolve(decomposed)) == ids(OURS.resolve("un café bruyant"))


@given(st.text(max_size=60))
def test_any_text_gives_labels_or_a_clear_error(text: str) -> None:
    try:
        labels = OURS.resolve(text)
    except LabelQueryError:
        return
    assert labels.shown()
    for label in labels.shown():
        label.id.encode("ascii")
        assert label.title.zh
        assert label.title.en
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in label.title.zh + label.title.en)


@pytest.mark.parametrize(
    "query",
    ["a dog," * 801, "," * 19_999, "，" * 801 + "low_background", [RequestedLabel("low_background", None, None)] * 801],
    ids=["repeated", "nothing", "empty parts", "array"],
)
def test_a_request_that_mentions_labels_by_the_thousand_is_refused_before_they_are_looked_up(query: LabelQuery) -> None:
    with pytest.raises(LabelQueryError, match="more than 200"):
        OURS.resolve(query)


def test_a_label_mentioned_often_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    find = OURS._find

    def counted(text: str, *, hint: bool) -> list[Any]:
        asked.append(text)
        return find(text, hint=hint)

    monkeypatch.setattr(OURS, "_find", counted)
    assert len(ids(OURS.resolve("a dog barks," * 400 + "speech_present"))) == 2
    assert asked == ["a dog barks", "speech_present"]


def test_of_a_label_mentioned_again_the_last_threshold_counts() -> None:
    def of(threshold: float) -> RequestedLabel:
        return RequestedLabel("low_background", threshold, None)

    (label, *_) = OURS.resolve([of(0.5), of(0.9), of(0.5)]).labels
    assert label.threshold == 0.5
