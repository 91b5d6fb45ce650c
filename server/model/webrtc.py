"""WebRTC's voice activity detector (BSD): 30 ms frames, cheap, but bad at telling noise from speech."""

from typing import Any

import numpy as np
import webrtcvad

from server.values.audio import CORE_RATE, Float32Array

FRAME_SAMPLES = 480
"""30 ms, the longest frame it takes: the fewest decisions, the steadiest of them."""

MODE = 3
"""The most reluctant of its four modes (0–3); all call most noise speech (docs/decisions/0002-vad.md)."""


class WebRtcDetector:
    """The Detector of one stream. Its answer is yes (1.0) or no (0.0).

    The library keeps its memory (a noise model of some seconds) to itself: ``snapshot`` is empty, and after
    ``restore`` it learns the noise again. A resumed stream may so differ from an unbroken one in its first seconds;
    with Silero it does not.
    """

    name = "webrtc"
    frame_samples = FRAME_SAMPLES

    def __init__(self, mode: int = MODE) -> None:
        self._vad = webrtcvad.Vad(mode)

    def push(self, frame: Float32Array) -> float:
        """1.0 for speech, 0.0 for none, of one frame: float32 ``(480,)`` at 16 kHz, levelled, -1..1."""
        assert frame.shape == (FRAME_SAMPLES,), frame.shape
        pcm = np.rint(np.clip(frame, -1.0, 1.0) * np.float32(32767.0)).astype("<i2")
        return 1.0 if self._vad.is_speech(pcm.tobytes(), CORE_RATE) else 0.0

    def snapshot(self) -> dict[str, Any]:
        """Nothing: the library does not give its state away, and is as new after a restore."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Starts afresh; raises ValueError if ``state`` is not empty."""
        if state:
            raise ValueError("the webrtc detector has no state to restore")
