"""The context of a word in its utterance, judged by the grammar of its language."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from server.transcript import grammar_en, grammar_zh
from server.transcript.scanner import Hit
from server.transcript.tokens import LITTLE, Tokens, normal
from server.transcript.topics import GRAMMAR_LEXICONS, Mention

_LOOK_BACK = 40
"""Number of tokens on either side of a word that may affect it."""
_SHORT = 25
"""Maximum number of tokens of an utterance that is only an answer."""


class ParsedUtterance:
    """An utterance with the hits found in it."""

    def __init__(self, tokens: Tokens, hits: Mapping[str, Sequence[Hit]], before: str = "") -> None:
        self.tokens = tokens
        self._before = before
        self._hits = hits
        self._text: dict[tuple[int, int], str] = {}
        self._covered = self._cover()
        self._owners: dict[int, str] = {}
        self._denials: dict[Hit, tuple[bool, bool]] = {}
        self.judged: dict[tuple[object, ...], Mention | None] = {}
        self._clauses: dict[frozenset[str], frozenset[int]] = {}
        self._merged: dict[frozenset[str], list[Hit]] = {}

    def hits_of(self, lexicons: frozenset[str]) -> Sequence[Hit]:
        """In the order of the text."""
        if len(lexicons) == 1:
            return self._hits.get(next(iter(lexicons)), ())
        if lexicons not in self._merged:
            hits = (hit for name in lexicons for hit in self._hits.get(name, ()))
            self._merged[lexicons] = sorted(hits, key=lambda hit: hit.start)
        return self._merged[lexicons]

    def clauses_with(self, lexicons: frozenset[str]) -> frozenset[int]:
        """Numbers of the clauses in which a word of these lexicons begins."""
        if lexicons not in self._clauses:
            self._clauses[lexicons] = frozenset(self.tokens.clause[hit.start] for hit in self.hits_of(lexicons))
        return self._clauses[lexicons]

    def is_question(self) -> bool:
        """Whether the utterance is a single question that yes or no may answer."""
        if self.tokens.asks:
            return True
        if any(self.tokens.han):
            return grammar_zh.is_question(self._whole())
        return grammar_en.asked(self._whole(" "), "", question_mark=True)

    def asks_about(self, mention: Mention) -> bool:
        """Whether a question asks about what it names, and not for what else there is."""
        start, end = self.tokens.sentence_of(mention.start)
        joint = "" if self.tokens.language(mention.start) == "zh" else " "
        before, after = (
            joint.join(self.tokens.keys[start : mention.start]),
            joint.join(self.tokens.keys[mention.end : end]),
        )
        grammar = grammar_en if joint else grammar_zh
        return not grammar.asks_for_others(before, after)

    def is_alone(self, hit: Hit) -> bool:
        """Whether only little words and numbers surround the hit."""
        keys = self.tokens.keys
        return len(keys) < _SHORT and all(key in LITTLE for key in (*keys[: hit.start], *keys[hit.end :]))

    def widest(self, hit: Hit) -> Hit:
        """The longest symptom or place that contains the hit: 胸痛 for the 痛 in it."""
        for start in range(max(0, hit.start - 6), hit.start + 1):
            end = self._covered.get(start, 0)
            if end >= hit.end and end - start > hit.end - hit.start:
                return replace(hit, start=start, end=end)
        return hit

    def denied(self, hit: Hit) -> tuple[bool, bool]:
        """Whether the word is denied, and whether that comes with a reservation."""
        if hit not in self._denials:
            self._denials[hit] = self._denied(hit)
        return self._denials[hit]

    def _denied(self, hit: Hit) -> tuple[bool, bool]:
        if hit.lexicon in GRAMMAR_LEXICONS:
            hit = self.widest(hit)
        clause_start, clause_end = self.tokens.clause_of(hit.start)
        if self._is_chinese(hit):
            before, after = self._around(hit, clause_start, clause_end)
            if not after and self._next_clause(clause_end) in ("没有", "没", "无", "没有的", "倒没有"):
                return True, False
            return grammar_zh.denied(before, after)
        start, _ = self.tokens.sentence_of(hit.start)
        start = self._english_start(max(start, hit.start - 14), hit.start)
        before, after = self._around(hit, start, clause_end)
        if not after and self._next_clause(clause_end) in ("no", "nope", "none", "not at all", "not really", "no no"):
            return True, False
        return grammar_en.denied(before, after)

    def is_asked(self, hit: Hit, *, yes_or_no: bool = True) -> bool:
        """Whether the clause asks about the word. If the word is not a symptom, the whole sentence counts: a patient
        who asks what to do about a cough has one. ``yes_or_no``: False for numbers and times, to which such a question
        does not apply.
        """
        start, end = self.tokens.clause_of(hit.start)
        sentence_start, sentence_end = self.tokens.sentence_of(hit.start)
        question_mark = self.tokens.sentence[hit.start] in self.tokens.asks
        if self._is_chinese(hit):
            clause = "".join(self.tokens.keys[max(start, hit.start - _LOOK_BACK) : min(end, hit.end + _LOOK_BACK)])
            if self._is_symptom(hit) or not yes_or_no:
                asks = (question_mark and "还是" in clause) or (yes_or_no and grammar_zh.either_or(clause))
            else:
                asks = question_mark or self._asks_yes_or_no
            if asks:
                return True
            before, after = self._around(hit, start, end)
            word = "".join(self.tokens.keys[hit.start : hit.end])
            return grammar_zh.asked(before, word, after, question_mark=question_mark and end == sentence_end)
        sentence = self._written(sentence_start, min(sentence_end, sentence_start + _LOOK_BACK))
        return grammar_en.asked(sentence, self._written(start, hit.start), question_mark=question_mark)

    @cached_property
    def _asks_yes_or_no(self) -> bool:
        return grammar_zh.is_question(self._whole())

    @cached_property
    def _symptom_tokens(self) -> frozenset[int]:
        lexicons = (name for name in GRAMMAR_LEXICONS if name != "body")
        hits = (hit for name in lexicons for hit in self._hits.get(name, ()))
        return frozenset(index for hit in hits for index in range(hit.start, hit.end))

    def _is_symptom(self, hit: Hit) -> bool:
        return not self._symptom_tokens.isdisjoint(range(hit.start, hit.end))

    def is_supposed(self, hit: Hit) -> bool:
        """Whether the word is asked about or imagined ("if it hurts"), and so not stated."""
        sentence_start, _ = self.tokens.sentence_of(hit.start)
        if self._is_chinese(hit):
            start = max(self.tokens.clause_of(hit.start)[0], hit.start - _LOOK_BACK)
            past = hit.lexicon in ("pain", "located_pain")
            return grammar_zh.supposed(
                self._masked(start, hit.start, ""), "".join(self.tokens.keys[hit.end - 1 : hit.end + 1]) if past else ""
            )
        return grammar_en.supposed(self._written(max(sentence_start, hit.start - 12), hit.start))

    def owner(self, hit: Hit) -> str:
        """``patient`` or ``relative``."""
        if hit.start not in self._owners:
            self._owners[hit.start] = self._owner(hit)
        return self._owners[hit.start]

    def _owner(self, hit: Hit) -> str:
        start, _ = self.tokens.sentence_of(hit.start)
        start = max(start, hit.start - _LOOK_BACK)
        if self._is_chinese(hit):
            return grammar_zh.owner(self._with_commas(start, hit.start), self._whole())
        return grammar_en.owner(self._written(start, hit.start), self._whole(" "), normal(self._before))

    def _is_chinese(self, hit: Hit) -> bool:
        return self.tokens.language(hit.start) == "zh"

    def _around(self, hit: Hit, start: int, end: int) -> tuple[str, str]:
        joint = "" if self._is_chinese(hit) else " "
        start, end = max(start, hit.start - _LOOK_BACK), min(end, hit.end + _LOOK_BACK)
        return self._masked(start, hit.start, joint), self._masked(hit.end, end, joint)

    def _masked(self, start: int, end: int, joint: str) -> str:
        """Tokens ``start`` to ``end``, with every symptom or place written as one ``S``."""
        parts: list[str] = []
        index = start
        while index < end:
            stop = self._covered.get(index, 0)
            if index < stop <= end:
                parts.append("S")
                index = stop
            else:
                parts.append(self.tokens.keys[index])
                index += 1
        return joint.join(parts)

    def _cover(self) -> dict[int, int]:
        """First token, and the one after the last, of the words that the grammar sees as S."""
        covered: dict[int, int] = {}
        for name in GRAMMAR_LEXICONS:
            for hit in self._hits.get(name, ()):
                if hit.exact:
                    covered[hit.start] = max(hit.end, covered.get(hit.start, 0))
        return covered

    def _written(self, start: int, end: int) -> str:
        return " ".join(self.tokens.keys[start:end])

    def _with_commas(self, start: int, end: int) -> str:
        parts: list[str] = []
        for index in range(start, end):
            if index > start and self.tokens.clause[index] != self.tokens.clause[index - 1]:
                parts.append(",")
            parts.append(self.tokens.keys[index])
        return "".join(parts)

    def _whole(self, joint: str = "") -> str:
        key = (-1, len(joint))
        if key not in self._text:
            self._text[key] = joint.join(self.tokens.keys)
        return self._text[key]

    def _next_clause(self, start: int) -> str:
        if start >= len(self.tokens.keys):
            return ""
        _, end = self.tokens.clause_of(start)
        return ("" if self.tokens.han[start] else " ").join(self.tokens.keys[start:end])

    def _english_start(self, start: int, end: int) -> int:
        """A comma does not limit the reach of "no" ("no fever, cough or chest pain"); "but" does."""
        for index in range(end - 1, start - 1, -1):
            if self.tokens.keys[index] in ("but", "however", "although", "though", "except", "because", "just", "only"):
                return index + 1
        return start
