"""Utterances of our own (``tests/data/own_utterances.txt``), in two halves by their hash.

They are made up, so that they may be committed; what people really said is in ``consultations.py``. The half ``seen``
was looked at while the lexicons were corrected, the half ``kept`` only counted.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from server.transcript import SaidState

FILE = Path(__file__).resolve().parents[1] / "data" / "own_utterances.txt"
PAIN = {"P": SaidState.STATED, "PD": SaidState.STATED, "p": SaidState.DENIED}


@dataclass(frozen=True)
class Own:
    """``pain``: state of ``pain_location``; ``duration``: of ``symptom_duration``."""

    text: str
    before: str | None
    language: str
    half: str
    pain: SaidState
    duration: SaidState


def own_utterances() -> list[Own]:
    return [_read(line) for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def _read(line: str) -> Own:
    label, before, text = line.split("|")
    return Own(
        text=text,
        before=before or None,
        language="zh" if any("\u4e00" <= char <= "\u9fff" for char in text) else "en",
        half="kept" if hashlib.sha256(text.encode()).digest()[0] % 2 else "seen",
        pain=PAIN.get(label, SaidState.NOT_HEARD),
        duration=SaidState.STATED if "D" in label else SaidState.NOT_HEARD,
    )
