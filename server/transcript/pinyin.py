"""How a Chinese character sounds, roughly: toneless pinyin, with the pairs merged that accents and recognisers confuse.

z/zh, c/ch, s/sh, final n/ng and initial n/l sound alike. Readings are those of ``pypinyin`` (MIT).
"""

import unicodedata
from collections.abc import Sequence
from functools import cache

_UMLAUT = "\u0308"


@cache
def sound(char: str) -> str:
    """The most common reading of one character; the character itself if it has none."""
    # Half of what importing pypinyin costs is its phrase table, which English text never needs.
    from pypinyin.pinyin_dict import pinyin_dict  # noqa: PLC0415 - see above

    readings = pinyin_dict.get(ord(char))
    return coarse(readings.split(",")[0]) if readings else char


def spoken(term: Sequence[str]) -> tuple[str, ...]:
    """The readings of a term's characters within it: 觉 in 睡觉 is jiao, not jue."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - see sound

    text = "".join(term)
    syllables = lazy_pinyin(text)
    if len(syllables) != len(term):
        return tuple(sound(char) for char in term)
    return tuple(coarse(syllable) for syllable in syllables)


def coarse(syllable: str) -> str:
    """``zhòng`` to ``zon``."""
    decomposed = unicodedata.normalize("NFD", syllable.split(maxsplit=1)[0])
    plain = "".join("v" if char == _UMLAUT else char for char in decomposed if char.isascii() or char == _UMLAUT)
    plain = plain.replace("uv", "v")
    if plain[:2] in ("zh", "ch", "sh"):
        plain = plain[0] + plain[2:]
    elif plain[:1] == "l":
        plain = "n" + plain[1:]
    return plain[:-1] if plain.endswith("ng") else plain
