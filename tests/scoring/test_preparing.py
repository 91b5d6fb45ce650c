"""What scorers do once per label set: beside the windows, in turns, on a thread of low priority."""

import asyncio
import os
import threading
from collections.abc import Sequence

import pytest

from server.judge.labels import LabelSet
from server.scoring.ports import Priority, ScoreReply, ScoreRequest
from server.scoring.service import PREPARING_NICENESS, ScoringService
from server.values.scores import ScorerKind
from tests.model.clap.test_clap_scorer import FILE, noise, window_of

WITHIN_S = 30.0


def labels(name: str) -> LabelSet:
    return LabelSet((), frozenset(), name, "1")


class Preparing:
    """A scorer whose preparation has the given number of parts. ``gate`` holds back every part."""

    name = "preparing"
    kind: ScorerKind = "clap"

    def __init__(self, **parts: int) -> None:
        self.parts = parts
        self.order: list[str] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.entered = threading.Event()

    def prepare(self, labels: LabelSet) -> bool:
        self.entered.set()
        assert self.gate.wait(WITHIN_S)
        self.threads.add(threading.get_native_id())
        self.order.append(labels.dictionary)
        self.parts[labels.dictionary] -= 1
        return self.parts[labels.dictionary] > 0

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        return [ScoreReply({}) for _ in requests]


async def test_windows_are_scored_while_a_label_set_is_prepared() -> None:
    scorer = Preparing(many=3)
    async with ScoringService([scorer]) as service, asyncio.TaskGroup() as group:
        preparing = group.create_task(service.prepare(labels("many")))
        await asyncio.to_thread(scorer.entered.wait, WITHIN_S)
        (scored,) = await service.score(
            ScoreRequest(window_of(noise(3)), labels("other"), FILE), Priority.LIVE, WITHIN_S
        )
        assert scored.reply is not None
        assert not preparing.done()
        scorer.gate.set()


async def test_a_small_label_set_does_not_wait_for_the_end_of_a_large_one() -> None:
    scorer = Preparing(large=9, small=1)
    async with ScoringService([scorer]) as service, asyncio.TaskGroup() as group:
        group.create_task(service.prepare(labels("large")))
        await asyncio.to_thread(scorer.entered.wait, WITHIN_S)
        group.create_task(service.prepare(labels("small")))
        await asyncio.sleep(0)  # the second is asked for now
        scorer.gate.set()
    assert scorer.order.index("small") <= 1
    assert scorer.order.count("large") == 9


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system has no priorities of threads")
async def test_preparation_has_one_thread_of_low_priority() -> None:
    scorer = Preparing(one=1, other=1)
    scorer.gate.set()
    async with ScoringService([scorer]) as service:
        await service.prepare(labels("one"))
        await service.prepare(labels("other"))
        (thread,) = scorer.threads
        assert os.getpriority(os.PRIO_PROCESS, thread) == PREPARING_NICENESS


async def test_a_preparation_that_fails_is_logged_and_waits_for_nobody(caplog: pytest.LogCaptureFixture) -> None:
    scorer = Preparing()
    scorer.gate.set()
    async with ScoringService([scorer]) as service:
        await service.prepare(labels("unknown"))
    assert "could not prepare its labels" in caplog.text
