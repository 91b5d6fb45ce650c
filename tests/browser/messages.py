"""Server messages for the stub, built and checked by the wire's own models, so that they cannot drift from it."""

from typing import Any

from server.wire.result import ResultModel
from server.wire.server import server_messages

QUALITY = {
    "speech_present": ("有人说话", "Someone is speaking", "speak_up"),
    "low_background": ("无背景强干扰", "No strong background noise", "move_somewhere_quieter"),
    "close_enough": ("离话筒够近", "Close enough", "come_closer"),
    "no_clipping": ("无削波失真", "No clipping", "move_back"),
}
SESSION_ID = "a1b2c3d4e5f60718"
OFF = {"source": "microphone", "echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
MEASURES = {"snr_db": 3.1, "speech_dbfs": -25.0, "bandwidth_hz": 7600.0, "speech_ratio": 0.8}


CLOSER = {"zh": "请把手机拿近一点说。", "en": "Please hold the phone a little closer."}
TELEVISION = {"id": "tv", "title": {"zh": "电视声", "en": "Television"}, "score": 0.6}


def cough(start_s: float, end_s: float) -> dict[str, Any]:
    title = {"zh": "咳嗽", "en": "Coughing"}
    return {"id": "coughing", "title": title, "start_s": start_s, "end_s": end_s, "score": 0.5}


def voice(
    voice_id: str, role: str, speech_s: float, *spans: tuple[float, float], faint: bool = False
) -> dict[str, Any]:
    return {
        "id": voice_id,
        "role": role,
        "speech_s": speech_s,
        "speech_dbfs": -41.2 if faint else -25.0,
        "snr_db": None if faint else 30.0,
        "speech_rate_sps": 4.0,
        "faint": faint,
        "spans": [{"start_s": start, "end_s": end} for start, end in spans],
    }


def _checked(message: dict[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = server_messages.validate_python(message).model_dump(mode="json")
    return checked


def _labels() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"id": id_, "title": {"zh": zh, "en": en}, "kind": "quality", "threshold": 0.7, "prompt": prompt}
        for id_, (zh, en, prompt) in QUALITY.items()
    ]
    title = {"zh": "疼痛部位明确", "en": "Pain location stated"}
    made.append({"id": "pain_location", "title": title, "kind": "content", "threshold": 0.7, "prompt": None})
    return made


def started(
    *, next_sample: int = 0, session_id: str = SESSION_ID, resume_ttl_s: float = 60, basic_mode: bool = True
) -> dict[str, Any]:
    return _checked(
        {
            "type": "session.started",
            "session_id": session_id,
            "resume_token": "token",
            "next_sample": next_sample,
            "config": {
                "pace": "realtime",
                "audio": {"encoding": "pcm_s16le", "sample_rate": 16000},
                "capture": OFF,
                "language": "en",
                "vad": "silero",
            },
            "limits": {
                "max_frame_bytes": 65536,
                "max_session_s": 7200,
                "idle_timeout_s": 60,
                "pause_timeout_s": 900,
                "resume_ttl_s": resume_ttl_s,
            },
            "labels": _labels(),
            "scorers": ["acoustic"],
            "basic_mode": basic_mode,
        }
    )


def overall(grade: str, score: float | None, verdict: str | None) -> dict[str, Any]:
    return {"score": score, "grade": grade, "passed": verdict == "accept", "verdict": verdict, "assessed": "4 of 5"}


def update(seq: int, *, low_background: float, grade: str, speech_ratio: float = 0.8, **more: Any) -> dict[str, Any]:
    """A window whose noise label stands at ``low_background``; the others are fine. ``more``: further fields."""
    end_s = seq + 2
    scores = dict.fromkeys(QUALITY, 0.9) | {"low_background": low_background}
    mean = sum(scores.values()) / len(scores)
    verdict = "accept" if grade == "clear" else "re-record"
    labels: dict[str, Any] = {id_: {"score": x, "evidence": {"acoustic": x}} for id_, x in scores.items()}
    labels["pain_location"] = {"score": None, "evidence": {}, "why": "needs_transcript"}
    whole = overall(grade, mean, verdict)
    return _checked(
        {
            "type": "quality.update",
            "seq": seq,
            "window": {
                "start_s": 0,
                "end_s": end_s,
                "start_sample": 0,
                "end_sample": end_s * 16000,
                "partial": end_s < 10,
                "speech_ratio": speech_ratio,
            },
            "labels": labels,
            "recent": scores | {"pain_location": None},
            "session": {"labels": scores, "overall": whole},
            "overall": whole,
            "measures": MEASURES,
            "interference": [],
            "lag_ms": 20,
            **more,
        }
    )


def level(*, speaking: bool = True) -> dict[str, Any]:
    return _checked({"type": "level", "rms_dbfs": -30, "peak_dbfs": -12, "speaking": speaking, "clipping": False})


def prompt(kind: str = "prompt.raised", *, audience: str = "patient") -> dict[str, Any]:
    text = {
        "zh": "周围有点吵，请到安静一点的地方再说。",
        "en": "It is a bit noisy. Please move somewhere quieter.",
    }
    return _checked(
        {"type": kind, "id": "move_somewhere_quieter", "label": "low_background", "text": text, "audience": audience}
    )


def snapshot(*, state: str = "live", with_update: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return _checked(
        {
            "type": "snapshot",
            "session_id": SESSION_ID,
            "state": state,
            "labels": _labels(),
            "scorers": ["acoustic"],
            "basic_mode": True,
            "capture": OFF,
            "language": "en",
            "update": with_update,
            **more,
        }
    )


def result() -> dict[str, Any]:
    """A recording with too much noise."""
    labels: dict[str, Any] = {
        id_: {
            "title": {"zh": zh, "en": en},
            "kind": "quality",
            "score": 0.31 if id_ == "low_background" else 0.9,
            "threshold": 0.7,
            "passed": id_ != "low_background",
            "weight": 1.0,
            "evidence": {},
        }
        for id_, (zh, en, _) in QUALITY.items()
    }
    made = ResultModel.model_validate(
        {
            "id": "r1",
            "source": {"kind": "file", "name": "visit.flac", "duration_s": 12, "speech_s": 9, "sample_rate": 16000},
            "labels": labels,
            "overall": overall("poor", 0.71, "re-record"),
            "advice": {
                "zh": "建议复录：“无背景强干扰”没有达标（0.31）；请换到安静的房间。",
                "en": "Please record again: “No strong background noise” falls short (0.31). Move to a quiet room.",
            },
            "prompts": ["move_somewhere_quieter"],
            "unusable_spans": [{"start_s": 2, "end_s": 6, "why": "low_background"}],
            "not_heard": [],
            "not_assessed": ["pain_location"],
            "interference": [],
            "events": [],
            "measures": MEASURES,
            "windows": [],
            "model": {
                "scorers": ["acoustic"],
                "version": "0",
                "dictionary": {"name": "telemedicine", "version": "1"},
            },
        }
    )
    dumped: dict[str, Any] = made.model_dump(mode="json")
    return dumped


def spoken() -> dict[str, Any]:
    """Content labels of a result that a transcript came with: one stands out, one was denied, one was not heard."""
    rows = {
        "symptom_duration": ("持续时间明确", "Duration stated", "stated", 2.0, "stated"),
        "leg_swelling": ("下肢水肿已说明", "Leg swelling addressed", "denied", None, "any"),
        "waking_breathless": ("夜间阵发性呼吸困难", "Paroxysmal nocturnal dyspnoea", "stated", 67.4, "denied"),
        "pain_location": ("疼痛部位明确", "Pain location stated", "not_heard", None, "any"),
    }
    return {
        id_: {
            "title": {"zh": zh, "en": en},
            "kind": "content",
            "score": None if state == "not_heard" else 0.9,
            "threshold": 0.7,
            "passed": None if state == "not_heard" else True,
            "weight": 1.0,
            "evidence": {},
            "state": state,
            "heard_at_s": at_s,
            "expects": expects,
        }
        for id_, (zh, en, state, at_s, expects) in rows.items()
    }


def said(labels: dict[str, Any], missing: list[str]) -> dict[str, Any]:
    """To observers: what was said so far."""
    return _checked({"type": "said", "labels": labels, "missing": missing})


NOTICE = {"zh": "“很安静”无法评分", "en": "'很安静' cannot be scored", "code": "unscorable_label"}


def ended(
    reason: str = "client", *, labels: dict[str, Any] | None = None, verdict: str | None = None, **more: Any
) -> dict[str, Any]:
    """``labels`` besides those of ``result``; ``verdict`` in place of its own."""
    told = result()
    told |= {"labels": told["labels"] | (labels or {}), **more}
    if verdict is not None:
        told["overall"] |= {"verdict": verdict, "passed": verdict == "accept"}
    return _checked({"type": "session.ended", "reason": reason, "result": told})


def error(code: str) -> dict[str, Any]:
    return _checked({"type": "error", "error": {"type": "session", "code": code, "message": ""}, "request_id": "r"})


def warning(code: str) -> dict[str, Any]:
    return _checked({"type": "warning", "code": code})


def state(name: str) -> dict[str, Any]:
    return _checked({"type": "session.state", "state": name})


def label_sets() -> dict[str, Any]:
    """Of the answer, what the picker reads."""
    sets = (
        ("telemedicine", "远程问诊", "Telemedicine"),
        ("cardiology", "心内科", "Cardiology"),
        ("chronic-followup", "慢病随访", "Chronic disease follow-up"),
    )
    return {
        "default": "telemedicine",
        "label_sets": [{"name": name, "title": {"zh": zh, "en": en}} for name, zh, en in sets],
    }
