"""Topic files: what is read, and where faults are reported."""

from pathlib import Path

import pytest

from server.dictionaries import Dictionaries
from server.dictionaries.topics import expand, load_topics
from server.errors import LabelFileError
from server.resources import labels_dir

LEXICON = '[lexicon.pain]\nterms = ["疼"]\n'
TOPIC = '[topic.pain]\nabout = { zh = "疼", en = "pain" }\n[[topic.pain.rule]]\nall = [["@pain"]]\n'


def folder(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "topics").mkdir()
    for name, text in files.items():
        (tmp_path / "topics" / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_choices_expand_to_every_reading() -> None:
    assert expand("(左|右|)胸(口|)") == ("左胸口", "左胸", "右胸口", "右胸", "胸口", "胸")


def test_lexicons_are_shared_over_files(tmp_path: Path) -> None:
    topics = load_topics(folder(tmp_path, a=TOPIC, b=LEXICON))
    assert topics.topics["pain"].rules[0].groups == (frozenset({"pain"}),)


def test_a_folder_without_topics_is_valid(tmp_path: Path) -> None:
    assert load_topics(tmp_path).topics == {}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[lexicon.pain]\nterms = [\n", 3, "not TOML"),
        ('[lexicon.pain]\nterms = ["(疼"]\n', 2, "not nested"),
        ("[lexicon.pain]\nterms = []\n", 2, "at least 1"),
        (LEXICON + "[topic.pain]\n" + 'about = { zh = "疼", en = "pain" }\n', 3, "either rules"),
        (TOPIC, 1, "neither a lexicon nor a topic"),
        (LEXICON + TOPIC + "after_question = true\n", 3, "needs the topic's asked"),
        (LEXICON + "exakt = true\n", 3, "Extra inputs"),
    ],
)
def test_faults_are_told_with_file_and_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    where = folder(tmp_path, a=text)
    with pytest.raises(LabelFileError, match=said) as caught:
        load_topics(where)
    assert caught.value.line == line
    assert str(where / "topics" / "a.toml") in caught.value.message


def test_an_id_in_two_files_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="already defined in another file"):
        load_topics(folder(tmp_path, a=LEXICON + TOPIC, b=TOPIC))


def test_every_topic_of_the_default_dictionary_is_defined() -> None:
    dictionaries = Dictionaries.load(labels_dir())
    asked = {label.transcript.topic for label in dictionaries.resolve(None).labels if label.transcript}
    assert asked <= dictionaries.topics.topics.keys()
