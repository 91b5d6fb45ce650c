"""What the talker models are asked and answer: values that cross the port to wherever they run."""

from dataclasses import dataclass, field

import numpy as np

from server.values.audio import Float32Array
from server.values.rows import BoolArray
from server.values.voices import HeardTalker

NOBODY_ASKED: Float32Array = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class TalkRequest:
    """Some seconds of a stream, in rows of 10 ms. ``pcm``: float32 ``(160 rows,)`` at 16 kHz, -1..1. ``new``: how many
    rows at its end are asked about; those before are there to know the voices by. ``syllable_db``: float32
    ``(rows,)``, as ``Column.SYLLABLE_DB``. ``spoke``: for each voice known so far, bool ``(rows - new,)``, where it was
    heard in the rows before: a talker who clearly goes on need not be known anew."""

    pcm: Float32Array = field(repr=False)
    new: int
    syllable_db: Float32Array = field(repr=False)
    spoke: tuple[BoolArray, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Talk:
    """``talkers``: who speaks in the new rows, three at most. ``together``: float32 ``(new,)``, how likely two of them
    speak at once, 0..1. ``nuclei``: bool ``(new,)``, where a syllable has its middle, whoever says it."""

    talkers: tuple[HeardTalker, ...]
    together: Float32Array = field(repr=False)
    nuclei: BoolArray = field(repr=False)
