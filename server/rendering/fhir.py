"""A result as FHIR R4 (4.0.1): a Bundle of a DocumentReference, the recording without its sound, and an Observation of
its quality. It is about the recording, not about the patient; docs/fhir.md has the mapping, element by element."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from server.rendering.fhir_codes import LABELS, absent, coded
from server.values.notices import NoticeCode
from server.wire.result import ResultLabel, ResultModel

ASSESSMENTS = "urn:tingqing:assessments"
"""System of the identifiers that are our ids."""

REFERENCES = "urn:tingqing:references"
"""System of the identifiers that are an integrator's ``reference``."""

UCUM = "http://unitsofmeasure.org"
PRODUCT = "Tingqing 听清"
PASS_LINE = "合格线 Passes from here"
NO_DIAGNOSIS = "评估的是录音，不是患者；这不是诊断。 It judges the recording, not the patient. It is not a diagnosis."
LIMITS = (NoticeCode.AS_HEARD, NoticeCode.PARTS_LEFT_OUT)
"""Without these a reader would take the labels for more than they say."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class When:
    """``ended_at``: when a session ended or a file was judged. ``started_at``: of a session; when a file was recorded
    nobody says."""

    ended_at: datetime
    started_at: datetime | None = None


def bundle_of(result: ResultModel, when: When) -> Resource:
    """A Bundle of the type ``collection``. Equal results give equal bundles, ids too."""
    document, observation = _address(result, "recording"), _address(result, "quality")
    return {
        "resourceType": "Bundle",
        "identifier": _identifier(ASSESSMENTS, result.id),
        "type": "collection",
        "timestamp": _instant(when.ended_at),
        "entry": [
            {"fullUrl": document, "resource": _document(result, when)},
            {"fullUrl": observation, "resource": _observation(result, when, document)},
        ],
    }


def outcome_of(name: str, message: str) -> Resource:
    """An OperationOutcome, for a file that could not be judged."""
    issue = {"severity": "error", "code": "processing", "details": _text(message), "diagnostics": _plain(name)}
    return {"resourceType": "OperationOutcome", "issue": [_filled(issue)]}


def _document(result: ResultModel, when: When) -> Resource:
    accepted = result.overall.verdict == "accept"
    known = {
        "resourceType": "DocumentReference",
        "identifier": [_identifier(ASSESSMENTS, result.id)],
        "status": "current",
        # Until a recording is accepted, another one is asked for.
        "docStatus": "final" if accepted else "preliminary",
        "type": coded("recording"),
        "subject": _subject(result),
        "date": _instant(when.ended_at),
        "custodian": _filled({"type": "Organization", "display": _plain(result.site)}, without="type"),
        "relatesTo": _before(result),
        "content": [{"attachment": {"title": _plain(result.source.name) or PRODUCT}}],
        "context": _filled({"period": _period(when), "practiceSetting": _text(_department(result))}),
    }
    return _filled(known)


def _observation(result: ResultModel, when: When, document: str) -> Resource:
    recording = {"reference": document, "type": "DocumentReference"}
    overall, by = result.overall, result.model
    value = _score(overall.score)
    known = {
        "resourceType": "Observation",
        "contained": [_device(by.version)],
        "identifier": [_identifier(ASSESSMENTS, result.id)],
        "status": "final",
        "code": coded("recording-quality"),
        "subject": _subject(result),
        "focus": [recording],
        "effectivePeriod": _period(when),
        "issued": _instant(when.ended_at),
        "valueQuantity": value,
        "dataAbsentReason": None if value else absent(None),
        "interpretation": [coded(word) for word in (overall.grade, overall.verdict) if word],
        "note": [{"text": text} for text in _notes(result) if text],
        "method": _text(f"{', '.join(by.scorers)}; {by.dictionary.name} {by.dictionary.version}"),
        "device": {"reference": "#tingqing", "type": "Device"},
        "derivedFrom": [recording],
        "component": [_component(*one) for one in result.labels.items()],
    }
    return _filled(known)


def _notes(result: ResultModel) -> tuple[str | None, ...]:
    limits = [_plain(f"{one.zh} {one.en}") for one in result.notices if one.code in LIMITS]
    return (_plain(f"{result.advice.zh} {result.advice.en}"), *limits, NO_DIAGNOSIS)


def _component(label_id: str, label: ResultLabel) -> Resource:
    value = _score(label.score)
    judged = None if label.passed is None else "passed" if label.passed else "failed"
    known = {
        "code": _concept(LABELS, label_id, label.title.zh, label.title.en),
        "valueQuantity": value,
        "dataAbsentReason": None if value else absent(label.why),
        "interpretation": [coded(word) for word in (judged, label.state) if word],
        "referenceRange": [{"low": _score(label.threshold), "text": PASS_LINE}],
    }
    return _filled(known)


def _score(score: float | None) -> Resource | None:
    return None if score is None else {"value": score, "unit": "0..1", "system": UCUM, "code": "1"}


def _device(version: str) -> Resource:
    known = {
        "resourceType": "Device",
        "id": "tingqing",
        "deviceName": [{"name": PRODUCT, "type": "user-friendly-name"}],
        "version": [{"value": _plain(version)}] if _plain(version) else None,
    }
    return _filled(known)


def _subject(result: ResultModel) -> Resource | None:
    reference = _plain(result.reference)
    return None if reference is None else {"type": "Patient", "identifier": _identifier(REFERENCES, reference)}


def _before(result: ResultModel) -> list[Resource] | None:
    if (before := _plain(result.attempt_of)) is None:
        return None
    target = {"type": "DocumentReference", "identifier": _identifier(ASSESSMENTS, before)}
    return [{"code": "replaces", "target": target}]


def _department(result: ResultModel) -> str | None:
    given = (result.metadata or {}).get("department")
    return given if isinstance(given, str) else None


def _period(when: When) -> Resource | None:
    if when.started_at is None:
        return None
    return {"start": _instant(when.started_at), "end": _instant(when.ended_at)}


def _concept(system: str, code: str, zh: str, en: str) -> Resource:
    coding = _filled({"system": system, "code": _plain(code), "display": _plain(en)})
    return _filled({"coding": [coding], "text": _plain(f"{zh} {en}" if zh != en else zh)})


def _identifier(system: str, value: str) -> Resource:
    return {"system": system, "value": value}


def _text(text: str | None) -> Resource | None:
    plain = _plain(text)
    return None if plain is None else {"text": plain}


def _plain(text: str | None) -> str | None:
    """As FHIR's ``string``: not empty, no control characters; ``None`` for nothing."""
    if text is None:
        return None
    return " ".join(_CONTROL.sub(" ", text.encode(errors="replace").decode()).split()) or None


def _filled(element: Mapping[str, Any], without: str = "") -> Resource:
    """Only what is there: FHIR knows no null and nothing empty. ``without``: worth nothing alone."""
    filled = {name: value for name, value in element.items() if value not in (None, [], {})}
    return {} if set(filled) <= {without} else filled


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _address(result: ResultModel, what: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{ASSESSMENTS}/{result.id}/{what}')}"
