"""One dedicated thread behind a bounded queue: the only place where inference runs. Another one takes its place if it
dies or hangs (server.scoring.guard).

A request needs a permit before it is queued, so overload is refused (live) or waited out (files) at the entrance.
Work that nobody waits for is skipped when a batch is formed; a failure answers everybody who waits.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic

from server.errors import ScoringError
from server.scoring.jobs import A, Answer, Batching, Job, Q, Trouble
from server.scoring.metrics import LaneMetrics, LaneTally
from server.scoring.ports import Priority
from server.scoring.queue import Batch, ScoringQueue
from server.scoring.threads import answer_all, answer_one, lower_priority


class Lane(Generic[Q, A]):
    """Runs ``work`` on its own thread. Call ``start`` first and ``stop`` last, all on one loop.

    ``work`` takes requests and returns as many answers, in order; it may block. A ``niceness`` above 0 lowers the
    thread's priority where the system supports it (Linux).
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Q]], Sequence[A]],
        batching: Batching,
        *,
        niceness: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._work = work
        self._niceness = niceness
        self._clock = clock
        self._ready = threading.Condition()
        self._queue: ScoringQueue[Q, A] = ScoringQueue(batching)
        self._stopping = False
        # One permit for each file request in the lane. A queue, because its places can also be taken without waiting.
        self._file_permits: asyncio.Queue[None] = asyncio.Queue(batching.capacity)
        self._tally = LaneTally()
        self._thread: threading.Thread | None = None
        self._turn = 0  # which thread it is: what a former one still says is nobody's
        self._batch: tuple[float, list[Job[Q, A]]] | None = None
        self.died_of: BaseException | None = None
        self.given_up = False
        """No thread is started any more, and each request is refused at once."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    # -- on the loop

    def start(self) -> None:
        """Start the thread: once, on the loop that receives the answers."""
        assert self._thread is None, "a lane starts once"
        self._loop = asyncio.get_running_loop()
        self._spawn()

    def _spawn(self) -> None:
        self._thread = threading.Thread(target=self._run, args=(self._turn,), name=f"score-{self.name}", daemon=True)
        self._thread.start()

    def trouble(self, hang_s: float) -> Trouble | None:
        """What keeps requests from being answered: no thread, or one that works on a batch for over ``hang_s``."""
        if self._stopping or self._thread is None:
            return None
        if not self._thread.is_alive():
            return Trouble.DEAD
        batch = self._batch
        return Trouble.HANGS if batch is not None and self._clock() - batch[0] > hang_s else None

    def restart(self) -> None:
        """Another thread in place of one in trouble. Who waits for what that one works on is answered; a thread that
        hangs cannot be stopped, and whatever it says later is dropped."""
        with self._ready:
            self._turn += 1
            batch, self._batch, self.died_of = self._batch, None, None
            self._tally.restarts += 1
            self._ready.notify_all()  # a former thread that only waits for work would take the next one's call
        for job in () if batch is None else batch[1]:
            answer_one(job, ScoringError(f"The scorer {self.name} had to be started again; the session goes on."))
        self._spawn()

    async def stop(self, within_s: float = 5.0) -> bool:
        """Answer everybody who waits with ScoringError and end the thread; False if it is stuck in ``work``."""
        if self._thread is None:
            return True
        with self._ready:
            self._stopping = True
            left = self._queue.clear()
            self._ready.notify_all()
        for job in left:
            answer_one(job, ScoringError("The server is shutting down; this window was not scored."))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._ended.wait()
        if self._ended.is_set():
            self._thread.join()
        return self._ended.is_set()

    @property
    def alive(self) -> bool:
        """Whether submitted requests will be scored: the lane is started, not stopping, and its thread is alive."""
        there = self._thread is not None and self._thread.is_alive()
        return there and not self._stopping and not self.given_up

    def metrics(self) -> LaneMetrics:
        """Counters since the start, and times of the last jobs."""
        with self._ready:
            queued, size = len(self._queue), self._queue.pacer.size
        return self._tally.metrics(self.name, queued, size, running=self.alive)

    async def submit(self, request: Q, priority: Priority, within_s: float) -> Answer[A]:
        """Queue ``request`` and wait up to ``within_s`` seconds for its answer.

        A live request is refused at once if the lane is full; a file's waits for a permit. Raises ScoringError if the
        request is refused, its deadline passes, or the work fails. Cancelling the caller withdraws the request.
        """
        deadline = self._clock() + within_s
        job = await self.admit(request, priority, within_s)
        return await self._wait(job, deadline - self._clock())

    async def admit(self, request: Q, priority: Priority, within_s: float) -> Job[Q, A]:
        """Queue ``request``; the job is dropped if it has not started within ``within_s`` seconds.

        Raises ScoringError if a live request finds the lane full, or a file gets no permit within that time.
        """
        deadline = self._clock() + within_s
        if priority is Priority.LIVE:
            return self.enqueue(request, priority, deadline)
        try:
            async with asyncio.timeout(within_s):
                await self._file_permits.put(None)
        except TimeoutError:
            raise self._late() from None
        return self._enqueue_permitted(request, deadline)

    def enqueue(self, request: Q, priority: Priority, deadline: float) -> Job[Q, A]:
        """Queue without waiting. Raises ScoringError if the lane is full or stopped."""
        if priority is Priority.LIVE:
            return self._enqueue(request, priority, deadline)
        try:
            self._file_permits.put_nowait(None)
        except asyncio.QueueFull:
            raise self._overloaded() from None
        return self._enqueue_permitted(request, deadline)

    def _enqueue_permitted(self, request: Q, deadline: float) -> Job[Q, A]:
        """Queue a file's request; its permit is returned when it is answered, withdrawn or refused."""
        try:
            job = self._enqueue(request, Priority.FILE, deadline)
        except ScoringError:
            self._file_permits.get_nowait()
            raise
        job.future.add_done_callback(lambda _: self._file_permits.get_nowait())
        return job

    def _enqueue(self, request: Q, priority: Priority, deadline: float) -> Job[Q, A]:
        assert self._loop is not None, "start() comes first"
        if self._stopping or not self.alive:
            raise ScoringError(f"The scorer {self.name} is not running.")
        job: Job[Q, A] = Job(request, priority, deadline, self._clock(), self._loop.create_future())
        with self._ready:
            if not self._queue.put(job):
                raise self._overloaded()
            self._ready.notify_all()
        return job

    def abandon(self, job: Job[Q, A]) -> None:
        """Withdraw a request. If it still waits it is dropped at once, with its audio."""
        with self._ready:
            self._tally.abandoned += self._queue.remove(job)
        job.future.cancel()

    async def _wait(self, job: Job[Q, A], within_s: float) -> Answer[A]:
        try:
            async with asyncio.timeout(max(0.0, within_s)):
                return await job.future
        except TimeoutError:
            self._tally.expired += 1
            raise self._late() from None
        finally:
            if not job.future.done() or job.future.cancelled():
                self.abandon(job)

    def _overloaded(self) -> ScoringError:
        self._tally.refused += 1
        return ScoringError(f"The scorer {self.name} is overloaded; this window was not scored.")

    def _late(self) -> ScoringError:
        return ScoringError(f"The scorer {self.name} did not answer in time; this window was not scored.")

    # -- on the thread

    def _run(self, turn: int) -> None:
        if self._niceness:
            lower_priority(self._niceness)
        try:
            while self._run_batch(turn):
                pass
        except BaseException as error:  # a bug of the lane's own: the guard tells it, and starts another thread
            self.died_of = error
        finally:
            assert self._loop is not None
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._over, turn)

    def _over(self, turn: int) -> None:
        if turn == self._turn:
            self._ended.set()

    def _run_batch(self, turn: int) -> bool:
        """A separate function, so that the thread holds no audio while it waits for work. False: stopping."""
        batch = self._assemble(turn)
        if batch is None:
            return False
        self._post([(job, self._late()) for job in batch.late])
        if batch.jobs:
            self._process(batch.jobs, turn)
        return turn == self._turn

    def _assemble(self, turn: int) -> Batch[Q, A] | None:
        """Wait for work; ``None`` when stopping, or when another thread has this one's place."""
        with self._ready:
            while not self._stopping and turn == self._turn:
                due_s = self._queue.due_s(self._clock())
                if due_s == 0.0:
                    batch = self._queue.take(self._clock())
                    self._batch = (self._clock(), batch.jobs) if batch.jobs else None
                    return batch
                self._ready.wait(due_s)
        return None

    def _process(self, batch: list[Job[Q, A]], turn: int) -> None:
        started, cpu = self._clock(), time.thread_time()
        for job in batch:
            job.running = True
        try:
            values = self._work([job.request for job in batch])
            assert len(values) == len(batch), f"{self.name} returned {len(values)} answers for {len(batch)} requests"
        except BaseException as error:  # whatever a scorer raises, all waiters must be told, and the thread goes on
            if not self._done(turn):
                return
            self._tally.failed += len(batch)
            failure = ScoringError(f"The scorer {self.name} failed ({type(error).__name__}); the session goes on.")
            failure.__cause__ = error
            self._post([(job, failure) for job in batch])
            return
        if not self._done(turn):
            return
        took, spent = self._clock() - started, time.thread_time() - cpu
        for job in batch:
            if job.spending is not None:
                job.spending.spent_s += spent / len(batch)
        answers = [
            (job, Answer(value, started - job.queued_at, took)) for job, value in zip(batch, values, strict=True)
        ]
        with self._ready:
            self._queue.pacer.took(len(batch), took)
        self._tally.scored([answer.queue_s for _, answer in answers], took, spent)
        self._post(answers)

    def _done(self, turn: int) -> bool:
        """The batch is over; False: its thread was given up meanwhile, and everybody was answered."""
        with self._ready:
            if turn != self._turn:
                return False
            self._batch = None
            return True

    def _post(self, answers: Sequence[tuple[Job[Q, A], "Answer[A] | ScoringError"]]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(answer_all, answers)
