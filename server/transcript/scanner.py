"""Finds the terms of all lexicons in one pass over the tokens of an utterance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from server.transcript.pinyin import sound, spoken
from server.transcript.slips import NUMERALS_ZH, may_be_a_slip
from server.transcript.tokens import NUMBER, Tokens, term_tokens
from server.transcript.topics import Lexicon

Key = tuple[str, ...]

NUMERALS_EN = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty"),
    *("sixty", "seventy", "eighty", "ninety", "hundred"),
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found. ``exact``: letter for letter, not by sound."""

    start: int
    end: int
    lexicon: str
    exact: bool


@dataclass(slots=True)
class _Node:
    """Where the tokens so far lead: further tokens, and the terms that end here with their lexicons."""

    further: dict[str, "_Node"] = field(default_factory=dict)
    ends: list[tuple[Key, str]] = field(default_factory=list)

    def add(self, key: Key, term: Key, lexicon: str) -> None:
        node = self
        for token in key:
            node = node.further.setdefault(token, _Node())
        if (term, lexicon) not in node.ends:
            node.ends.append((term, lexicon))


class Scanner:
    """Built once from all lexicons; ``scan`` is pure, and more terms hardly make it slower."""

    def __init__(self, lexicons: Mapping[str, Lexicon]) -> None:
        self._written = _Node()
        self._heard = _Node()
        self._ignored = _Node()
        self._not_before: dict[str, frozenset[Key]] = {}
        self._not_after: dict[str, frozenset[Key]] = {}
        for name, lexicon in lexicons.items():
            for term in _readings(lexicon.terms):
                self._add(term, name, exact=lexicon.exact)
            for term in _readings(lexicon.ignore):
                self._ignored.add(term, term, name)
            self._not_before[name] = frozenset(_readings(lexicon.not_before))
            self._not_after[name] = frozenset(_readings(lexicon.not_after))

    def _add(self, term: Key, lexicon: str, *, exact: bool) -> None:
        self._written.add(term, term, lexicon)
        if exact or len(term) < 2 or not all(is_han(key) for key in term):
            return
        if len(term) == 2 and any(key in NUMERALS_ZH for key in term):
            return  # 一支 is 一直, 三周 is 上周
        for heard in {tuple(sound(char) for char in term), spoken(term)}:
            self._heard.add(heard, term, lexicon)

    def scan(self, tokens: Tokens) -> dict[str, list[Hit]]:
        """Hits by lexicon, in order, each the longest at its place."""
        keys = tokens.keys
        found = list(_look_up(self._written, keys, keys))
        if any(tokens.han):
            sounds = tuple(sound(key) if chinese else key for key, chinese in zip(keys, tokens.han, strict=True))
            found += [hit for hit in _look_up(self._heard, sounds, keys) if not hit.exact]
        ignored: dict[str, list[tuple[int, int]]] = {}
        for hit in _look_up(self._ignored, keys, keys):
            ignored.setdefault(hit.lexicon, []).append((hit.start, hit.end))
        hits: dict[str, list[Hit]] = {}
        for hit in found:
            spans = ignored.get(hit.lexicon, ())
            if _continuous(tokens, hit) and not any(start <= hit.start and hit.end <= end for start, end in spans):
                hits.setdefault(hit.lexicon, []).append(hit)
        return {name: self._allowed(name, _longest(some), tokens) for name, some in hits.items()}

    def _allowed(self, lexicon: str, hits: list[Hit], tokens: Tokens) -> list[Hit]:
        before, after = self._not_before[lexicon], self._not_after[lexicon]
        if not before and not after:
            return hits
        return [hit for hit in hits if not _follows(before, tokens, hit) and not _precedes(after, tokens, hit)]


def is_han(key: str) -> bool:
    """Whether a token is one Chinese character."""
    return len(key) == 1 and "\u3400" <= key <= "\u9fff"


def _readings(terms: Iterable[str]) -> list[Key]:
    """Terms as keys; a number is a digit or any numeral of the term's language."""
    readings: list[Key] = []
    for term in terms:
        key = term_tokens(term)
        if NUMBER not in key:
            readings += [key] if key else []
            continue
        numerals = NUMERALS_ZH if any(is_han(part) for part in key) else NUMERALS_EN
        if set(key) == {NUMBER}:
            numerals = NUMERALS_ZH + NUMERALS_EN
        readings += product(*((NUMBER, *numerals) if part == NUMBER else (part,) for part in key))
    return readings


def _look_up(table: _Node, spelt: Key, keys: Key) -> Iterable[Hit]:
    """``spelt``: the tokens as the table spells them (written or heard). By sound, one character must be right."""
    last = len(spelt)
    for start, first in enumerate(spelt):
        node, end = table.further.get(first), start + 1
        while node is not None:
            if node.ends:
                written = keys[start:end]
                for term, lexicon in node.ends:
                    if term == written:
                        yield Hit(start, end, lexicon, exact=True)
                    elif may_be_a_slip(term, written):
                        yield Hit(start, end, lexicon, exact=False)
            if end == last:
                break
            node, end = node.further.get(spelt[end]), end + 1


def _continuous(tokens: Tokens, hit: Hit) -> bool:
    return tokens.sentence[hit.start] == tokens.sentence[hit.end - 1]


def _longest(hits: list[Hit]) -> list[Hit]:
    """Without hits inside other hits; at the same place an exact hit is preferred to one by sound."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda one: (one.start, -one.end, not one.exact)):
        if not kept or hit.end > kept[-1].end:
            kept.append(hit)
    return kept


def _follows(terms: frozenset[Key], tokens: Tokens, hit: Hit) -> bool:
    """Whether one of the terms is right before the hit, in its clause."""
    keys, start = tokens.keys, hit.start
    while start > 0 and keys[start - 1] in NUMERALS_ZH:
        start -= 1  # 二十天 is found as 十天
    return any(
        keys[start - length : start] in terms and tokens.clause[start - length] == tokens.clause[hit.start]
        for length in range(1, min(4, start) + 1)
    )


def _precedes(terms: frozenset[Key], tokens: Tokens, hit: Hit) -> bool:
    """Whether one of the terms is right after the hit, in its clause."""
    end = hit.end
    return any(
        tokens.keys[end : end + length] in terms and tokens.clause[end] == tokens.clause[end - 1]
        for length in range(1, min(4, len(tokens.keys) - end) + 1)
    )
