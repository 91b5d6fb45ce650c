"""An utterance as tokens: Chinese characters, English words, numbers; in clauses and sentences."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Language = Literal["zh", "en"]

MAX_CHARACTERS = 20_000
"""Maximum length of an utterance; the rest is not read. A consultation of half an hour is shorter."""

_AGE_MARK = "\ufffc"
"""Stands for an age, which is not a duration, so that no term matches it. Keeps its length and separates words."""

NUMBER = "#"
PAIR = "#/#"
DATE = "#date"
AGE = "#age"

_TOKEN = re.compile(
    r"(?P<pair>\d{2,3}\s*/\s*\d{2,3})|(?P<number>\d+(?:[.,:~-]\d+)*)|(?P<han>[\u3400-\u9fff\U00020000-\U0003134f])"
    r"|(?P<age>\ufffc+)|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)|(?P<end>[.!?。!?;;\n]+)|(?P<comma>[,:()…—]+)|(?P<space>\s+)|(?P<list>、)",
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_DATE = re.compile(r"(?:1[0-2]|0?[1-9])[.](?:3[01]|[12]\d|0?[1-9])")
_UNIT = re.compile(
    r"\s*(?:度|℃|°|摄氏|斤|公斤|千克|kg|毫|mg|ml|g|cm|厘米|米|元|片|岁|倍|升|天|个|小时|次|周|年|左右|以上|以下|%)",
    re.IGNORECASE,
)
_NEW_CLAUSE_ZH = re.compile(r"但是?|可是|不过|只是|就是|而是|然而|后来|然后|而且|另外|还有就是|结果")
_NUMERAL = r"[\d.零一二两三四五六七八九十百几半]{1,12}"
_CHILD = r"宝宝?|宝贝|孩子?|小孩|儿子|女儿|闺女|娃|婴儿?|新生儿|小朋友|患儿|男|女|童|妹妹|弟弟|二宝|大宝|小儿"
_AGE = re.compile(
    rf"{_NUMERAL}个?周?岁(?:半|多|零|又)*(?:{_NUMERAL}个?(?:半|多)*月)?(?:多|半|零)*(?:{_NUMERAL}天)?(?!开始|起)"
    rf"|(?:{_CHILD}|年龄|月龄|出生|满|足月)[,:是今年天已经现在才刚快满将近大约有了家的差不多\s]{{0,7}}"
    rf"第?{_NUMERAL}周?个?(?:半|多)*(?:月|天|周(?!岁))"
    rf"(?:多|半|零|又|加|\+)*(?:{_NUMERAL}天)?(?![前没后内来不以]|开始|起|左右[就没])"
    rf"|{_NUMERAL}个?(?:半|多)*(?:月|天|周)(?:多|半|零|又|加)*(?:{_NUMERAL}天)?(?:大(?!便|概|约|量)|龄|的?(?:{_CHILD}))"
    rf"|{_NUMERAL}个?(?:半|多)*月(?:零|又|多|加)?{_NUMERAL}天(?!前)|^\s*{_NUMERAL}个?(?:半|多)*月(?=[,.\s])"
    rf"|{_NUMERAL}周{_NUMERAL}(?=[,.\s男女宝])"
)
_HESITATION = frozenset({"um", "uh", "er", "erm", "uhm", "hmm", "mm", "mmm"})
_NEW_CLAUSE_EN = frozenset({"but", "however", "although", "though", "except", "because", "whereas", "then"})
_FILLERS = frozenset(
    re.findall(
        r"\S+",
        """
        so like well and yeah don't one two three four five six seven eight nine ten twenty thirty ok okay right
        maybe probably actually basically just oh ohh you know i mean think guess say let's for about around or
        sort kind of a bit the but then now really want to 嗯 啊 呃 哦 额 唉
        """,
    )
)
"""Words that do not make a clause of their own ("started, so, um, yeah, around May"); they belong to what follows."""
_ANSWERS = frozenset({"yeah", "ok", "okay", "right", "well", "嗯"})
"""Not fillers at the beginning of a sentence."""
LITTLE = _FILLERS | frozenset(
    re.findall(
        r"\S+",
        """
        # up to yes no yep uh in last past over since from only ago almost nearly at least more than it it's been very
        much
        definitely honestly pretty that's was is would has have had he she they these this those like early late mid
        as so say said day days week weeks ones or two three four five six seven eight nine ten few couple days' to on
        good 有 得 差 不 快 了 吧 呢 的 就 是 都 已 经 有 个 多 大 约 到 现 在 前 一 二 两 三 四 五 六 七 八 九 十 几
        """,
    )
)
"""Words that may surround a time that is said alone."""
_POSSESSIVE = re.compile(
    r"(?<!\bit)(?<!\bhe)(?<!\bshe)(?<!that)(?<!there)(?<!here)(?<!what)(?<!how)(?<!who)(?<!let)'s\b"
)
"""In "my back's sore", which is "back" in a lexicon."""

_PARENTHETIC = re.compile(
    r"(?<!\bdo )(?<!\bdid )(?<!\bas )(?<!\bif )\b(?:you know|i mean|i guess|i(?:'d| would) say|i want to say)\b"
    r"(?! (?:if|what|how|that|why)\b)"
)
"""Words between any two words of a speaker who searches for the next one ("in the past, you know, few days")."""


@dataclass(frozen=True)
class Tokens:
    """``keys``: what terms are compared with. ``clause`` and ``sentence``: number of each token's, rising from 0.

    ``asks``: sentences that end in a question mark.
    """

    keys: tuple[str, ...]
    han: tuple[bool, ...]
    clause: tuple[int, ...]
    sentence: tuple[int, ...]
    asks: frozenset[int]

    @cached_property
    def clauses(self) -> dict[int, tuple[int, int]]:
        """First token of each clause, and the one after its last."""
        return _bounds(self.clause)

    @cached_property
    def sentences(self) -> dict[int, tuple[int, int]]:
        """Like ``clauses``."""
        return _bounds(self.sentence)

    def clause_of(self, index: int) -> tuple[int, int]:
        """First token, and the one after the last, of the clause that contains token ``index``."""
        return self.clauses[self.clause[index]]

    def sentence_of(self, index: int) -> tuple[int, int]:
        """Start and end (exclusive) of the token's sentence, as token indices."""
        return self.sentences[self.sentence[index]]

    def language(self, index: int) -> Language:
        """The language of the token's clause: Chinese if it has a Chinese character."""
        return "zh" if self.clause[index] in self._chinese else "en"

    @cached_property
    def _chinese(self) -> frozenset[int]:
        return frozenset(clause for clause, han in zip(self.clause, self.han, strict=True) if han)


