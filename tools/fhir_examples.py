"""Writes docs/examples/fhir: a result as FHIR R4, and our codes as a CodeSystem.

``make docs`` runs it. A test fails where the files are others.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server import __version__
from server.rendering.fhir import When, bundle_of
from server.rendering.fhir_codes import code_system
from server.wire.result import ResultModel

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "examples" / "fhir"
WHEN = When(datetime(2026, 3, 1, 9, 31, 40, 530_000, UTC), datetime(2026, 3, 1, 9, 31, 2, 117_000, UTC))
NO_EVIDENCE: dict[str, Any] = {"acoustic": None, "clap": None, "transcript": None}

RESULT = ResultModel.model_validate(
    {
        "id": "5b0c9f0f3a514d6f9c1d2e3f4a5b6c7d",
        "reference": "case 7",
        "site": "ward-3",
        "attempt_of": "8d677963b20f4be8a1c4d5e6f7081920",
        "metadata": {"department": "心内科", "bed": 7},
        "source": {"kind": "session", "duration_s": 38.0, "speech_s": 24.1, "sample_rate": 16000},
        "labels": {
            "low_background": {
                "title": {"zh": "无明显背景噪声", "en": "No strong background noise"},
                "kind": "quality",
                "score": 0.31,
                "threshold": 0.5,
                "passed": False,
                "weight": 1.0,
                "evidence": {"acoustic": 0.31},
                "failed": [{"start_s": 0.0, "end_s": 21.0}],
            },
            "speech_clear": {
                "title": {"zh": "语音清晰", "en": "Speech is clear"},
                "kind": "quality",
                "score": None,
                "threshold": 0.5,
                "passed": None,
                "weight": 1.0,
                "evidence": NO_EVIDENCE,
                "why": "needs_clap",
            },
            "allergy_history": {
                "title": {"zh": "说明过敏史", "en": "Allergies are stated"},
                "kind": "content",
                "score": 1.0,
                "threshold": 0.5,
                "passed": True,
                "weight": 1.0,
                "evidence": {"transcript": 1.0},
                "state": "denied",
                "heard_at_s": 12.4,
            },
        },
        "overall": {"score": 0.61, "grade": "usable", "passed": False, "verdict": "re-record", "assessed": "2 of 3"},
        "advice": {
            "zh": "背景噪声较大，建议换到安静的地方复录。",
            "en": "Noisy background: please record again in a quiet place.",
        },
        "prompts": ["move_somewhere_quieter"],
        "unusable_spans": [],
        "not_heard": [],
        "not_assessed": ["speech_clear"],
        "interference": [],
        "events": [],
        "measures": {"snr_db": 8.5},
        "windows": [],
        "model": {
            "scorers": ["acoustic"],
            "version": "0.1.0",
            "dictionary": {"name": "telemedicine", "version": "1.0"},
        },
    }
)


def files() -> dict[str, str]:
    """Name to text."""
    resources = {"bundle.json": bundle_of(RESULT, WHEN), "codesystem.json": code_system(__version__)}
    return {name: json.dumps(one, ensure_ascii=False, indent=2) + "\n" for name, one in resources.items()}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
