"""Checks that both languages are there, each in its place."""

import re
from collections.abc import Iterator

from server.dictionaries.lint.findings import Draft, LintRule, RawLabel
from server.dictionaries.lint.vocabulary import ENGLISH, FOREIGN, LOANS, PINYIN
from server.values.text import Text

_CJK = re.compile(r"[\u3400-\u9fff]")
_LANGUAGES = {"zh": "中文", "en": "英文"}
_PARTS = {
    "title": "标题",
    "endangers": "影响（endangers）",
    "advice": "建议（advice）",
    "prompt": "提示（prompt）",
    "muted_prompt": "静音提示（muted_prompt）",
}
_STOP = "。.!?!?;;"


def check(label: RawLabel) -> Iterator[Draft]:
    """Texts in the wrong language, and missing texts."""
    for part, name in _PARTS.items():
        if part in label.entry:
            yield from check_part(label, part, name)
        elif part in ("endangers", "advice"):
            yield Draft(label.at(), LintRule.TRANSLATION, *_without(part, name))


def check_part(label: RawLabel, part: str, name: str) -> Iterator[Draft]:
    """Check both languages of ``part``, whose Chinese name is ``name``."""
    for language in _LANGUAGES:
        text = label.text(part, language)
        at = label.at(part, language)
        if not text:
            yield Draft(at, LintRule.TRANSLATION, *_missing(part, name, language))
        elif (_CJK.search(text) is None) == (language == "zh"):
            yield Draft(at, LintRule.TRANSLATION, *_wrong(part, name, language, text))
        elif part in ("endangers", "advice") and text[-1] in _STOP:
            yield Draft(at, LintRule.FORM, *_stop(part, name))


def _without(part: str, name: str) -> tuple[Text, Text]:
    return (
        Text(f"没有{name}", f"no {part}"),
        Text(
            f'请补上 {part} = {{ zh = "…", en = "…" }}，综合建议会用到',
            f'add {part} = {{ zh = "…", en = "…" }}: the advice uses it',
        ),
    )


def _missing(part: str, name: str, language: str) -> tuple[Text, Text]:
    return (
        Text(f"{name}缺{_LANGUAGES[language]}", f"{part} has no {'Chinese' if language == 'zh' else 'English'} text"),
        Text("请一位懂两种语言的临床同事补上", "ask a clinical colleague who knows both languages to add it"),
    )


def _wrong(part: str, name: str, language: str, text: str) -> tuple[Text, Text]:
    return (
        Text(f"{name}的{_LANGUAGES[language]}处写的是“{text}”", f"{part}.{language} reads “{text}”"),
        Text(f"此处请写{_LANGUAGES[language]}", f"write it in {'Chinese' if language == 'zh' else 'English'}"),
    )


def _stop(part: str, name: str) -> tuple[Text, Text]:
    return (
        Text(f"{name}以句号结尾", f"{part} ends in a full stop"),
        Text("请去掉结尾的标点：它会接在别的句子里", "remove the final mark: the text becomes part of a sentence"),
    )


def reads_as_english(text: str) -> bool:
    """Whether a text in Latin letters is English rather than pinyin or Spanish, judged by its function words."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    if any(not word.isascii() and word not in LOANS for word in words):
        return False
    if any(word in FOREIGN for word in words):
        return False
    return any(word in ENGLISH for word in words) or len(words) < 2 or not all(map(_is_pinyin, words))


def _is_pinyin(word: str) -> bool:
    return re.fullmatch(f"(?:{PINYIN.pattern}){{1,4}}", word, re.IGNORECASE) is not None
