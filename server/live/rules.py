"""Which live rules have matched in a running session."""

from collections.abc import Mapping
from typing import Any

from server.dictionaries.conditions import parse_condition
from server.judge.labels import LabelKind, LabelSet
from server.judge.rules import Match, Moment, Rule, Standing, matched
from server.judge.said import SaidState
from server.judge.verdict import passed
from server.values.stored import amount
from server.values.text import Text
from server.wire.server import QualityUpdate
from server.wire.transcript import SaidMessage


class RuleWatch:
    """Of one session. A rule that matched stays so, whatever comes later, also if the labels change."""

    def __init__(self) -> None:
        self.matches: tuple[Match, ...] = ()

    def look(self, labels: LabelSet, update: QualityUpdate | None, said: SaidMessage | None) -> None:
        """At what was judged and said so far, as observers see it."""
        live = [rule for rule in labels.rules if rule.at is Moment.LIVE]
        if live:
            self.matches = matched(live, _standings(labels, update, said), self.matches)

    def snapshot(self) -> list[dict[str, Any]]:
        """JSON-able."""
        return [_plain(one) for one in self.matches]

    def restore(self, state: Any) -> None:
        """Continue from a ``snapshot``. Raises LookupError, TypeError or ValueError for anything else."""
        self.matches = tuple(_stored(one) for one in state)


def _standings(labels: LabelSet, update: QualityUpdate | None, said: SaidMessage | None) -> Mapping[str, Standing]:
    scores = {} if update is None else update.session.labels
    heard = {} if said is None else said.labels
    found = {}
    for label in labels.shown():
        if label.kind is LabelKind.QUALITY and update is not None:
            score = scores.get(label.id)
            found[label.id] = Standing(score, passed(label, score), None, update.window.end_s)
        elif (one := heard.get(label.id)) is not None:
            state = SaidState(one.state)
            score = None if state is SaidState.NOT_HEARD else one.strength
            found[label.id] = Standing(score, passed(label, score), state, one.heard_at_s)
    return found


def _plain(match: Match) -> dict[str, Any]:
    rule, standing = match.rule, match.standing
    return {
        "dictionary": rule.dictionary,
        "id": rule.id,
        "label": rule.label,
        "when": str(rule.when),
        "event": rule.event,
        "title": None if rule.title is None else [rule.title.zh, rule.title.en],
        "score": standing.score,
        "passed": standing.passed,
        "state": None if standing.state is None else standing.state.value,
        "at_s": standing.at_s,
    }


def _stored(kept: Mapping[str, Any]) -> Match:
    title, score, state, at_s = kept["title"], kept["score"], kept["state"], kept["at_s"]
    rule = Rule(
        str(kept["dictionary"]),
        str(kept["id"]),
        str(kept["label"]),
        parse_condition(str(kept["when"])),
        str(kept["event"]),
        Moment.LIVE,
        None if title is None else Text(*map(str, title)),
    )
    standing = Standing(
        None if score is None else amount(score),
        None if kept["passed"] is None else bool(kept["passed"]),
        None if state is None else SaidState(state),
        None if at_s is None else amount(at_s),
    )
    return Match(rule, standing)
