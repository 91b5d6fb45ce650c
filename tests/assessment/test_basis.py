"""What is judged, by what was declared of the source."""

import pytest

from server.values.audio import Basis, Capture, CaptureSource

OTHERS = [source for source in CaptureSource if source is not CaptureSource.MICROPHONE]


@pytest.mark.parametrize("source", OTHERS)
def test_other_sources_are_processed_only_where_they_say_so(source: CaptureSource) -> None:
    assert Capture(source).basis is Basis.ROOM
    assert Capture(source, noise_suppression=False, auto_gain_control=False).basis is Basis.ROOM
    assert Capture(source, noise_suppression=True).basis is Basis.AS_HEARD
    assert Capture(source, auto_gain_control=True).basis is Basis.AS_HEARD


def test_a_microphone_is_processed_unless_it_says_otherwise() -> None:
    assert Capture().basis is Basis.AS_HEARD
    assert Capture(noise_suppression=False).basis is Basis.AS_HEARD
    assert Capture(echo_cancellation=True, noise_suppression=False, auto_gain_control=False).basis is Basis.ROOM
