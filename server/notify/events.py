"""What other systems are told, as values. No payload holds audio, transcript or metadata; that of a rule alone tells
what was stated, to who asked for it by name."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from server.assessment.result import Result
from server.judge.rules import Match
from server.values.rounding import rounded, unit
from server.values.text import Text

REJECTED = frozenset({"re-record", "unusable"})
"""Verdicts after which a recording is asked for again."""


class EventType(StrEnum):
    """What happened. ``BY_NAME`` is told only to whoever asks for it by name; ``TEST`` by the operator alone."""

    SESSION_ENDED = "session.ended"
    ASSESSMENT_COMPLETED = "assessment.completed"
    ASSESSMENT_REJECTED = "assessment.rejected"
    ASSESSMENT_REFUSED = "assessment.refused"
    LABEL_CHANGED = "label.changed"
    RULE_MATCHED = "rule.matched"
    BATCH_COMPLETED = "batch.completed"
    TEST = "webhook.test"


SUBSCRIBABLE = tuple(one for one in EventType if one is not EventType.TEST)
BY_NAME = (EventType.LABEL_CHANGED, EventType.RULE_MATCHED)
"""The one comes often, the other may tell what a patient said."""
BY_DEFAULT = tuple(one for one in SUBSCRIBABLE if one not in BY_NAME)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at ``site``. ``id`` is the ``webhook-id``: the same with every delivery and every try.

    ``about``: the session, recording or batch; what concerns the same is delivered in order. ``body``: the JSON that is
    sent, written once, so that each try sends the same bytes. ``rule_event``: of ``RULE_MATCHED``.
    """

    id: str
    type: EventType
    site: str
    about: str
    body: str
    rule_event: str | None = None

    @property
    def asked_as(self) -> tuple[str, ...]:
        """Its type; of a rule also the type with the rule's event alone."""
        return (self.type,) if self.rule_event is None else (self.type, of_rule(self.rule_event))


def of_rule(rule_event: str) -> str:
    """How an endpoint asks for one event of rules: ``rule.matched:triage.chest_pain``."""
    return f"{EventType.RULE_MATCHED}:{rule_event}"


def event(kind: EventType, site: str, about: str, at: datetime, data: Mapping[str, Any]) -> Event:
    """With a new id. ``at``: aware; ``data``: JSON-able. Fields of ``data`` that are ``None`` are left out."""
    told = {name: value for name, value in data.items() if value is not None}
    body = {"type": kind.value, "timestamp": _written(at), "data": told}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Event(f"msg_{secrets.token_hex(16)}", kind, site, about, text)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def session_events(
    session_id: str, site: str, reference: str | None, reason: str, at: datetime, result: Result | None
) -> tuple[Event, ...]:
    """Of a session that ended at ``at``: that it did, and what came out, in this order."""
    data = {"session_id": session_id, "reference": reference, "reason": reason, "assessed": result is not None}
    ended = event(EventType.SESSION_ENDED, site, session_id, at, data)
    return (ended,) if result is None else (ended, *assessment_events(result, site, at))


def assessment_events(result: Result, site: str, at: datetime, batch_id: str | None = None) -> tuple[Event, ...]:
    """Of a session or recording that was judged: that it was, and, where it should be recorded again, this too."""
    about, data = result.identity.id, _assessment(result) | {"batch_id": batch_id}
    told = [_once(event(EventType.ASSESSMENT_COMPLETED, site, about, at, data))]
    if result.overall.verdict in REJECTED:
        told.append(_once(event(EventType.ASSESSMENT_REJECTED, site, about, at, data)))
    whose = {name: data[name] for name in ("id", "kind", "reference", "attempt_of", "batch_id")}
    return *told, *(rule_matched(one, site, at, whose) for one in result.matches)


