"""The outbox delivered to a real receiver that fails, comes back, and wants nothing more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

# ruff: noqa: ASYNC110 - a database tells nobody that it has changed
from server.errors import StoreError
from server.metrics import Metrics
from server.notify.delivering import Deliverer, utc_now
from server.notify.endpoints import Endpoint, new_endpoint
from server.notify.events import BY_DEFAULT, Event, EventType, event
from server.notify.outbox import State
from server.notify.reach import Reach
from server.notify.retries import OPEN_AFTER
from server.notify.sending import Answer, Sender
from server.store.database import open_database
from server.store.processes import ProcessLock
from server.store.webhooks import WebhookStores
from tests.notify.receiver import Receiver


class Hurrying:
    """The date, which a test can move on; seconds, which pass as the date does."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def monotonic(self) -> float:
        return self.now().timestamp()


class Bench:
    def __init__(self, stores: WebhookStores, to: Endpoint, clock: Hurrying, metrics: Metrics) -> None:
        self.metrics = metrics
        self.stores = stores
        self.to = to
        self.clock = clock

    async def tell(self, *abouts: str) -> list[Event]:
        told = [event(EventType.SESSION_ENDED, "ward", about, utc_now(), {"session_id": about}) for about in abouts]
        await self.stores.outbox.tell(told)
        return told

    async def states(self, *expected: State) -> None:
        """Wait until these are the states, oldest first."""
        async with asyncio.timeout(30):
            while [one.state for one in reversed(await self.stores.outbox.listed(99))] != [*expected]:
                await asyncio.sleep(0.01)

    async def attempts(self, count: int) -> None:
        async with asyncio.timeout(30):
            while sum(one.attempts for one in await self.stores.outbox.listed(99)) < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def bench(folder: Path, url: str) -> AsyncIterator[Bench]:
    clock, metrics = Hurrying(), Metrics()
    async with open_database(folder) as database:
        lock = ProcessLock(folder)
        stores = WebhookStores.of(database, lock)
        to = new_endpoint("ward", url, BY_DEFAULT, utc_now())
        await stores.endpoints.add(to)
        sender = Sender(Reach.of(["127.0.0.1"]), "1", clock.now)
        deliverer = Deliverer(
            stores.outbox, stores.endpoints, sender, metrics, clock.now,
            monotonic=clock.monotonic, chance=lambda: 0.5, poll_s=0.01,
        )  # fmt: skip
        running = asyncio.create_task(deliverer.run())
        try:
            yield Bench(stores, to, clock, metrics)
        finally:
            running.cancel()
            await asyncio.wait({running})
            lock.close()


async def test_each_event_arrives_once_signed_where_all_is_well(tmp_path: Path, receiver: Receiver) -> None:
    async with bench(tmp_path, receiver.url) as here:
        told = await here.tell("a", "b", "c")
        await here.states(*[State.DELIVERED] * 3)
    assert sorted(one.id for one in receiver.came) == sorted(one.id for one in told)
    assert all(one.signed_with(here.to.secret) for one in receiver.came)


async def test_a_receiver_that_comes_back_gets_everything_in_the_order_of_each_session(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers += [500, 503]
    async with bench(tmp_path, receiver.url) as here:
        first, second = await here.tell("a", "a")
        for attempts in (1, 2):
            await here.attempts(attempts)
            here.clock.ahead += timedelta(minutes=1)
        await here.states(State.DELIVERED, State.DELIVERED)
    assert [one.id for one in receiver.came] == [first.id, first.id, first.id, second.id]


async def test_an_endpoint_that_fails_for_a_day_is_given_up_and_its_dead_letters_wait_for_a_replay(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers += [500] * 60
    async with bench(tmp_path, receiver.url) as here:
        (told,) = await here.tell("a")
        for _ in range(60):
            if (await here.stores.outbox.listed(1))[0].state is State.DEAD:
                break
            attempts = (await here.stores.outbox.listed(1))[0].attempts
            here.clock.ahead += timedelta(hours=2.5)
            async with asyncio.timeout(30):
                while (
                    now := (await here.stores.outbox.listed(1))[0]
                ).attempts == attempts and now.state is State.WAITING:
                    await asyncio.sleep(0.01)
        await here.states(State.DEAD)
        receiver.answers.clear()
        here.clock.ahead += timedelta(hours=1)
        assert await here.stores.outbox.replay(here.clock.now()) == 1
        await here.states(State.DELIVERED)
    assert {one.id for one in receiver.came} == {told.id}


async def test_a_failing_endpoint_is_tried_with_one_delivery_at_a_time(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers += [500] * OPEN_AFTER
    async with bench(tmp_path, receiver.url) as here:
        await here.tell(*[f"s{number}" for number in range(OPEN_AFTER + 10)])
        await here.attempts(OPEN_AFTER)
        tried = len(receiver.came)
        assert tried < OPEN_AFTER + 4, "those that were under way when it became too much"
        here.clock.ahead += timedelta(minutes=2)
        await here.states(*[State.DELIVERED] * (OPEN_AFTER + 10))


async def test_an_endpoint_that_is_gone_is_paused(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers.append(410)
    async with bench(tmp_path, receiver.url) as here:
        await here.tell("a")
        await here.states(State.DEAD)
        (to,) = await here.stores.endpoints.listed()
        assert to.paused


async def test_the_outcome_of_a_try_waits_for_a_database_that_fails(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.notify.delivering.AGAIN_S", 0.01)
    async with bench(tmp_path, receiver.url) as here:
        real, failures = here.stores.outbox.delivered, iter([True, True, False])

        async def delivered(*given: object) -> None:
            if next(failures):
                raise StoreError("as the test asked")
            await real(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(here.stores.outbox, "delivered", delivered)
        await here.tell("a")
        await here.states(State.DELIVERED)
    assert len(receiver.came) == 1, "it is not sent again because of that"


async def test_a_process_without_free_file_descriptors_delivers_when_it_has_some_again(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.notify.delivering.AGAIN_S", 0.01)
    async with bench(tmp_path, receiver.url) as here:
        real, asked = here.stores.outbox.due, asyncio.Event()
        told = []

        async def due(now: datetime) -> list[str]:
            told.append(here.metrics.webhooks_fail)
            if len(told) < 4:
                raise OSError(24, "Too many open files")
            asked.set()
            return await real(now)

        monkeypatch.setattr(here.stores.outbox, "due", due)
        async with asyncio.timeout(30):
            await asked.wait()
        assert told[1:4] == [True, True, True], "the metrics and /readyz say so"
        await here.tell("a")
        await here.states(State.DELIVERED)
        assert not here.metrics.webhooks_fail


async def test_a_fault_with_one_delivery_does_not_end_the_others(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Sender.send

    async def send(self: Sender, event: Event, endpoint: Endpoint) -> Answer:
        if event.about == "bad":
            raise ValueError("as the test asked")
        return await real(self, event, endpoint)

    monkeypatch.setattr(Sender, "send", send)
    async with bench(tmp_path, receiver.url) as here:
        await here.tell("bad", "good")
        await here.states(State.WAITING, State.DELIVERED)
        await here.attempts(2)
