"""Rules of label files: when a label's score or state has a condition's form, an event of the clinic's own happens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from server.judge.said import SaidState
from server.values.rounding import DECIMALS
from server.values.text import Text


class Operator(StrEnum):
    """How a score is compared."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


class Moment(StrEnum):
    """When a rule is looked at. ``LIVE``: from then on whenever something is judged or said, and in the result;
    ``END``: in the result alone. A file has only its result."""

    LIVE = "live"
    END = "end"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a label. ``None``: nothing. ``at_s``: seconds of the recording, where the state was heard or up
    to which the score was judged."""

    score: float | None = None
    passed: bool | None = None
    state: SaidState | None = None
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class ScoreIs:
    """``score < 0.7``. A score that is null is neither below nor above anything."""

    operator: Operator
    bound: float

    def holds(self, standing: Standing) -> bool:
        """Whether it is so."""
        score = standing.score
        if score is None:
            return False
        match self.operator:
            case Operator.BELOW:
                return score < self.bound
            case Operator.AT_MOST:
                return score <= self.bound
            case Operator.ABOVE:
                return score > self.bound
            case Operator.AT_LEAST:
                return score >= self.bound
            case _:
                assert_never(self.operator)

    def __str__(self) -> str:
        """As in a label file."""
        bound = f"{self.bound:.{DECIMALS}f}".rstrip("0").rstrip(".")
        return f"score {self.operator.value} {bound}"


@dataclass(frozen=True, slots=True)
class StateIs:
    """``state == "stated"``. Without a transcript there is no state, not even ``not_heard``."""

    state: SaidState

    def holds(self, standing: Standing) -> bool:
        """Whether it is so."""
        return standing.state is self.state

    def __str__(self) -> str:
        """As in a label file."""
        return f'state == "{self.state.value}"'


@dataclass(frozen=True, slots=True)
class PassedIs:
    """``passed == false``. What was not judged neither passed nor failed."""

    passed: bool

    def holds(self, standing: Standing) -> bool:
        """Whether it is so."""
        return standing.passed is self.passed

    def __str__(self) -> str:
        """As in a label file."""
        return f"passed == {str(self.passed).lower()}"


Term = ScoreIs | StateIs | PassedIs


@dataclass(frozen=True, slots=True)
class Condition:
    """All of ``terms``, of which there is one at least."""

    terms: tuple[Term, ...]

    def holds(self, standing: Standing) -> bool:
        """Whether all are so."""
        return all(term.holds(standing) for term in self.terms)

    def __str__(self) -> str:
        """As in a label file."""
        return " and ".join(str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Rule:
    """``id``: final, unique in its ``dictionary``. ``event``: the clinic's own name for what happens; rules may share
    it."""

    dictionary: str
    id: str
    label: str
    when: Condition
    event: str
    at: Moment = Moment.END
    title: Text | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that held, and how its label stood then. A rule matches once in a recording."""

    rule: Rule
    standing: Standing


def matched(
    rules: Iterable[Rule], standings: Mapping[str, Standing], earlier: Iterable[Match] = ()
) -> tuple[Match, ...]:
    """``earlier``, then the matches of the other ``rules``, in their order. ``standings``: by label id; a label that is
    not in it matches nothing."""
    found = list(earlier)
    known = {(one.rule.dictionary, one.rule.id) for one in found}
    for rule in rules:
        standing = standings.get(rule.label)
        if standing is not None and (rule.dictionary, rule.id) not in known and rule.when.holds(standing):
            found.append(Match(rule, standing))
    return tuple(found)
