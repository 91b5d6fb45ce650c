"""Topics and lexicons as the matcher sees them, and what it answers. Files are read by ``server.dictionaries``."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class State(StrEnum):
    STATED = "stated"
    DENIED = "denied"
    NOT_HEARD = "not_heard"


@dataclass(frozen=True, slots=True)
class Finding:
    """A topic in one utterance. ``strength``: 0.70..1 for what was heard, 0 for what was not."""

    state: State
    strength: float


NOT_HEARD = Finding(State.NOT_HEARD, 0.0)


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a topic is spoken of. ``start`` and ``end`` are tokens; ``key`` tells different words apart."""

    state: State
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
class Rule:
    """Holds where every group has a hit: names of lexicons, the first group being where negation is judged.

    ``distance``: at most so many tokens between the first group's hit and any other; ``None``: any number.
    """

    groups: tuple[frozenset[str], ...]
    within: Literal["clause", "neighbour", "sentence", "near"] = "clause"
    distance: int | None = None
    after_question: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """``asked``: the doctor's question, one hit of every group. ``needs``: other topics instead of rules."""

    id: str
    rules: tuple[Rule, ...] = ()
    needs: tuple[str, ...] = ()
    asked: tuple[frozenset[str], ...] = ()
    negatable: bool = True
    whose: Literal["patient", "relative", "anyone"] = "patient"
    distinct: int = 1


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic and lexicon by its id, rules' own terms under names that no file can write."""

    topics: dict[str, Topic]
    lexicons: dict[str, Lexicon]
