"""A scorer on another machine, without the machine."""

import asyncio
import copy
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from server.errors import ScoringError
from server.judge.labels import LabelSet
from server.scoring.denoising import Denoised, DenoiseRequest
from server.scoring.metrics import LaneMetrics, LaneTally
from server.scoring.ports import Priority, Scored, ScoreReply, ScoreRequest
from server.scoring.scorers import Denoiser, MosModel, PreparedScorer, Scorer, TalkerModel
from server.scoring.talking import Talk, TalkRequest
from server.values.measures import Mos
from server.values.windows import Window


class Replica:
    """One remote model: a thread that takes whatever waits for it and answers the last request first.

    Requests and answers are copied on their way, as a network would: what cannot be copied (a lock, a future) raises
    TypeError here. ``Shipped.begun`` comes back too, as a message would.
    """

    def __init__(self, name: str, work: Callable[[Any], Any]) -> None:
        self.name = name
        self.tally = LaneTally()
        self._work = work
        self._ready = threading.Condition()
        self._inbox: deque[Shipped] = deque()
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"replica-{name}", daemon=True)
        self._thread.start()

    def ship(self, request: Any) -> "Shipped":
        shipped = Shipped(copy.deepcopy(request), self._loop.create_future())
        with self._ready:
            self._inbox.append(shipped)
            self._ready.notify()
        return shipped

    def recall(self, shipped: "Shipped") -> None:
        with self._ready:
            if shipped in self._inbox:
                self._inbox.remove(shipped)
        shipped.answer.cancel()

    @property
    def alive(self) -> bool:
        return not self._stopping

    def metrics(self) -> LaneMetrics:
        with self._ready:
            return self.tally.metrics(self.name, len(self._inbox), 1)

    async def stop(self) -> None:
        with self._ready:
            self._stopping = True
            self._ready.notify()
        await asyncio.to_thread(self._thread.join, 10)

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._inbox and not self._stopping:
                    self._ready.wait()
                if self._stopping:
                    return
                taken = list(self._inbox)
                self._inbox.clear()
            for shipped in reversed(taken):
                self._loop.call_soon_threadsafe(shipped.begin)
                try:
                    answer = copy.deepcopy(self._work(shipped.request))
                except Exception as error:  # as a remote one would: told by its name
                    self._loop.call_soon_threadsafe(shipped.failed, type(error).__name__)
                else:
                    self._loop.call_soon_threadsafe(shipped.arrived, answer)


class Shipped:
    """A request under way, as the caller's side knows it."""

    def __init__(self, request: Any, answer: "asyncio.Future[Any]") -> None:
        self.request = request
        self.answer = answer
        self.begun = False

    def begin(self) -> None:
        self.begun = True

    def arrived(self, answer: Any) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def failed(self, why: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(ScoringError(f"The remote scorer failed ({why})."))
            self.answer.exception()  # seen: nobody has to come for it


class RemoteTicket:
    """``MosTicket`` over a message that was sent."""

    def __init__(self, replica: Replica, shipped: Shipped) -> None:
        self._replica = replica
        self._shipped = shipped

    @property
    def begun(self) -> bool:
        return self._shipped.begun or self._shipped.answer.done()

    async def result(self, within_s: float) -> Mos | None:
        done, _ = await asyncio.wait([self._shipped.answer], timeout=within_s)
        if not done:
            raise TimeoutError
        if self._shipped.answer.cancelled():
            raise ScoringError("This request was withdrawn.")
        mos: Mos | None = self._shipped.answer.result()
        return mos

    def withdraw(self) -> None:
        if not self._shipped.answer.done():
            self._replica.recall(self._shipped)


class FakeRemoteScoring:
    """``Scoring`` by messages to replicas. Fake because a cluster is not at hand; it passes the same contract."""

    def __init__(
        self,
        scorers: Sequence[Scorer],
        mos: MosModel | None = None,
        denoiser: Denoiser | None = None,
        talkers: TalkerModel | None = None,
    ) -> None:
        self._scorers = tuple(scorers)
        self._model = mos
        self._denoiser = denoiser
        self._denoise: Replica | None = None
        self._talkers = talkers
        self._talk: Replica | None = None
        self._replicas: list[Replica] = []
        self._mos: Replica | None = None

    async def __aenter__(self) -> Self:
        self._replicas = [Replica(scorer.name, _one(scorer)) for scorer in self._scorers]
        self._mos = None if self._model is None else Replica("mos", self._model.score)
        self._denoise = None if self._denoiser is None else Replica("denoise", self._denoiser.denoise)
        self._talk = None if self._talkers is None else Replica("voices", self._talkers.talk)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for replica in self._all():
            await replica.stop()

    def _all(self) -> list[Replica]:
        return [*self._replicas, *(one for one in (self._mos, self._denoise, self._talk) if one is not None)]

    @property
    def scorer_names(self) -> tuple[str, ...]:
        return tuple(scorer.name for scorer in self._scorers)

    @property
    def has_mos(self) -> bool:
        return self._model is not None

    @property
    def has_denoiser(self) -> bool:
        return self._denoiser is not None

    @property
    def has_talkers(self) -> bool:
        return self._talkers is not None

    @property
    def alive(self) -> bool:
        return all(replica.alive for replica in self._all())

    def metrics(self) -> tuple[LaneMetrics, ...]:
        return tuple(replica.metrics() for replica in self._all())

    async def prepare(self, labels: LabelSet) -> None:
        for scorer in self._scorers:
            if isinstance(scorer, PreparedScorer):
                try:
                    while await asyncio.to_thread(scorer.prepare, copy.deepcopy(labels)):
                        pass
                except Exception:  # it shows again with the windows
                    return

    async def score(self, request: ScoreRequest, priority: Priority, within_s: float) -> list[Scored]:
        shipped = [(replica, replica.ship(request)) for replica in self._replicas]
        try:
            if shipped:
                await asyncio.wait([one.answer for _, one in shipped], timeout=within_s)
            return [_scored(scorer, one.answer) for scorer, (_, one) in zip(self._scorers, shipped, strict=True)]
        finally:
            for replica, one in shipped:
                if not one.answer.done():
                    replica.recall(one)

    def ask_mos(self, window: Window, priority: Priority, within_s: float) -> RemoteTicket:
        assert self._mos is not None
        return RemoteTicket(self._mos, self._mos.ship(window))

    async def denoise(self, request: DenoiseRequest, priority: Priority, within_s: float) -> Denoised:
        assert self._denoise is not None
        answer: Denoised = await _answer(self._denoise, request, within_s)
        return answer

    async def talk(self, request: TalkRequest, priority: Priority, within_s: float) -> Talk:
        assert self._talk is not None
        answer: Talk = await _answer(self._talk, request, within_s)
        return answer


async def _answer(replica: Replica, request: Any, within_s: float) -> Any:
    shipped = replica.ship(request)
    try:
        await asyncio.wait([shipped.answer], timeout=within_s)
        if not shipped.answer.done():
            raise ScoringError("The remote model did not answer in time.")
        return shipped.answer.result()
    finally:
        if not shipped.answer.done():
            replica.recall(shipped)


def _one(scorer: Scorer) -> Callable[[ScoreRequest], ScoreReply]:
    return lambda request: scorer.score([request])[0]


def _scored(scorer: Scorer, answer: "asyncio.Future[Any]") -> Scored:
    if not answer.done():
        return Scored(scorer.kind, None, ScoringError("The remote scorer did not answer in time."))
    if (error := answer.exception()) is not None:
        assert isinstance(error, ScoringError)
        return Scored(scorer.kind, None, error)
    return Scored(scorer.kind, answer.result())
