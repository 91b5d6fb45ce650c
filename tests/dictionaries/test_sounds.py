"""The file of sounds: read, refused with the line, and linted like the label files."""

import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from server.dictionaries import schema
from server.dictionaries.lint import Known, lint_file, lint_source
from server.dictionaries.sounds import load_sounds, parse_sounds
from server.errors import LabelFileError

LABELS = Path(__file__).resolve().parents[2] / "labels"
PATH = LABELS / "sounds" / "sounds.toml"
SOURCE = PATH.read_text(encoding="utf-8")
KNOWN = Known(measures=frozenset())


def broken(old: str, new: str) -> tuple[str, int]:
    """The shipped file with its first ``old`` written as ``new``, and the last line of that."""
    before, after = SOURCE.split(old, 1)
    return before + new + after, (before + new).count("\n") + 1


def test_published_schema_is_that_of_the_models_and_the_file_fits_it() -> None:
    published = (PATH.parent / schema.FILE_NAME).read_text(encoding="utf-8")
    assert published == schema.render("sounds"), "run: make docs"
    document = schema.schema_document("sounds")
    Draft202012Validator.check_schema(document)
    assert SOURCE.startswith(f"#:schema ./{schema.FILE_NAME}\n")
    assert not list(Draft202012Validator(document).iter_errors(tomllib.loads(SOURCE)))


def test_our_own_file_has_no_finding() -> None:
    assert lint_file(PATH, KNOWN) == []


def test_every_sound_has_several_texts_of_which_some_hold_speech() -> None:
    sounds = load_sounds(LABELS)
    for sound in sounds.interference:
        assert len(sound.texts) >= 3
        assert any(re.search("person|people|voice|crowd|TV|song|hum|siren", text) for text in sound.texts), sound.id


def test_patient_sentences_ask_one_thing_kindly_in_both_languages() -> None:
    for sound in load_sounds(LABELS).interference:
        assert sound.prompt.zh.endswith("。")
        assert sound.prompt.zh.count("。") == 1
        assert re.search("请|不着急", sound.prompt.zh), sound.id
        assert "lease" in sound.prompt.en
        assert not re.search("too |不要|别|必须|must|wrong|!|!", sound.prompt.zh + sound.prompt.en), sound.id


def test_a_folder_without_sounds_names_nothing(tmp_path: Path) -> None:
    assert load_sounds(tmp_path).texts() == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("margin = 0.20", "margin = 1.20", "margin"),
        ('id = "tv"', 'id = "TV"', "interference.2.id"),
        ('id = "tv"', 'id = "babble"', "sound 'babble' occurs twice"),
        ('id = "tv"', 'id = "quiet"', "sound 'quiet' occurs twice"),
        ('rivals = ["dog_bark"]', 'rivals = ["dog"]', "no interference 'dog'"),
        ('"a dog barking",', '"狗叫",', "not English"),
        ("[speaking]", "[speking]", "speaking"),
    ],
)
def test_a_fault_is_refused_with_its_place(old: str, new: str, told: str) -> None:
    source, _ = broken(old, new)
    with pytest.raises(LabelFileError, match=re.escape(told)) as refused:
        parse_sounds(source, "x.toml")
    assert str(refused.value).startswith("x.toml:")


def test_a_file_that_is_not_toml_is_refused_with_its_line() -> None:
    with pytest.raises(LabelFileError, match=r"x\.toml:3"):
        parse_sounds("margin = 0.2\nquiet = [\n", "x.toml")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('"a dog barking",', '"狗在叫",', "clap-language"),
        ('"clear speech with no background sound",', '"zhou wei hen chao",', "clap-language"),
        ('"a dog barking",', '"no dog barking",', "clap-contrast"),
        ('"dogs barking in the background",', '"a television playing in the background",', "duplicate"),
        ('id = "wind"', 'id = "babble"', "duplicate"),
        ('rivals = ["dog_bark"]', 'rivals = ["dog"]', "evidence"),
        ('title = { zh = "音乐声", en = "Music" }', 'title = { zh = "Music", en = "Music" }', "translation"),
        ('title = { zh = "音乐声", en = "Music" }', 'title = { zh = "音乐声" }', "translation"),
        ("margin = 0.20", "margin = 2.0", "form"),
        ("[[event]]", "[[event]]\nloudness = 3", "form"),
    ],
)
def test_lint_finds_a_planted_fault_on_its_line(old: str, new: str, rule: str) -> None:
    source, line = broken(old, new)
    (finding,) = lint_source(source, "x.toml", KNOWN)
    assert (finding.rule, finding.line, finding.severity) == (rule, line, "finding")
    assert finding.message.zh != finding.message.en
    assert finding.better.en


def test_lint_takes_a_label_file_for_one_even_if_it_is_empty() -> None:
    assert all(
        "name" in one.message.en or "label" in one.message.en or "is missing" in one.message.en
        for one in lint_source("", "x.toml", KNOWN)
    )
