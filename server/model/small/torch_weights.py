"""Reads the weights in a file that PyTorch wrote, without PyTorch, and without running anything that is in the file.

The format (``torch.save`` since 1.6): a ZIP with a pickle of the structure and one member of raw numbers for each
tensor. The pickle may name nothing but tensors and containers here; anything else is refused, so that no file can run
code.
"""

import io
import math
import pickle  # noqa: TID251 - PyTorch's format; nothing but the names below can be made of it
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_MISFITS = (LookupError, TypeError, ValueError, AttributeError, EOFError)
_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}

Array = npt.NDArray[np.float32]


def read_weights(file: bytes, *, inside: str | None = None) -> dict[str, Array]:
    """Name to float32 array of every tensor of floats, in a dictionary of tensors or in its entry ``inside``.

    Raises ValueError if ``file`` is anything else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            place = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            found = _Tensors(archive, place).load()
        tensors = found if inside is None else found[inside]
        return {str(name): one for name, one in tensors.items() if isinstance(one, np.ndarray) and one.dtype == "<f4"}
    except (zipfile.BadZipFile, pickle.UnpicklingError, StopIteration, *_MISFITS) as error:
        raise ValueError(f"These are no weights that PyTorch wrote: {error!r}.") from error


@dataclass(frozen=True, slots=True)
class _Storage:
    """A kind of numbers, as ``persistent_load`` is asked for it."""

    dtype: str


class _Tensors(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, place: str) -> None:
        super().__init__(io.BytesIO(archive.read(place)))
        self._archive, self._folder = archive, place.removesuffix("data.pkl") + "data/"

    def find_class(self, module: str, name: str) -> Any:
        """See ``pickle.Unpickler``. The only names that a file of weights needs."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _Storage(_TYPES[name])
        raise pickle.UnpicklingError(f"{module}.{name} is no part of weights")

    def persistent_load(self, pid: Any) -> npt.NDArray[Any]:
        """See ``pickle.Unpickler``: the numbers of one tensor, or of several that share them."""
        _, storage, key, _, count = pid
        return np.frombuffer(self._archive.read(f"{self._folder}{key}"), storage.dtype, count)


def _tensor(
    numbers: npt.NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> npt.NDArray[Any]:
    size = numbers.itemsize
    needed = offset + 1 + sum((one - 1) * step for one, step in zip(shape, strides, strict=True)) if all(shape) else 0
    if max(needed, math.prod(shape)) > numbers.size or min((offset, *strides, *shape), default=0) < 0:
        raise pickle.UnpicklingError("a tensor is larger than its numbers")
    view = np.lib.stride_tricks.as_strided(numbers[offset:], shape, [step * size for step in strides])
    return np.ascontiguousarray(view).reshape(shape)
