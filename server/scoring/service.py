"""All scorers of a process, each on its own lane, and what hears more than a window on slow lanes beside them."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self

from server.errors import ScoringError
from server.judge.labels import LabelSet
from server.scoring.denoising import Denoised, DenoiseRequest
from server.scoring.guard import LaneGuard
from server.scoring.jobs import A, Batching, Q
from server.scoring.lane import Lane
from server.scoring.metrics import LaneMetrics
from server.scoring.ports import Priority, Scored, ScoreReply, ScoreRequest
from server.scoring.scorers import Denoiser, MosModel, ParallelScorer, PreparedScorer, Scorer, TalkerModel
from server.scoring.talking import Talk, TalkRequest
from server.scoring.threads import lower_priority
from server.scoring.tickets import LaneTicket, MosLane
from server.values.windows import Window

log = logging.getLogger(__name__)

BATCHING = Batching()
MOS_NICENESS = 10
DENOISING_NICENESS = 5
"""Of what windows wait for, but which can be left out: the loop's thread comes first, or every session would wait."""

PREPARING_NICENESS = 10
MOS_BATCHING = Batching(max_batch=1, capacity=64, newest_first=True)
DENOISING = Batching(max_batch=1)
TALKING = Batching(max_batch=1)

DenoiseLane = Lane[DenoiseRequest, Denoised]
TalkLane = Lane[TalkRequest, Talk]
AnyLane = Lane[ScoreRequest, ScoreReply] | MosLane | DenoiseLane | TalkLane


