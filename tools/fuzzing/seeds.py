"""What a fuzzer starts from: valid input of each target, made here, never committed."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
FORMATS = (
    ("WAV", "PCM_16"),
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAV", "ULAW"),
    ("WAV", "MS_ADPCM"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("W64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("CAF", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
)
START = {
    "type": "session.start",
    "audio": {"encoding": "pcm_s16le", "sample_rate": 16000},
    "mode": "visit",
    "pace": "fast",
    "capture": {"source": "microphone", "echoCancellation": False, "noiseSuppression": None},
    "labels": [{"label": "low_background", "threshold": 0.5, "weight": 2.0}, {"label": "a dog barks"}],
    "language": "zh-CN",
    "reference": "病例 7",
    "metadata": {"bed": 3, "notes": [None, True, 1.5, {"x": "y"}]},
    "resume": {"session_id": "s", "resume_token": "t"},
}
MESSAGES = (
    START,
    {"type": "audio.gap", "samples": 1600},
    {"type": "far_end", "speaking": True},
    {"type": "labels.update", "labels": "telemedicine, clear_voice"},
    {"type": "prompt.snooze", "id": "speak_up"},
    {"type": "prompt.send", "id": "speak_up"},
    {"type": "prompt.mute", "id": "speak_up"},
    {"type": "audio.pause"},
    {"type": "audio.resume"},
    {"type": "keepalive"},
    {"type": "session.end"},
)
LINES = (
    {"text": "我头疼三天了。", "start_s": 0.0, "end_s": 2.5, "speaker": "patient"},
    {"text": "no", "before": "Any fever?"},
)


def _pcm() -> list[bytes]:
    floats = np.array([0.0, 0.5, -2.0, np.nan, np.inf, 1e-40], "<f4").tobytes()
    return [bytes([encoding, 3]) + floats for encoding in range(4)]


def _texts(values: tuple[object, ...]) -> list[bytes]:
    return [json.dumps(value, ensure_ascii=False).encode() for value in values]


def _labels() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "labels").rglob("*.toml"))]


def _containers() -> list[bytes]:
    rate = 8_000
    tone = 0.3 * np.sin(2 * np.pi * 200 / rate * np.arange(rate // 4))
    made = []
    for channels in (1, 2):
        for kind, subtype in FORMATS:
            file = io.BytesIO()
            soundfile.write(file, np.repeat(tone[:, None], channels, axis=1), rate, format=kind, subtype=subtype)
            made.append(file.getvalue())
    return made


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "pcm": _pcm,
    "wire": lambda: _texts(MESSAGES),
    "labels": _labels,
    "transcript": lambda: _texts(LINES),
    "container": _containers,
}
