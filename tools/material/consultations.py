"""The labelled consultations: rows of ``$TINGQING_SHARED/consultations`` by number and hash, labelled by reading them.

``tests/data/consultation_labels.json`` holds no text: per language the file, and rows of ``[row, sha256 of the text
(16 digits), half, pain_location, symptom_duration]``. The halves were drawn before the lexicons were written (seed 7).
While they were written, only errors of the half ``seen`` were looked at; the other half was looked at once, afterwards.
docs/topics.md has its figures at first sight.

English has a second random sample of 1,000 more rows, labelled before the matcher was run on them. ``fresh`` was
counted once before its errors were looked at; ``fresh_kept`` was counted then and again later, before its errors were.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

LABELS = Path(__file__).resolve().parents[2] / "tests" / "data" / "consultation_labels.json"
TOPICS = ("pain_location", "symptom_duration")


@dataclass(frozen=True)
class Labelled:
    """``before``: the doctor's last line in the same consultation, if there is one."""

    text: str
    before: str | None
    half: str
    stated: dict[str, bool]


def labelled(shared: Path, language: str) -> list[Labelled]:
    """The sample of a language. Fails if a row is not the text that was labelled."""
    entry = json.loads(LABELS.read_text(encoding="utf-8"))[language]
    lines = (shared / "consultations" / entry["file"]).read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines]
    found = []
    for row, digest, half, *stated in entry["rows"]:
        text = said[row]["text"]
        assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest, f"row {row} is another text"
        states = dict(zip(TOPICS, map(bool, stated), strict=True))
        found.append(Labelled(text, _before(said, row), half, states))
    return found


def _before(said: list[dict[str, str]], row: int) -> str | None:
    for line in reversed(said[:row]):
        if line.get("consultation") != said[row].get("consultation"):
            return None
        if line.get("speaker") == "doctor":
            return line["text"]
    return None
