"""Chinese sentences of the product have full-width punctuation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.test_hygiene import ROOT, tracked

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
HALF_WIDTH = re.compile(rf"[{HAN}”）][,;:?!()]|[,;:?!()][{HAN}“（]")
CODE = re.compile(r"`[^`]*`|--labels \S+|labels=\S+|\blabels show \S+|\]\([^)\s]+\)")
"""What a reader types, where labels are separated by either comma; where a link leads."""

PATTERNS = {
    # Words that are matched against speech or titles, never shown.
    "server/dictionaries/lint/sameness.py",
    "server/dictionaries/lint/vocabulary.py",
    "server/dictionaries/resolve.py",
    "server/transcript/grammar_en.py",
    "server/transcript/grammar_zh.py",
    "server/transcript/tokens.py",
}
REGULAR_EXPRESSION = re.compile(r"\)\?|\)\$|\|[^|]*\||\[[^\]]*\]|\(\?")


def is_chinese(text: str) -> bool:
    """More Han characters than Latin letters: a Chinese sentence rather than an English one that quotes a title."""
    return len(re.findall(f"[{HAN}]", text)) > len(re.findall("[A-Za-z]", text))


def half_width(text: str) -> str | None:
    """The first half-width mark beside a Han character in a Chinese sentence, with its neighbour."""
    text = CODE.sub("", text)
    found = HALF_WIDTH.search(text) if is_chinese(text) else None
    return None if found is None else found[0]


def python_texts(source: str) -> Iterator[str]:
    """String literals; an f-string is one text, its fields left out."""
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def texts(path: Path) -> Iterator[str]:
    name = path.relative_to(ROOT).as_posix()
    if path.suffix not in {".py", ".toml", ".md", ".js", ".html"}:
        return
    source = path.read_text(encoding="utf-8")
    if name.startswith("server/") and path.suffix == ".py" and name not in PATTERNS:
        yield from (text for text in python_texts(source) if not REGULAR_EXPRESSION.search(text))
    elif name.startswith("web_client/") and path.suffix in {".js", ".html"}:
        yield from re.findall(r"'([^'\n]*)'" if path.suffix == ".js" else r">([^<]*)<", source)
    elif name.startswith("labels/") and path.suffix == ".toml":
        yield from re.findall(r'\bzh = "([^"]*)"', source)
    elif path.suffix == ".md" and (name.endswith(".zh-CN.md") or name == "docs/labels.md"):
        prose = re.sub(r"^```.*?^```", "", source, flags=re.MULTILINE | re.DOTALL)
        yield from (cell for line in prose.splitlines() for cell in line.split("|"))


def test_chinese_sentences_have_full_width_punctuation() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {mark} in {text!r}"
        for path in tracked()
        for text in texts(path)
        if (mark := half_width(text)) is not None
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("text", ["没有采用;时间应以秒为单位", "录音结束(12 秒)之后", "请再问一句:多久了", "好吗?"])
def test_a_half_width_mark_in_a_chinese_sentence_is_found(text: str) -> None:
    assert half_width(text)


@pytest.mark.parametrize(
    "text",
    [
        "没有采用；时间应以秒为单位",
        "The advice (综合建议): what to do",
        "写成 `--labels 语速适中,low_background`",
        "见[容量](#容量规划)。",
    ],
)
def test_full_width_marks_english_sentences_and_code_are_fine(text: str) -> None:
    assert half_width(text) is None


def test_the_texts_of_every_kind_of_file_are_read() -> None:
    read = {path.relative_to(ROOT).parts[0] for path in tracked() if any(is_chinese(text) for text in texts(path))}
    assert {"server", "labels", "docs", "web_client", "README.zh-CN.md"} <= read
