"""Weights that PyTorch wrote are read without it, and nothing else in such a file is believed."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from server.model.small.torch_weights import read_weights


def written(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def repacked(file: bytes, member: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            target.writestr(name, content if name.endswith(member) else source.read(name))
    return made.getvalue()


def test_every_tensor_of_floats_is_read_as_it_was() -> None:
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = OrderedDict(a=whole, turned=whole.T, cut=whole[1:3, 2:], one=torch.tensor(2.5), steps=torch.tensor(7))
    for found in (read_weights(written(tensors)), read_weights(written({"state": tensors, "v": 1}), inside="state")):
        assert list(found) == ["a", "turned", "cut", "one"]
        for name, values in found.items():
            np.testing.assert_array_equal(values, tensors[name].numpy())


class Runs:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize("value", [Runs(), {"a": Runs()}, 3, {"a": torch.nn.Linear(2, 2)}])
def test_what_is_no_tensor_is_refused_and_not_run(value: Any) -> None:
    with pytest.raises(ValueError, match="weights"):
        read_weights(written(value))


def test_a_tensor_that_says_it_is_larger_than_its_numbers_is_refused() -> None:
    """With steps of 0 some bytes stand for a quarter of a terabyte, which would be laid out in memory."""
    with pytest.raises(ValueError, match="larger than its numbers"):
        read_weights(written({"a": torch.ones(1).expand(1 << 36)}))


def test_a_damaged_file_is_refused() -> None:
    good = written({"a": torch.ones(100)})
    for bad in (b"", good[:200], repacked(good, "data/0", b"\0" * 40), repacked(good, "data.pkl", pickle.dumps([1]))):
        with pytest.raises(ValueError, match="weights"):
            read_weights(bad)
