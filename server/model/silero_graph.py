"""Silero's graph over blocks of frames, built from the published one that takes a single frame.

At 31 calls a second most of the cost of the published graph is the calls and convolutions over four places. The same
weights are laid out here as products of matrices over all frames of a block; only the recurrent layer goes frame by
frame. Equal to the published graph within 5e-6, and to the last bit whatever the size of the blocks, because each row
of a product is summed in the same order (tests/model/test_detectors.py holds both).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from server.model.graph_writer import GraphWriter

PLACES = 4
"""Spectra of each frame, 128 samples apart."""
SPECTRUM_SAMPLES = 256
BINS = SPECTRUM_SAMPLES // 2 + 1
HIDDEN = 128

Array = npt.NDArray[np.float32]


def block_graph(published: bytes) -> bytes:
    """The graph for ``n`` frames at once, as ONNX. Needs the package ``onnx``.

    Input ``stretches``, float32 ``(n, 4, 256)``: of each frame the stretches whose spectra it reads. Input ``state``,
    float32 ``(2, 1, 128)``: zeros at a stream's start. Outputs ``speech``, float32 ``(n, 1)``, 0..1, and ``state_out``.
    Raises ValueError if ``published`` is another graph.
    """
    import onnx  # noqa: PLC0415 - only where a graph is made

    try:
        weights = _weights(onnx.load_model_from_string(published))
        built = _build(weights)
        onnx.checker.check_model(built)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"This is not Silero's graph for one frame: {error}.") from error
    return bytes(built.SerializeToString())


def _weights(model: Any) -> dict[str, Array]:
    """The constants with names, by what follows the last ``__`` of the name."""
    from onnx import numpy_helper  # noqa: PLC0415 - as above

    constants = [node for node in model.graph.node if node.op_type == "Constant"]
    return {node.output[0].rsplit("__", 1)[-1]: numpy_helper.to_array(node.attribute[0].t) for node in constants}


def _build(weights: dict[str, Array]) -> Any:
    to = GraphWriter()
    to.begins_with("stretches", ["frames", PLACES, SPECTRUM_SAMPLES])
    to.begins_with("state", [2, 1, HIDDEN])
    to.ends_with("speech", ["frames", 1])
    to.ends_with("state_out", [2, 1, HIDDEN])
    x = _encoded(to, weights, _magnitudes(to, weights["stft.forward_basis_buffer"]))
    _decoded(to, weights, x)
    return to.model("silero")


def _magnitudes(to: GraphWriter, basis: Array) -> str:
    """Of the stretches: ``(n, 4, 129)``. ``basis``: ``(258, 1, 256)``, real parts before imaginary parts."""
    parts = to.op("MatMul", "stretches", to.constant(basis[:, 0, :].T))
    return to.op("ReduceL2", to.op("Reshape", parts, to.whole(0, 0, 2, BINS)), axes=[2], keepdims=0)


def _encoded(to: GraphWriter, weights: dict[str, Array], x: str) -> str:
    """Four convolutions over the places, three wide with one place of zeros around: ``(n, 128)``.

    Their strides are 1, 2, 2 and 1, so that 4, 2, 1 and 1 places are left, which lie beside each other in a row.
    """
    (first, second, third, fourth), biases = zip(*(_convolution(weights, place) for place in range(4)), strict=True)
    padded = to.op("Pad", x, to.whole(0, 1, 0, 0, 1, 0))
    threes = to.op("Gather", padded, to.constant(np.add.outer(np.arange(PLACES), np.arange(3))), axis=1)
    x = _layer(to, to.op("Reshape", threes, to.whole(-1, 3 * BINS)), first.reshape(3 * BINS, -1), biases[0])
    width, out = second.shape[1:]
    both = np.zeros((PLACES, width, 2, out), np.float32)
    both[:2, :, 0], both[1:, :, 1] = second[1:], second
    x = to.op("Reshape", x, to.whole(-1, PLACES * width))
    x = _layer(to, x, both.reshape(PLACES * width, 2 * out), np.tile(biases[1], 2))
    x = _layer(to, x, third[1:].reshape(-1, third.shape[2]), biases[2])
    return _layer(to, x, fourth[1], biases[3])


def _convolution(weights: dict[str, Array], place: int) -> tuple[Array, Array]:
    """Kernel ``(3, inputs, outputs)`` and bias."""
    name = f"encoder.{place}.reparam_conv"
    return weights[f"{name}.weight"].transpose(2, 1, 0), weights[f"{name}.bias"]


def _layer(to: GraphWriter, x: str, kernel: Array, bias: Array) -> str:
    return to.op("Relu", to.op("Gemm", x, to.constant(kernel), to.constant(bias)))


def _decoded(to: GraphWriter, weights: dict[str, Array], x: str) -> None:
    kernel, recurrence = (_gates(weights[f"decoder.rnn.weight_{part}"]) for part in ("ih", "hh"))
    bias = np.concatenate([_gates(weights[f"decoder.rnn.bias_{part}"]) for part in ("ih", "hh")])
    series = to.op("Reshape", x, to.whole(-1, 1, HIDDEN))
    hidden, cell = to.split("state", axis=0)
    arrays = [to.constant(array[np.newaxis]) for array in (kernel, recurrence, bias)]
    told, *last = outputs = [to.name("lstm") for _ in range(3)]
    to.op("LSTM", series, *arrays, "", hidden, cell, outputs=outputs, hidden_size=HIDDEN)
    to.op("Concat", *last, outputs=["state_out"], axis=0)
    x = to.op("Relu", to.op("Reshape", told, to.whole(-1, HIDDEN)))
    kernel, bias = weights["decoder.decoder.2.weight"][:, :, 0].T, weights["decoder.decoder.2.bias"]
    to.op("Sigmoid", to.op("Gemm", x, to.constant(kernel), to.constant(bias)), outputs=["speech"])


def _gates(array: Array) -> Array:
    """From PyTorch's order of the gates (input, forget, cell, output) to that of ONNX (input, output, forget, cell)."""
    enter, forget, cell, leave = np.split(array, 4)
    return np.concatenate((enter, leave, forget, cell))