def _once(told: Event, *what: str) -> Event:
    """With an id of what it is about: a result that is made again after a crash is told once. ``what``: about what of
    it."""
    digest = hashlib.sha256("\0".join((told.type.value, told.site, told.about, *what)).encode()).hexdigest()
    return replace(told, id=f"msg_{digest[:32]}")


def _assessment(result: Result) -> dict[str, Any]:
    identity, overall = result.identity, result.overall
    return {
        "id": identity.id,
        "kind": identity.kind,
        "reference": identity.reference,
        "attempt_of": identity.attempt_of,
        "verdict": overall.verdict,
        "grade": overall.grade,
        "score": unit(overall.score),
        "passed": overall.passed,
        "duration_s": rounded(result.duration_s),
        "speech_s": rounded(result.speech_s),
        "prompts": _prompts(result),
    }


def _prompts(result: Result) -> list[dict[str, str]]:
    """With the sentences that a patient can be sent: those of the label files, which hold nothing of the visit."""
    texts: dict[str, Text] = {}
    for judged in result.labels.values():
        for prompt in (judged.label.prompt, judged.label.muted_prompt):
            if prompt is not None:
                texts.setdefault(prompt.id, prompt.text)
    return [
        {"id": one, "zh": texts[one].zh, "en": texts[one].en} if one in texts else {"id": one} for one in result.prompts
    ]


def label_changed(
    session_id: str, site: str, reference: str | None, at: datetime, labels: Mapping[str, bool | None]
) -> Event:
    """Labels of a running session that passed and do not any more, or the other way round. ``labels``: by id, only
    those that changed; ``None``: without a score now."""
    data = {
        "session_id": session_id,
        "reference": reference,
        "labels": {each: {"passed": labels[each]} for each in labels},
    }
    return event(EventType.LABEL_CHANGED, site, session_id, at, data)


def rule_matched(match: Match, site: str, at: datetime, whose: Mapping[str, Any]) -> Event:
    """A rule of a label file matched, in a running session or in a result: told once of each. ``whose``: the session or
    recording, with at least ``id`` and ``kind``."""
    rule, standing = match.rule, match.standing
    data = {
        **whose,
        "rule": rule.id,
        "dictionary": rule.dictionary,
        "event": rule.event,
        "title": None if rule.title is None else {"zh": rule.title.zh, "en": rule.title.en},
        "label": rule.label,
        "score": standing.score,
        "passed": standing.passed,
        "state": standing.state,
        "at_s": rounded(standing.at_s),
    }
    told = event(EventType.RULE_MATCHED, site, whose["id"], at, data)
    return replace(_once(told, rule.dictionary, rule.id), rule_event=rule.event)


def assessment_refused(
    batch_id: str,
    position: int,
    site: str,
    at: datetime,
    fault: Mapping[str, str],
    reference: str | None,
    attempt_of: str | None,
) -> Event:
    """A file of a batch that cannot be judged, and so has no result. ``fault``: ``code``, ``en``, ``zh``. Its name is
    not told: it may be a patient's."""
    data = {
        "batch_id": batch_id, "position": position, "reference": reference, "attempt_of": attempt_of,
        "error": dict(fault),
    }  # fmt: skip
    return _once(event(EventType.ASSESSMENT_REFUSED, site, about_file(batch_id, position), at, data))


def about_file(batch_id: str, position: int) -> str:
    """What events about a file without a result are about."""
    return f"{batch_id}-{position}"


def batch_completed(batch_id: str, site: str, reference: str | None, at: datetime, counts: Mapping[str, int]) -> Event:
    """All files of a batch are judged or refused. ``counts``: files by state, and results by verdict."""
    return event(EventType.BATCH_COMPLETED, site, batch_id, at, {"id": batch_id, "reference": reference, **counts})


def trial_event(site: str, endpoint_id: str, at: datetime) -> Event:
    """That the operator tries the endpoint."""
    return event(EventType.TEST, site, endpoint_id, at, {"endpoint": endpoint_id})
