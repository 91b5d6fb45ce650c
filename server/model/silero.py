"""Silero VAD (MIT) in ONNX Runtime: blocks of 32 ms frames, one shared session, separate memory for each stream.

The model file lies beside this module, because the ``silero-vad`` package cannot be installed without torch: it is
``silero_vad_openvino_16k.onnx`` of silero-vad 6.2.3, unchanged (docs/decisions/0012-silero-in-the-repository.md).
"""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from server.model.onnx import one_thread_session
from server.model.silero_graph import HIDDEN, PLACES, SPECTRUM_SAMPLES, block_graph
from server.values.audio import Float32Array

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODEL_FILE = Path(__file__).with_name("silero_vad_16k.onnx")
"""The network for 16 kHz only. Its probabilities equal those of the package's ``silero_vad.onnx`` within 1e-6."""

FRAME_SAMPLES = 512
"""Fixed by the model since version 5, at 16 kHz."""

CONTEXT_SAMPLES = 64
"""The model also gets the end of the previous frame (``OnnxWrapper`` of silero-vad 5 and 6)."""

_STATE_SHAPE = (2, 1, HIDDEN)

_OUTPUTS = ["speech", "state_out"]

_REFLECTED = 64
"""The model mirrors so many samples at the end of a frame, without the last one."""

_HEARD = CONTEXT_SAMPLES + FRAME_SAMPLES
_PADDED = _HEARD + _REFLECTED
_STRIDES = tuple(4 * samples for samples in (_PADDED, SPECTRUM_SAMPLES // 2, 1))


def load_silero_session() -> "InferenceSession":
    """One ONNX Runtime session over ``block_graph``, with one thread; all streams and threads may share it."""
    session: InferenceSession = one_thread_session(block_graph(MODEL_FILE.read_bytes()), keep_memory=True)
    return session


class SileroDetector:
    """The Detector of one stream: its own recurrent state and 64 samples of context; the session is shared."""

    name = "silero"
    frame_samples = FRAME_SAMPLES

    def __init__(self, session: "InferenceSession") -> None:
        self._session = session
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)

    def push(self, frames: Float32Array) -> Float32Array:
        """Speech probability 0..1 of each frame, float32 ``(n,)``; ``frames``: float32 ``(n, 512)``, 16 kHz, levelled.

        How many frames come at a time changes nothing.
        """
        n = frames.shape[0]
        heard = np.empty((n, _PADDED), np.float32)
        heard[0, :CONTEXT_SAMPLES] = self._context
        heard[1:, :CONTEXT_SAMPLES] = frames[:-1, -CONTEXT_SAMPLES:]
        heard[:, CONTEXT_SAMPLES:_HEARD] = frames
        heard[:, _HEARD:] = heard[:, _HEARD - 2 : _HEARD - 2 - _REFLECTED : -1]
        self._context = frames[-1, -CONTEXT_SAMPLES:].copy()
        stretches = np.ndarray((n, PLACES, SPECTRUM_SAMPLES), np.float32, heard, 0, _STRIDES)
        speech, self._state = self._session.run(_OUTPUTS, {"stretches": stretches, "state": self._state})
        return np.asarray(speech[:, 0])

    def snapshot(self) -> dict[str, Any]:
        """The network's state and the end of the last frame, base64 in JSON values."""
        return {"state": _encode(self._state), "context": _encode(self._context)}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where ``snapshot`` was taken. Raises KeyError, TypeError or ValueError for anything else."""
        self._state = _decode(state["state"]).reshape(_STATE_SHAPE)
        self._context = _decode(state["context"]).reshape(CONTEXT_SAMPLES)


def _encode(array: Float32Array) -> str:
    """float32, little endian, base64: exact, and a third of the digits."""
    return base64.b64encode(array.astype("<f4").tobytes()).decode("ascii")


def _decode(text: str) -> Float32Array:
    values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("the detector's state contains NaN or Infinity")
    return values
