"""DNSMOS's graph in parts: the same ratings, none of its layers whole."""

from math import prod
from pathlib import Path

import numpy as np
import onnx
import pytest

from server.model.dnsmos import INPUT_SAMPLES, load_dnsmos_session
from server.model.dnsmos_graph import graph_in_parts
from server.model.onnx import one_thread_session
from tests.model.hearing import samples_of
from tests.model.published import published


def test_ratings_are_those_of_the_published_graph_to_the_last_bit(mixes: Path) -> None:
    whole = one_thread_session(published())
    parts = load_dnsmos_session()
    rng = np.random.default_rng(0)
    heard = [samples_of(path) for path in sorted(mixes.glob("*.flac"))[::25]]
    for pcm in [*heard, rng.normal(0, 0.1, INPUT_SAMPLES), np.zeros(INPUT_SAMPLES)]:
        given = {"input_1": np.resize(np.asarray(pcm, np.float32), INPUT_SAMPLES)[np.newaxis]}
        np.testing.assert_array_equal(parts.run(None, given)[0], whole.run(None, given)[0])


def test_no_layer_takes_more_than_a_tenth_of_the_largest_published_one() -> None:
    assert _largest(graph_in_parts(published())) < 0.1 * _largest(published())


@pytest.mark.parametrize("number", [1, 2, 7])
def test_any_number_of_parts_gives_the_same(number: int) -> None:
    given = {"input_1": np.random.default_rng(1).normal(0, 0.1, (1, INPUT_SAMPLES)).astype(np.float32)}
    whole, parts = one_thread_session(published()), one_thread_session(graph_in_parts(published(), number))
    np.testing.assert_array_equal(parts.run(None, given)[0], whole.run(None, given)[0])


@pytest.mark.parametrize("name", ["pads", "strides", "kernel_shape"])
def test_a_graph_with_other_neighbourhoods_is_refused(name: str) -> None:
    model = onnx.load_model_from_string(published())
    pooled = next(at for at, node in enumerate(model.graph.node) if node.op_type == "MaxPool")
    last = [node for node in model.graph.node[:pooled] if node.op_type == "Conv"][-1]
    (sizes,) = (attribute.ints for attribute in last.attribute if attribute.name == name)
    sizes[:] = [5] * len(sizes)
    with pytest.raises(ValueError, match="not DNSMOS"):
        graph_in_parts(model.SerializeToString())


def test_another_graph_is_refused() -> None:
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    told = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    other = onnx.helper.make_model(onnx.helper.make_graph([node], "other", [value], [told]))
    with pytest.raises(ValueError, match="not DNSMOS"):
        graph_in_parts(other.SerializeToString())


def _largest(graph: bytes) -> int:
    """Values of the largest tensor between two nodes, of one window."""
    inferred = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    shapes = [one.type.tensor_type.shape.dim for one in inferred.graph.value_info]
    maps = [[size.dim_value for size in shape[1:]] for shape in shapes if len(shape) == 4]
    assert len(maps) > 10
    assert all(min(sizes) > 0 for sizes in maps), "a size that is not known would count for nothing"
    return max(int(prod(sizes)) for sizes in maps)
