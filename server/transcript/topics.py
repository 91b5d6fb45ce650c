"""Topics and lexicons as the matcher sees them, and its answers. ``server.dictionaries`` reads the files."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from server.judge.said import SaidState

GRAMMAR_LEXICONS = ("symptom", "pain", "located_pain", "body")
"""What grammar passes over in lists ("no fever, cough or chest pain"): other symptoms, and places."""
SYMPTOMS = frozenset(GRAMMAR_LEXICONS)


@dataclass(frozen=True, slots=True)
class TopicFinding:
    """A topic in one utterance. ``strength``: 0.70..1 for what was heard, 0 for what was not."""

    state: SaidState
    strength: float


NOT_HEARD = TopicFinding(SaidState.NOT_HEARD, 0.0)


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a topic is spoken of. ``start`` and ``end`` are tokens; ``key`` tells different words apart."""

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
    """Holds where every group has a hit: names of lexicons, the first group being where negation is judged.

    ``distance``: at most so many tokens between the first group's hit and any other; ``None``: any number.
    ``within`` question: the first group's hit is all that is said, the others stand in the doctor's question.
    ``rather``: no hit of these in the first group's clause that stands as near to it as the others do: then it is said
    of that instead (a pain, and pills taken for three days).
    ``unless``: no hit of these in the clause (nor beside it, where ``within`` is more than the clause); nor in the
    question, where the utterance itself has no symptom.
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
        """The names of all that its rules and its question use."""
        of_rules = (group for rule in self.rules for group in (*rule.groups, rule.unless, rule.rather))
        return frozenset[str]().union(*self.asked, *of_rules)


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic and lexicon by its id, rules' own terms under names that no file can write."""

    topics: dict[str, Topic]
    lexicons: dict[str, Lexicon]

    def only(self, wanted: Iterable[str]) -> "Topics":
        """These topics (those that are known), what they need, and the lexicons that they use or grammar reads."""
        topics = {one: self.topics[one] for one in wanted if one in self.topics}
        topics |= {need: self.topics[need] for topic in list(topics.values()) for need in topic.needs}
        used = set(GRAMMAR_LEXICONS)
        for topic in topics.values():
            used |= topic.lexicons()
        return Topics(topics, {name: lexicon for name, lexicon in self.lexicons.items() if name in used})
