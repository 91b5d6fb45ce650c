"""Long digital silence in a recording, gathered so that it costs little: a small file may hold hours of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from server.recording.decode import Gap
from server.values.audio import Float32Array

GATHERED_S = 10
"""Silence is handed on in pieces of so many seconds at most: a step of the core stays short."""


@dataclass(frozen=True, slots=True)
class Silence:
    """``samples`` exact zeros, counted at the delivered rate."""

    samples: int


Block: TypeAlias = Float32Array | Gap | bool


def gathered(blocks: Iterator[Block], sample_rate: int) -> Iterator[Block | Silence]:
    """``blocks``, with those of zeros alone joined. Nothing changes its place."""
    held = 0
    for block in blocks:
        silent = isinstance(block, np.ndarray) and block.size and not block.any()
        held += block.shape[0] if silent and isinstance(block, np.ndarray) else 0
        if held and (not silent or held >= GATHERED_S * sample_rate):
            yield Silence(held)
            held = 0
        if not silent:
            yield block
    if held:
        yield Silence(held)
