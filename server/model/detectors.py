"""Creates the voice activity detectors of streams."""

from collections.abc import Callable
from typing import Literal, assert_never

from server.model.silero import SileroDetector, load_silero_session
from server.model.webrtc import WebRtcDetector

DetectorName = Literal["silero", "webrtc"]


def detector_factory(name: DetectorName) -> Callable[[], SileroDetector | WebRtcDetector]:
    """Load once what all streams share, and return a function that creates the detector of one stream."""
    match name:
        case "silero":
            session = load_silero_session()
            return lambda: SileroDetector(session)
        case "webrtc":
            return WebRtcDetector
        case _:
            assert_never(name)
