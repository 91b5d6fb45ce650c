"""Files as people save them, and hostile ones: each fault has its line, and nothing crashes."""

from pathlib import Path

import pytest

from server.dictionaries.lint import Known, lint_source
from server.dictionaries.loader import parse
from server.dictionaries.sounds import parse_sounds
from server.dictionaries.toml_text import MAX_DEPTH, load_toml, read_text
from server.dictionaries.topics import load_topics, parse_topics
from server.errors import LabelFileError

BOMBS = {
    "brackets": ("nested too deeply", "a = " + "[" * 50_000),
    "inline tables": ("nested too deeply", "a = " + "{a=" * 5_000 + "1" + "}" * 5_000),
    "a dotted key": ("nested too deeply", "a." + ".".join(["a"] * 2_000) + " = 1"),
    "a long integer": ("100 digits", "a = " + "9" * 10_000),
    "a long hexadecimal": ("100 digits", "a = 0x1" + "0" * 10_000),
    "a long integer in a list": ("100 digits", "a = [1, " + "9" * 10_000 + "]"),
}


@pytest.mark.parametrize(("told", "line"), BOMBS.values(), ids=BOMBS)
def test_hostile_toml_is_a_fault_with_its_line(told: str, line: str) -> None:
    source = f'name = "x"\n\n{line}\n'
    for read in (parse, parse_topics, parse_sounds):
        with pytest.raises(LabelFileError, match=f"^x.toml:3: not TOML: .*{told}"):
            read(source, "x.toml")
    (finding,) = lint_source(source, "x.toml", Known(measures=frozenset()))
    assert (finding.line, str(finding.rule)) == (3, "syntax")
    assert told in finding.message.en


def test_digits_in_a_text_are_text_and_our_own_depth_is_none() -> None:
    text = "9" * 400
    assert load_toml(f'a = "{text}"\nb = [[[1]]]') == {"a": text, "b": [[[1]]]}
    assert load_toml("a = " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))


def test_a_topic_file_may_begin_with_a_byte_order_mark_too(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    topic = '[topic.x]\nabout = { zh = "某", en = "x" }\n[[topic.x.rule]]\nall = [["某词"]]\n'
    (tmp_path / "topics" / "x.toml").write_bytes(b"\xef\xbb\xbf" + topic.encode())
    assert set(load_topics(tmp_path).topics) == {"x"}


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="cannot be read"):
        read_text(tmp_path)
