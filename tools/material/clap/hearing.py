"""Runs a sound through our complete path: core, mel tracker, tower, text cache, evidence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from server.judge.labels import LabelSet
from server.model.clap.mel import MelTracker
from server.model.clap.scorer import ClapScorer
from server.scoring.ports import ScoreRequest
from server.stream.core import StreamCore
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding, Float32Array
from server.values.windows import Window
from tools.material.clap.sounds import KINDS, RATE

FILE = Capture(source=CaptureSource.FILE)


class _EverythingIsSpeech:
    """A ``Detector``: speech does not matter for these sounds."""

    name = "everything"
    frame_samples = 512

    def push(self, frames: Float32Array) -> Float32Array:
        return np.ones(frames.shape[0], np.float32)

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        assert not state


def windows_of(pcm: Float32Array, rate: int = RATE, chunk: int = 19_200) -> list[Window]:
    """Every window of a stream of mono float32 samples, sent in chunks of that many bytes."""
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, rate), _EverythingIsSpeech(), [MelTracker()])
    data = pcm.astype("<f4").tobytes()
    events = [event for at in range(0, len(data), chunk) for event in core.receive_pcm(data[at : at + chunk])]
    return [event.window for event in [*events, *core.finish()] if isinstance(event, WindowReady)]


def evidence(scorer: ClapScorer, windows: Sequence[Window], labels: LabelSet) -> np.ndarray:
    """Evidence of each label for each window: float64 ``(windows, labels)``, 0..1."""
    replies = scorer.score([ScoreRequest(window, labels, FILE) for window in windows])
    return np.array([[reply.opinions[label.id].value for label in labels.labels] for reply in replies], np.float64)


def accuracy(told: np.ndarray, kinds: Sequence[str]) -> float:
    """How often the label with the most evidence is the sound's kind; ``told``: from ``evidence``, for KINDS."""
    return float(np.mean([KINDS[best] == kind for best, kind in zip(told.argmax(1), kinds, strict=True)]))


def areas(told: np.ndarray, kinds: Sequence[str]) -> Mapping[str, float]:
    """Area under the ROC curve of each label: how often a sound of its kind has more evidence than another sound."""
    found = {}
    for column, kind in enumerate(KINDS):
        mine = np.array([other == kind for other in kinds])
        more = told[mine, column][:, None] - told[~mine, column][None, :]
        found[kind] = float(((more > 0) + 0.5 * (more == 0)).mean())
    return found
