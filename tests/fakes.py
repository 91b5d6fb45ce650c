"""Fakes that several tests share. Each says why it is fake; none imitates more than its contract."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from server.assessment.scorers import ScoreReply, ScoreRequest
from server.values import Column, EvidenceKind, Float32Array, Measures, Mos, Opinion, Why, Window


class FakeScorer:
    """A scorer whose opinions follow from the window alone. Fake because the real ones cost 10 ms and more a window.

    ``gate`` (set by default) lets a test hold inference; ``entered`` is set once a batch has begun. ``fail`` raises.
    """

    def __init__(self, name: str = "acoustic", kind: EvidenceKind = "acoustic") -> None:
        self.name = name
        self.kind: EvidenceKind = kind
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fail = False
        self.batches: list[list[ScoreRequest]] = []
        self.threads: set[int] = set()

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        self.threads.add(threading.get_ident())
        self.batches.append(list(requests))
        self.entered.set()
        assert self.gate.wait(30), "a test forgot to open the gate"
        if self.fail:
            raise RuntimeError("as the test asked")
        return [self._reply(request) for request in requests]

    def _reply(self, request: ScoreRequest) -> ScoreReply:
        window = request.window
        level_db = float(np.mean(window.rows[:, Column.LEVEL_DB])) if window.rows.size else -120.0
        value = float(1 / (1 + np.exp(-(level_db + 40) / 10)))
        opinions = {
            label.id: Opinion(value) if window.rows.size else Opinion(None, Why.NO_EVIDENCE)
            for label in request.labels.labels
            if getattr(label, self.kind) is not None
        }
        mos = request.mos
        measures = Measures(
            speech_ratio=window.speech_ratio,
            noise_dbfs=level_db,
            mos_signal=None if mos is None else mos.signal,
            mos_background=None if mos is None else mos.background,
            mos_overall=None if mos is None else mos.overall,
        )
        return ScoreReply(opinions=opinions, recent=dict(opinions), measures=measures)


class FakeMos:
    """DNSMOS whose result names its window. Fake because the real model takes 0.2 s; ``gate`` can hold it."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.fail = False
        self.ends: list[int] = []

    def score(self, window: Window) -> Mos | None:
        assert self.gate.wait(30), "a test forgot to open the gate"
        if self.fail:
            raise RuntimeError("as the test asked")
        self.ends.append(window.end_sample)
        second = window.end_sample / window.sample_rate
        return Mos(1.0 + second / 100, 2.0, 3.0, window.end_sample)


async def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Let the loop run until ``condition`` holds. For what has no event to wait on."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the conditions are plain state, checked between two turns of the loop
            await asyncio.sleep(0)


class FakeDetector:
    """A detector that calls loud frames speech, smoothed over frames so that its memory shows in every answer.

    Fake because Silero costs 2 ms for every second of audio, and property tests run for hours of it.
    """

    name = "fake"

    def __init__(self, frame_samples: int = 512) -> None:
        self.frame_samples = frame_samples
        self.frames = 0
        self._smooth = 0.0

    def push(self, frame: Float32Array) -> float:
        assert frame.shape == (self.frame_samples,)
        self.frames += 1
        self._smooth += 0.6 * (float(np.dot(frame, frame)) / self.frame_samples - self._smooth)
        return min(1.0, 500.0 * self._smooth)

    def snapshot(self) -> dict[str, Any]:
        return {"smooth": self._smooth}

    def restore(self, state: dict[str, Any]) -> None:
        self._smooth = float(state["smooth"])
