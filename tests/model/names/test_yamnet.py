"""The graph gives what the network gives, from either kind of file; the mel is TensorFlow's; nothing else is read."""

import numpy as np
import pytest

from server.model.names.layers import CLASSES, yamnet_graph
from server.model.names.mel import PATCH_SAMPLES, log_mel
from server.model.names.tflite import read_tflite
from server.model.onnx import one_thread_session
from tests.model.names.toy_yamnet import RELU, RELU6, drawn, scores, tflite

RNG = np.random.default_rng(3)
TOY = drawn(1)


@pytest.mark.parametrize(("whole", "activation"), [(True, RELU6), (False, RELU)], ids=["whole_numbers", "floats"])
def test_the_graph_gives_what_the_network_gives(whole: bool, activation: int) -> None:
    net = read_tflite(tflite(TOY, whole=whole, activation=activation))
    patches = (RNG.standard_normal((3, 96, 64)) * 2 - 2).astype(np.float32)
    (told,) = one_thread_session(yamnet_graph(net)).run(None, {"patches": patches})
    assert told.shape == (3, CLASSES)
    np.testing.assert_allclose(told, scores(TOY, patches, six=activation == RELU6), atol=2e-4)
    assert np.ptp(told, axis=0).max() > 0.01, "or nothing was compared"


def test_outputs_end_at_six_only_where_the_file_says_so() -> None:
    assert read_tflite(tflite(TOY, whole=False, activation=RELU6)).six
    assert not read_tflite(tflite(TOY, whole=False, activation=RELU)).six


def test_anything_else_is_refused() -> None:
    file = tflite(TOY, whole=True, activation=RELU6)
    for other in (b"", b"TFL3", bytes(40), b"\x1c\0\0\0TFL3" + bytes(60), b"PK" + file[2:4] + b"nope" + file[8:]):
        with pytest.raises(ValueError, match="not YAMNet"):
            read_tflite(other)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_refused(part: float) -> None:
    file = tflite(TOY, whole=True, activation=RELU6)
    with pytest.raises(ValueError, match="not YAMNet"):
        read_tflite(file[: int(len(file) * part)])


def test_the_mel_is_that_of_tensorflow() -> None:
    pcm = (RNG.standard_normal(PATCH_SAMPLES) * 0.05).astype(np.float32)
    found = log_mel(pcm)
    assert found.shape == (96, 64)
    # As features.py of TensorFlow Models spells it out, row by row and band by band, in float64.
    hann = [0.5 - 0.5 * np.cos(2 * np.pi * n / 400) for n in range(400)]
    mels = [1127 * np.log(1 + bin_ * 16_000 / 512 / 700) for bin_ in range(257)]
    edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    for row in (0, 40, 95):
        spectrum = np.abs(np.fft.rfft(pcm[row * 160 : row * 160 + 400] * np.array(hann), 512))
        for band in (0, 31, 63):
            left, centre, right = edges[band : band + 3]
            heights = [max(0.0, min((mel - left) / (centre - left), (right - mel) / (right - centre))) for mel in mels]
            assert found[row, band] == pytest.approx(np.log(spectrum @ np.array(heights) + 0.001), abs=1e-4)


def test_silence_is_the_offset() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(PATCH_SAMPLES, np.float32)), np.log(0.001), atol=1e-6)