class ScoringService:
    """``Scoring`` in this process: owns every inference thread. An async context manager, used on the loop that
    entered it.

    Bounded: each lane holds ``batching.capacity`` live requests and as many of files. A live request beyond that is
    refused with ScoringError; a file waits.
    """

    def __init__(
        self,
        scorers: Sequence[Scorer],
        mos: MosModel | None = None,
        denoiser: Denoiser | None = None,
        talkers: TalkerModel | None = None,
        *,
        batching: Batching = BATCHING,
        mos_batching: Batching = MOS_BATCHING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._scorers = tuple(scorers)
        self._lanes: list[tuple[Scorer, Lane[ScoreRequest, ScoreReply]]] = [
            (scorer, Lane(scorer.name, scorer.score, _batching_of(scorer, batching), clock=clock)) for scorer in scorers
        ]
        self._preparer = ThreadPoolExecutor(1, "prepare", lambda: lower_priority(PREPARING_NICENESS))
        self._guarding: asyncio.Task[None] | None = None
        self._mos_lane: MosLane | None = None
        if mos is not None:
            self._mos_lane = Lane("mos", _one_by_one(mos.score), mos_batching, niceness=MOS_NICENESS, clock=clock)
        self._denoise_lane: DenoiseLane | None = None
        self._denoiser_failed = False
        if denoiser is not None:
            self._denoise_lane = Lane(
                "denoise", _one_by_one(denoiser.denoise), DENOISING, niceness=DENOISING_NICENESS, clock=clock
            )
        self._talk_lane: TalkLane | None = None
        self._talkers_failed = False
        if talkers is not None:
            self._talk_lane = Lane("voices", _one_by_one(talkers.talk), TALKING, niceness=MOS_NICENESS, clock=clock)

    async def __aenter__(self) -> Self:
        for lane in self._all():
            lane.start()
        self._guarding = asyncio.create_task(LaneGuard(self._all(), clock=self._clock).run(), name="guard scorers")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._preparer.shutdown(wait=False, cancel_futures=True)
        if self._guarding is not None:
            self._guarding.cancel()
            await asyncio.wait([self._guarding])
        async with asyncio.TaskGroup() as group:
            stops = [group.create_task(lane.stop()) for lane in self._all()]
        if not all(stop.result() for stop in stops):
            log.warning("a scorer is stuck in inference; its thread is left to the end of the process")

    def _all(self) -> list[AnyLane]:
        beside = (self._mos_lane, self._denoise_lane, self._talk_lane)
        return [*(lane for _, lane in self._lanes), *(lane for lane in beside if lane is not None)]

    @property
    def scorer_names(self) -> tuple[str, ...]:
        """In the order in which they were given."""
        return tuple(scorer.name for scorer in self._scorers)

    @property
    def has_mos(self) -> bool:
        """Whether windows are rated by DNSMOS."""
        return self._mos_lane is not None

    @property
    def has_denoiser(self) -> bool:
        """Whether voice and noise are parted."""
        return self._denoise_lane is not None

    @property
    def has_talkers(self) -> bool:
        """Whether talkers are told apart."""
        return self._talk_lane is not None

    @property
    def alive(self) -> bool:
        """True while every inference thread runs. Only a real score shows whether it still answers."""
        return all(lane.alive for lane in self._all())

    @property
    def judging(self) -> bool:
        """See ``Scoring.judging``."""
        return any(lane.alive for _, lane in self._lanes)

    def metrics(self) -> tuple[LaneMetrics, ...]:
        """One entry per lane; DNSMOS, the denoiser and the talker models come last."""
        return tuple(lane.metrics() for lane in self._all())

    async def prepare(self, labels: LabelSet) -> None:
        """Do the work needed once per label set, on one low-priority thread beside the scorers' own.

        Other sessions' windows do not wait for it, and their label sets take turns with this one. A failure is only
        logged; it shows again when a window is scored.
        """
        loop = asyncio.get_running_loop()
        for scorer in self._scorers:
            if isinstance(scorer, PreparedScorer):
                try:
                    while await loop.run_in_executor(self._preparer, scorer.prepare, labels):
                        pass
                except Exception as error:
                    log.error("scorer %s could not prepare its labels", scorer.name, exc_info=error)

    async def score(self, request: ScoreRequest, priority: Priority, within_s: float) -> list[Scored]:
        """Ask every scorer at once; one entry each, in the scorers' order. A failure is an entry, never raised."""
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(self._score_one(scorer, lane, request, priority, within_s))
                for scorer, lane in self._lanes
            ]
        return [task.result() for task in asked]

    async def _score_one(
        self,
        scorer: Scorer,
        lane: Lane[ScoreRequest, ScoreReply],
        request: ScoreRequest,
        priority: Priority,
        within_s: float,
    ) -> Scored:
        try:
            answer = await lane.submit(request, priority, within_s)
        except ScoringError as failure:
            if failure.__cause__ is not None:
                log.error("scorer %s failed", scorer.name, exc_info=failure.__cause__)
            return Scored(scorer.kind, None, failure)
        return Scored(scorer.kind, answer.value, None, answer.queue_s, answer.inference_s)

    def ask_mos(self, window: Window, priority: Priority, within_s: float) -> LaneTicket:
        """See ``Scoring.ask_mos``."""
        assert self._mos_lane is not None, "has_mos says whether there is one"
        return LaneTicket(self._mos_lane, window, priority, self._clock() + within_s)

    async def denoise(self, request: DenoiseRequest, priority: Priority, within_s: float) -> Denoised:
        """See ``Scoring.denoise``."""
        assert self._denoise_lane is not None, "has_denoiser says whether there is one"
        try:
            answer = await self._denoise_lane.submit(request, priority, within_s)
        except ScoringError as failure:
            if failure.__cause__ is not None and not self._denoiser_failed:
                self._denoiser_failed = True
                log.error("the denoiser failed; until it answers again this is not logged", exc_info=failure.__cause__)
            raise
        self._denoiser_failed = False
        return replace(answer.value, inference_s=answer.inference_s)

    async def talk(self, request: TalkRequest, priority: Priority, within_s: float) -> Talk:
        """See ``Scoring.talk``."""
        assert self._talk_lane is not None, "has_talkers says whether there is one"
        try:
            answer = await self._talk_lane.submit(request, priority, within_s)
        except ScoringError as failure:
            if failure.__cause__ is not None and not self._talkers_failed:
                self._talkers_failed = True
                log.error("the talker models failed; until they answer this is not logged", exc_info=failure.__cause__)
            raise
        self._talkers_failed = False
        return answer.value


def _batching_of(scorer: Scorer, batching: Batching) -> Batching:
    return replace(batching, side_by_side=scorer.side_by_side) if isinstance(scorer, ParallelScorer) else batching


def _one_by_one(model: Callable[[Q], A]) -> Callable[[Sequence[Q]], list[A]]:
    def work(requests: Sequence[Q]) -> list[A]:
        return [model(request) for request in requests]

    return work
