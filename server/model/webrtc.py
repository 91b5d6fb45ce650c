"""WebRTC's voice activity detector (BSD): 30 ms frames, cheap, but takes most noise for speech."""

from typing import Any

import numpy as np
import webrtcvad

from server.values.audio import CORE_RATE, Float32Array

FRAME_SAMPLES = 480
"""30 ms, its longest frame, which gives the fewest and steadiest decisions."""

MODE = 3
"""The strictest of its four modes (0–3); all take most noise for speech (docs/decisions/0002-vad.md)."""


class WebRtcDetector:
    """The Detector of one stream. It answers 1.0 (speech) or 0.0.

    The library does not expose its memory (a noise model of some seconds): ``snapshot`` is empty, and after
    ``restore`` it learns the noise again. So a resumed stream may differ from an unbroken one in its first seconds;
    with Silero it does not.
    """

    name = "webrtc"
    frame_samples = FRAME_SAMPLES

    def __init__(self, mode: int = MODE) -> None:
        self._vad = webrtcvad.Vad(mode)

    def push(self, frames: Float32Array) -> Float32Array:
        """1.0 for speech, 0.0 for none, of each frame: float32 ``(n, 480)`` at 16 kHz, levelled, -1..1."""
        assert frames.shape[1:] == (FRAME_SAMPLES,), frames.shape
        pcm = np.rint(np.clip(frames, -1.0, 1.0) * np.float32(32767.0)).astype("<i2")
        return np.array([self._vad.is_speech(frame.tobytes(), CORE_RATE) for frame in pcm], np.float32)

    def snapshot(self) -> dict[str, Any]:
        """Empty: the library does not expose its state and starts afresh after a restore."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Start afresh; raises ValueError if ``state`` is not empty."""
        if state:
            raise ValueError("the webrtc detector has no state to restore")