def _bounds(rising: tuple[int, ...]) -> dict[int, tuple[int, int]]:
    bounds: dict[int, tuple[int, int]] = {}
    for index, value in enumerate(rising):
        bounds[value] = (bounds.get(value, (index, 0))[0], index + 1)
    return bounds


def normal(text: str) -> str:
    """NFKC, lower case, one kind of apostrophe. Full stops of abbreviations stay."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).replace("\u2019", "'").lower().replace(" n't", "n't")
    return text.replace("。", ". ").replace("!", "! ")


def tokenise(text: str) -> Tokens:
    """Tokens of any text, in either language or both; asides in brackets are left out."""
    text = normal(text)
    text = _AGE.sub(lambda match: _AGE_MARK * len(match.group()), _PARENTHETIC.sub(" ", _POSSESSIVE.sub("", text)))
    breaks_zh = {match.start() for match in _NEW_CLAUSE_ZH.finditer(text)}
    keys: list[str] = []
    han: list[bool] = []
    clauses: list[int] = []
    sentences: list[int] = []
    asks: set[int] = set()
    clause = sentence = 0
    told = False  # whether the clause has more than fillers
    for match in _TOKEN.finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind == "end":
            if "?" in piece and keys:
                asks.add(sentence)
            clause += 1
            sentence += 1
            told = False
        elif kind == "comma" or (kind == "space" and _between_han(text, match.start(), match.end())):
            clause, told = clause + told, False
        elif kind in ("space", "list"):
            continue
        elif piece not in _HESITATION and not (kind == "word" and _says_again(piece, keys, sentences, sentence)):
            if match.start() in breaks_zh or piece in _NEW_CLAUSE_EN:
                clause, told = clause + told, False
            told = told or piece not in _FILLERS or (piece in _ANSWERS and sentence not in sentences[-1:])
            keys.append(_key(kind, piece, text, match.end()))
            han.append(kind == "han")
            clauses.append(clause)
            sentences.append(sentence)
    return Tokens(tuple(keys), tuple(han), tuple(clauses), tuple(sentences), frozenset(asks))


def term_tokens(term: str) -> tuple[str, ...]:
    """A term of a lexicon as keys; ``#``, ``#/#``, ``#date`` and ``#age`` stand for themselves."""
    keys: list[str] = []
    for part in re.split(r"(#age|#date|#/#|#)", term):
        keys += [part] if part.startswith("#") else list(tokenise(part).keys)
    return tuple(keys)


def _says_again(word: str, keys: list[str], sentences: list[int], sentence: int) -> bool:
    """Speakers say a word twice while they search for the next one ("for the, the last week")."""
    return keys[-1:] == [word] and sentences[-1] == sentence


def _key(kind: str | None, piece: str, text: str, end: int) -> str:
    if kind in ("pair", "age"):
        return PAIR if kind == "pair" else AGE
    if kind != "number":
        return piece
    return DATE if _DATE.fullmatch(piece) and not _UNIT.match(text, end) else NUMBER


def _between_han(text: str, start: int, end: int) -> bool:
    """Chinese is written without spaces: one between two characters stands for a comma."""
    return start > 0 and end < len(text) and (_is_han(text[start - 1]) or _is_han(text[end]))


def has_han(text: str) -> bool:
    """Whether the text holds a Chinese character."""
    return _HAN.search(text) is not None


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff"
