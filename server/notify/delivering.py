"""Delivers what the outbox has, a few at a time, until its process ends."""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from server import __version__
from server.errors import StoreError
from server.metrics import Metrics
from server.notify.endpoints import EndpointStore
from server.notify.events import Event
from server.notify.outbox import Delivery, OutboxStore, State, Tried
from server.notify.reach import Reach
from server.notify.retries import Circuit, next_try_s
from server.notify.sending import Answer, Sender

log = logging.getLogger(__name__)

MOST = 32
"""Deliveries under way, of all endpoints together."""

POLL_S = 1.0
SWEEP_EVERY = 60
AGAIN_S = 2.0
"""How long the outcome of a try waits for a database that failed, and a round after the first that failed."""

MOST_AGAIN_S = 60.0
"""The same after many rounds that failed, one after another."""

KEPT = timedelta(days=7)
"""For so long a delivery can be looked at, and a dead one replayed."""


class Deliverer:
    """Bounded by ``MOST`` and by each endpoint's circuit; what finds no room stays in the outbox.

    A try whose process is killed before its outcome is written is made again by the next one, with the same id.
    """

    def __init__(
        self,
        outbox: OutboxStore,
        endpoints: EndpointStore,
        sender: Sender,
        metrics: Metrics,
        now: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        poll_s: float = POLL_S,
    ) -> None:
        self._outbox = outbox
        self._endpoints = endpoints
        self._sender = sender
        self._metrics = metrics
        self._now = now
        self._monotonic = monotonic
        self._chance = chance
        self._poll_s = poll_s
        self._circuits: defaultdict[str, Circuit] = defaultdict(Circuit)
        self._under_way: defaultdict[str, int] = defaultdict(int)
        self._finished = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; a try in flight is cut off then, and made again later."""
        async with asyncio.TaskGroup() as group:
            rounds = failed = 0
            while True:
                self._finished.clear()
                failed = 0 if await self._round(group, sweep=rounds % SWEEP_EVERY == 0) else failed + 1
                rounds += 1
                self._metrics.webhooks_failing(failed > 0)
                if failed:
                    await asyncio.sleep(min(AGAIN_S * 2 ** min(failed - 1, 10), MOST_AGAIN_S))
                else:
                    await self._rest()

    async def _round(self, group: asyncio.TaskGroup, *, sweep: bool) -> bool:
        """Whether it went well. Nothing ends the delivery: a process without free file descriptors has some later."""
        try:
            for delivery in await self._taken():
                self._under_way[delivery.endpoint.id] += 1
                group.create_task(self._deliver(delivery), name="webhook")
            if sweep:
                await self._sweep()
        except StoreError:
            log.warning("the outbox of webhooks cannot be read; trying again")
        except Exception:
            log.exception("a round of webhooks failed; trying again")
        else:
            return True
        return False

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._poll_s):
                await self._finished.wait()
        except TimeoutError:
            return

    async def _taken(self) -> list[Delivery]:
        now, left = self._monotonic(), MOST - sum(self._under_way.values())
        room = {}
        for endpoint_id in await self._outbox.due(self._now()):
            free = min(left, self._circuits[endpoint_id].room(now) - self._under_way[endpoint_id])
            if free > 0:
                room[endpoint_id] = free
                left -= free
        return await self._outbox.take(room, self._now()) if room else []

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            answer = await self._sent(delivery)
            self._learn(delivery, answer)
            while not await self._written(delivery, answer):  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(AGAIN_S)
        finally:
            self._under_way[delivery.endpoint.id] -= 1
            self._finished.set()

    async def _sent(self, delivery: Delivery) -> Answer:
        try:
            return await self._sender.send(delivery.event, delivery.endpoint)
        except Exception:  # a fault of ours with one delivery must not end the others
            log.exception("webhook %s could not be sent", delivery.event.id)
            return Answer(Tried(self._now(), None, "could not be sent"), delivered=False)

    def _learn(self, delivery: Delivery, answer: Answer) -> None:
        circuit, was_open = self._circuits[delivery.endpoint.id], self._circuits[delivery.endpoint.id].is_open
        if answer.delivered:
            circuit.succeeded()
        else:
            circuit.failed(self._monotonic(), self._chance())
        if circuit.is_open != was_open:
            how = "does not take webhooks; it is tried now and then" if circuit.is_open else "takes webhooks again"
            log.warning("endpoint %s %s: %s", delivery.endpoint.id, how, answer.tried.why or answer.tried.status)

    async def _written(self, delivery: Delivery, answer: Answer) -> bool:
        try:
            outcome = await self._write(delivery, answer)
        except StoreError:
            return False
        except Exception:
            log.exception("what became of webhook %s could not be written; trying again", delivery.event.id)
            return False
        self._metrics.webhook_tried(delivery.event.type, outcome)
        return True

    async def _write(self, delivery: Delivery, answer: Answer) -> str:
        if answer.delivered:
            await self._outbox.delivered(delivery.number, answer.tried)
            return "delivered"
        at, attempts = answer.tried.at, delivery.attempts + 1
        pause_s = next_try_s(attempts, (at - delivery.began_at).total_seconds(), self._chance(), answer.retry_after_s)
        if answer.gone:
            await self._endpoints.pause(delivery.endpoint.id, True)
            log.warning("endpoint %s answered 410 Gone; it is paused", delivery.endpoint.id)
        given_up = pause_s is None or answer.gone
        again_at = None if given_up or pause_s is None else at + timedelta(seconds=pause_s)
        await self._outbox.failed(delivery.number, answer.tried, again_at)
        return "dead" if given_up else "failed"

    async def _sweep(self) -> None:
        await self._outbox.forget(self._now() - KEPT)
        counts = await self._outbox.counts()
        self._metrics.webhooks_kept(counts.get(State.WAITING, 0), counts.get(State.DEAD, 0))


class Webhooks(Protocol):
    """Where webhooks go, and what is still to be told."""

    @property
    def endpoints(self) -> EndpointStore:
        """Where they go."""
        ...

    @property
    def outbox(self) -> OutboxStore:
        """What is still to be told."""
        ...

    def put(self, about: str, events: Iterable[Event]) -> None:
        """Into the outbox, with the next that is written about ``about``; later if the database fails."""
        ...


def utc_now() -> datetime:
    """The wall clock: a delivery outlives processes."""
    return datetime.now(UTC)


@asynccontextmanager
async def delivering(stores: Webhooks | None, allowed: Iterable[str], metrics: Metrics) -> AsyncIterator[None]:
    """What ``stores`` has is delivered while the block runs; ``None``: there is nothing that lasts. ``allowed``: as of
    ``Reach``."""
    if stores is None:
        yield
        return
    sender = Sender(Reach.of(allowed), __version__, utc_now)
    deliverer = Deliverer(stores.outbox, stores.endpoints, sender, metrics, utc_now)
    running = asyncio.create_task(deliverer.run(), name="webhooks")
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})
