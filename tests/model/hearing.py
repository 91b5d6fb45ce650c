"""Real recordings as windows, for the tests of measures."""

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import soundfile

from server.dictionaries import Dictionaries
from server.judge.labels import LabelSet
from server.model.detectors import detector_factory
from server.model.overlap import OverlapNetwork, load_overlap
from server.resources import labels_dir
from server.stream.core import StreamCore
from server.stream.events import Detector, WindowReady
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.values.rows import Column
from server.values.windows import Window

RATE = 16_000
MixLabels = dict[str, dict[str, Any]]  # file name of a mix to its row of labels.json


@lru_cache(maxsize=1)
def silero() -> Callable[[], Detector]:
    return detector_factory("silero")


@lru_cache(maxsize=1)
def overlap_network() -> OverlapNetwork:
    return load_overlap()


@lru_cache(maxsize=1)
def telemedicine() -> LabelSet:
    return Dictionaries.load(labels_dir()).resolve(None)


def windows_of(samples: Float32Array, rate: int = RATE) -> list[Window]:
    """Every window of float32 ``samples`` (-1..1), through the real core and Silero."""
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, rate), silero()(), overlap=overlap_network())
    events = core.receive_pcm(samples.astype("<f4").tobytes()) + core.finish()
    return [event.window for event in events if isinstance(event, WindowReady)]


@lru_cache(maxsize=64)
def samples_of(path: Path) -> Float32Array:
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    return np.asarray(samples, np.float32)


@lru_cache(maxsize=64)
def last_window(path: Path) -> Window:
    return windows_of(samples_of(path))[-1]


def mixer(shared: Path) -> ModuleType:
    """The module that made the labelled mixes."""
    spec = importlib.util.spec_from_file_location("make_mixes", shared / "audio" / "make_mixes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made_rows(n: int, *, level: float = -60.0, speech: float = 0.0) -> Float32Array:
    """Rows of a steady room without speech; the tests write over what they are about."""
    rows = np.zeros((n, len(Column)), np.float32)
    rows[:, [Column.LEVEL_DB, Column.SYLLABLE_DB, Column.LOW_DB, Column.HIGH_DB]] = level
    rows[:, Column.SPEECH] = speech
    rows[:3, Column.SPEECH] = np.maximum(rows[:3, Column.SPEECH], 0.001)
    rows[:, Column.PEAK] = 10 ** (level / 20) * 3
    return rows
