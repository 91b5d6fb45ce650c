"""Our codes for FHIR: what a recording is, how good it is, and why something has no value."""

from typing import Any

from server.rendering.words import GRADES, VERDICTS, WHY, Words

CODES = "urn:tingqing:codes"
"""System of the codes of ``WORDS``."""

LABELS = "urn:tingqing:labels"
"""System of label ids. Which there are depends on the dictionary, and a request may bring its own."""

ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

WORDS = {
    "recording": Words("患者录音", "Recording of a patient"),
    "recording-quality": Words("录音质量", "Quality of a recording"),
    "passed": Words("合格", "Passed"),
    "failed": Words("不合格", "Failed"),
    "stated": Words("已说明", "Stated in the recording"),
    "denied": Words("已否认", "Denied in the recording"),
    "not_heard": Words("未听到", "Not heard in the recording"),
    **{grade: look.word for grade, look in GRADES.items()},
    **{verdict: words for verdict, words in VERDICTS.items() if verdict is not None},
    **WHY,
}

REASONS = {
    "too_short": "not-performed",
    "processing_enabled": "unsupported",
    "no_speech": "not-applicable",
    "shed": "not-performed",
    "needs_clap": "unsupported",
    "needs_transcript": "not-performed",
    "no_evidence": "unknown",
    "unscorable": "error",
}
"""``why`` of a label as HL7's data absent reason."""


def coded(word: str) -> dict[str, Any]:
    """A CodeableConcept of a code of ours."""
    return {"coding": [{"system": CODES, "code": word, "display": WORDS[word].en}], "text": text_of(word)}


def absent(why: str | None) -> dict[str, Any]:
    """A CodeableConcept of why there is no value: HL7's code, then ours. ``None``: nobody knows."""
    if why is None:
        return {"coding": [{"system": ABSENT, "code": "unknown", "display": "Unknown"}]}
    return {"coding": [{"system": ABSENT, "code": REASONS[why]}, *coded(why)["coding"]], "text": text_of(why)}


def text_of(word: str) -> str:
    """In both languages."""
    return f"{WORDS[word].zh} {WORDS[word].en}"


def code_system(version: str) -> dict[str, Any]:
    """The codes as a CodeSystem, for a terminology server."""
    concepts = [
        {
            "code": code,
            "display": words.en,
            "designation": [{"language": "zh", "value": words.zh}],
        }
        for code, words in WORDS.items()
    ]
    return {
        "resourceType": "CodeSystem",
        "url": CODES,
        "version": version,
        "name": "TingqingCodes",
        "title": "听清：录音质量 Tingqing: quality of recordings",
        "status": "active",
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": concepts,
    }
