"""DNSMOS P.835: an estimate of how people would rate signal, background and overall, each 1..5.

Reddy, Gopal, Cutler: "DNSMOS P.835: A Non-Intrusive Perceptual Objective Speech Quality Metric to Evaluate Noise
Suppressors" (ICASSP 2022). The ONNX model is the one inside the ``speechmos`` package, found by its installed files;
the package itself is never imported (it needs librosa). The polynomials are those of ``speechmos/dnsmos.py``.
"""

import logging
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np

from server.model.dnsmos_graph import graph_in_parts
from server.model.onnx import one_thread_session
from server.values.audio import CORE_RATE, Float32Array
from server.values.measures import Mos
from server.values.rows import Column, dropout_runs, is_gap, is_silent, is_speech
from server.values.windows import Window

log = logging.getLogger(__name__)

MODEL_FILE = "speechmos/dnsmos_models/sig_bak_ovr.onnx"

INPUT_SAMPLES = int(9.01 * CORE_RATE)
"""The model's fixed input: 9.01 s, 144,160 samples."""

LEVEL_DBFS = -26.0
"""Active speech level (ITU-T P.56's usual nominal level) that the input is brought to; ratings move with level."""

LOWEST_SPEECH_DBFS = -65.0
"""Below this level, levelling would amplify 16-bit quantisation noise so much that it is rated as room noise."""

LEAST_SPEECH_S = 0.5
MOST_LOST_RATIO = 0.10
"""With more digital silence in the speech or more network gaps than this, the rating would reflect the gaps."""

MOST_SILENT_RATIO = 0.5

# Coefficients, highest power first, from speechmos/dnsmos.py (not the personalised model).
SIGNAL_POLYNOMIAL = (-0.08397278, 1.22083953, 0.0052439)
BACKGROUND_POLYNOMIAL = (-0.13166888, 1.60915514, -0.39604546)
OVERALL_POLYNOMIAL = (-0.06766283, 1.11546468, 0.04602535)


def load_dnsmos_session() -> Any:
    """An onnxruntime InferenceSession with one thread; may be shared by threads.

    Raises FileNotFoundError if the ``speechmos`` package lacks the model.
    """
    found = [file for file in files("speechmos") or () if file.as_posix() == MODEL_FILE]
    if not found:
        raise FileNotFoundError(MODEL_FILE)
    published = Path(str(found[0].locate())).read_bytes()
    try:
        return one_thread_session(graph_in_parts(published), keep_memory=True)
    except ValueError as error:
        log.warning("DNSMOS takes 80 MB more than usual: %s", error)
        return one_thread_session(published)


def repeated(pcm: Float32Array) -> Float32Array:
    """The model's input: ``pcm`` doubled until it is long enough, as the reference does, then its first 9.01 s."""
    assert pcm.size
    while pcm.shape[0] < INPUT_SAMPLES:
        pcm = np.concatenate((pcm, pcm))
    return pcm[:INPUT_SAMPLES]


def is_trustworthy(window: Window) -> bool:
    """Whether the window has enough of the patient's speech, loud and unbroken enough, for a meaningful rating."""
    rows = window.rows
    n = rows.shape[0]
    if n == 0 or window.speech_s < LEAST_SPEECH_S or not window.is_patients:
        return False
    lost = int(np.diff(dropout_runs(rows), axis=1).sum()) + int(np.count_nonzero(is_gap(rows)))
    if lost > MOST_LOST_RATIO * n or np.count_nonzero(is_silent(rows)) > MOST_SILENT_RATIO * n:
        return False
    return active_level(rows) >= LOWEST_SPEECH_DBFS


def active_level(rows: Float32Array) -> float:
    """Mean power of the speech rows, dBFS; -120 without any."""
    levels = rows[is_speech(rows), Column.LEVEL_DB].astype(np.float64)
    return float(10.0 * np.log10(np.mean(10.0 ** (levels / 10.0)))) if levels.size else -120.0


class DnsMos:
    """``scoring.scorers.MosModel``: rates a window in about 0.2 s, or returns ``None`` if a rating would mislead."""

    def __init__(self, session: Any) -> None:
        """``session``: from ``load_dnsmos_session``."""
        self._session = session

    def score(self, window: Window) -> Mos | None:
        """Rate ``window.pcm``, levelled to -26 dBFS and without direct current; a shorter window is repeated."""
        if not is_trustworthy(window):
            return None
        pcm = window.pcm - np.float32(window.pcm.mean(dtype=np.float64))
        gain = 10.0 ** ((LEVEL_DBFS - active_level(window.rows)) / 20.0)
        signal, background, overall = self.rate(np.clip(pcm * np.float32(gain), -1.0, 1.0))
        return Mos(signal=signal, background=background, overall=overall, end_sample=window.end_sample)

    def rate(self, pcm: Float32Array) -> tuple[float, float, float]:
        """Signal, background and overall, each 1..5, of float32 16 kHz ``pcm`` in -1..1, as it is."""
        raw = self._session.run(None, {"input_1": repeated(pcm)[np.newaxis].astype(np.float32)})[0][0]
        polynomials = (SIGNAL_POLYNOMIAL, BACKGROUND_POLYNOMIAL, OVERALL_POLYNOMIAL)
        signal, background, overall = (
            float(np.clip(np.polyval(polynomial, float(value)), 1.0, 5.0))
            for polynomial, value in zip(polynomials, raw, strict=True)
        )
        return signal, background, overall
