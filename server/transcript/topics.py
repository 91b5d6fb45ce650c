"""Topics and lexicons as the matcher uses them, and its answers. ``server.dictionaries`` reads the files."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from server.judge.said import SaidState

GRAMMAR_LEXICONS = ("symptom", "pain", "located_pain", "body")
"""What grammar skips in lists ("no fever, cough or chest pain"): other symptoms, and places."""
SYMPTOMS = frozenset(GRAMMAR_LEXICONS)


@dataclass(frozen=True, slots=True)
class TopicFinding:
    """A topic in one utterance. ``strength``: 0.70..1 if it was heard, 0 if not."""

    state: SaidState
    strength: float


NOT_HEARD = TopicFinding(SaidState.NOT_HEARD, 0.0)


@dataclass(frozen=True, slots=True)
class Mention:
    """One place that mentions a topic. ``start`` and ``end`` are tokens; ``key`` distinguishes words."""

    state: SaidState
    strength: float
    start: int
    end: int
    key: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Terms, expanded: no ``(a|b)`` left, ``#`` stands for any number."""

    terms: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    not_before: tuple[str, ...] = ()
    not_after: tuple[str, ...] = ()
    exact: bool = False


@dataclass(frozen=True, slots=True)
class TopicRule:
    """Holds if every group (names of lexicons) has a hit; negation is judged at the first group.

    ``distance``: at most this many tokens between the first group's hit and any other; ``None``: any number.
    ``within`` question: the first group's hit is all that is said, the others are in the doctor's question.
    ``rather``: no hit of these in the first group's clause as near to it as the other groups' hits, which then belong
    to that hit instead (a pain, and pills taken for three days). ``unless``: no hit of these in the clause (nor beside
    it, if ``within`` is more than the clause), nor in the question, if the utterance itself has no symptom.
    """

    groups: tuple[frozenset[str], ...]
    within: Literal["clause", "neighbour", "sentence", "near", "question"] = "clause"
    distance: int | None = None
    after_question: bool = False
    unless: frozenset[str] = frozenset()
    rather: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Topic:
    """``asked``: the doctor's question, one hit of every group. ``needs``: other topics instead of rules."""

    id: str
    rules: tuple[TopicRule, ...] = ()
    needs: tuple[str, ...] = ()
    asked: tuple[frozenset[str], ...] = ()
    negatable: bool = True
    whose: Literal["patient", "relative", "anyone"] = "patient"
    distinct: int = 1

    def lexicons(self) -> frozenset[str]:
        """The names of everything that its rules and its question use."""
        of_rules = (group for rule in self.rules for group in (*rule.groups, rule.unless, rule.rather))
        return frozenset[str]().union(*self.asked, *of_rules)


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic and lexicon by its id; rules' own terms have names that no file can contain."""

    topics: dict[str, Topic]
    lexicons: dict[str, Lexicon]

    def only(self, wanted: Iterable[str]) -> "Topics":
        """These topics (if known), the topics they need, and the lexicons that they or the grammar use."""
        topics = {one: self.topics[one] for one in wanted if one in self.topics}
        topics |= {need: self.topics[need] for topic in list(topics.values()) for need in topic.needs}
        used = set(GRAMMAR_LEXICONS)
        for topic in topics.values():
            used |= topic.lexicons()
        return Topics(topics, {name: lexicon for name, lexicon in self.lexicons.items() if name in used})
