"""Silero VAD (MIT) in ONNX Runtime: 32 ms frames, one shared session, separate memory for each stream.

The model file lies beside this module, because the ``silero-vad`` package cannot be installed without torch: it is
``silero_vad_openvino_16k.onnx`` of silero-vad 6.2.3, unchanged (docs/decisions/0012-silero-in-the-repository.md).
"""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from server.model.onnx import load_onnxruntime
from server.values.audio import Float32Array

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODEL_FILE = Path(__file__).with_name("silero_vad_16k.onnx")
"""The network for 16 kHz only. Its probabilities equal those of the package's ``silero_vad.onnx`` within 1e-6."""

FRAME_SAMPLES = 512
"""Fixed by the model since version 5, at 16 kHz."""

CONTEXT_SAMPLES = 64
"""The model also gets the end of the previous frame (``OnnxWrapper`` of silero-vad 5 and 6)."""

_STATE_SHAPE = (2, 1, 128)


def load_silero_session() -> "InferenceSession":
    """One ONNX Runtime session with one thread; it may be shared by all streams and threads."""
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session: InferenceSession = onnxruntime.InferenceSession(
        str(MODEL_FILE), options, providers=["CPUExecutionProvider"]
    )
    return session


class SileroDetector:
    """The Detector of one stream: its own recurrent state and 64 samples of context; the session is shared."""

    name = "silero"
    frame_samples = FRAME_SAMPLES

    def __init__(self, session: "InferenceSession") -> None:
        self._session = session
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        self._input = np.zeros((1, CONTEXT_SAMPLES + FRAME_SAMPLES), np.float32)

    def push(self, frame: Float32Array) -> float:
        """Speech probability 0..1 of one frame, float32 ``(512,)`` at 16 kHz, levelled."""
        window = self._input
        window[0, :CONTEXT_SAMPLES] = window[0, FRAME_SAMPLES:]
        window[0, CONTEXT_SAMPLES:] = frame
        output, self._state = self._session.run(None, {"input": window, "state": self._state})
        return float(output[0, 0])

    def snapshot(self) -> dict[str, Any]:
        """The network's state and the end of the last frame, base64 in JSON values."""
        return {"state": _encode(self._state), "context": _encode(self._input[0, FRAME_SAMPLES:])}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where ``snapshot`` was taken. Raises KeyError, TypeError or ValueError for anything else."""
        self._state = _decode(state["state"]).reshape(_STATE_SHAPE)
        self._input[0, FRAME_SAMPLES:] = _decode(state["context"]).reshape(CONTEXT_SAMPLES)


def _encode(array: Float32Array) -> str:
    """float32, little endian, base64: exact, and a third of the digits."""
    return base64.b64encode(array.astype("<f4").tobytes()).decode("ascii")


def _decode(text: str) -> Float32Array:
    values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("the detector's state contains NaN or Infinity")
    return values
