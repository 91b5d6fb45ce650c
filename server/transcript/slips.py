"""Corrects Chinese grammar words that a recogniser wrote as homophones: 没佑头疼 denies a headache, as 没有头疼 does.

Lexicons find their own terms by sound (``scanner``); this module is for words that the grammar reads as written.
It corrects words of at least two syllables of which at least one character is right, unless they sound like another
everyday word that shares a character (同事 and 同时, 要是 and 药是 are left alone).
"""

from collections.abc import Sequence

from server.transcript.pinyin import sound

NUMERALS_ZH = tuple("一二两三四五六七八九十几半数百俩仨")
FUNCTION_CHARACTERS = frozenset(
    "的了着过是不没在有我他她你这那就也又都和子上下个一时出前后来去到为以从很儿之大小中会能要"
)
"""So common that they are meant as written: a slip puts a rarer character in place of a common one."""
_WORDS = (
    *("有没有", "会不会", "是不是", "能不能", "要不要", "从来没", "没有", "如果", "假如", "万一", "担心", "害怕"),
    *("还有", "每天", "每次", "吃了", "吃药", "结婚", "工作", "上班", "怎么办"),
    *("妈妈", "爸爸", "奶奶", "爷爷", "姥姥", "外公", "外婆", "老公", "老婆", "丈夫", "朋友", "邻居", "老伴"),
    *("宝宝", "孩子", "小孩", "儿子", "女儿", "个月大", "岁半"),
    *(f"{numeral}{unit}" for numeral in NUMERALS_ZH for unit in ("个月", "岁")),
)


def _by_first_sound() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    table: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for word in sorted(_WORDS, key=len, reverse=True):
        sounds = tuple(sound(char) for char in word)
        table.setdefault(sounds[0], []).append((word, sounds))
    return table


class Slips:
    """Built once. ``mended`` keeps the length of the text."""

    def __init__(self) -> None:
        self._words = _by_first_sound()

    def mended(self, text: str) -> str:
        """The text with those words corrected; its length does not change."""
        chars = list(text)
        sounds = [sound(char) if "\u4e00" <= char <= "\u9fff" else char for char in chars]
        for start, first in enumerate(sounds):
            for word, spelt in self._words.get(first, ()):
                written = chars[start : start + len(word)]
                if tuple(sounds[start : start + len(word)]) == spelt and _alike(word, written):
                    chars[start : start + len(word)] = word
                    break
        return "".join(chars)


def may_be_a_slip(term: Sequence[str], written: Sequence[str]) -> bool:
    """Whether ``written`` may stand for a term that sounds the same: one character is right, the wrong one is rare.

    In a lexicon's term of two characters the right one must carry meaning: 也通 is not 也痛.
    """
    meant = len(term) > 2 or any(
        char == other and char not in FUNCTION_CHARACTERS for char, other in zip(term, written, strict=True)
    )
    return meant and _alike(term, written)


def _alike(term: Sequence[str], written: Sequence[str]) -> bool:
    wrong = [other for char, other in zip(term, written, strict=True) if char != other]
    return len(wrong) < len(term) and FUNCTION_CHARACTERS.isdisjoint(wrong)
