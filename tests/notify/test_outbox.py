"""What waits for delivery, in the database of a data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from server.notify.changes import EVERY_S, LabelChanges
from server.notify.delivering import utc_now
from server.notify.endpoints import MAX_ENDPOINTS, Endpoint, new_endpoint, new_secret
from server.notify.events import BY_DEFAULT, Event, EventType, event
from server.notify.outbox import State, Tried
from server.store import outbox_rows
from server.store.database import Database, Where, open_database
from server.store.outbox import StoredOutbox
from server.store.webhooks import WebhookStores
from tests.processes import living

NOW = utc_now()
LATER = NOW + timedelta(hours=12)
"""Also for a test that runs long after this module was read, with many before it."""


def ended(about: str, site: str = "ward") -> Event:
    return event(EventType.SESSION_ENDED, site, about, NOW, {"session_id": about})


def endpoint(site: str = "ward", *events: EventType) -> Endpoint:
    return new_endpoint(site, "https://clinic.example/hooks", events or BY_DEFAULT, NOW)


@asynccontextmanager
async def opened(where: Where) -> AsyncIterator[tuple[Database, WebhookStores]]:
    async with open_database(where) as database, living(database, where) as here:
        yield database, WebhookStores.of(database, here)


async def test_each_endpoint_of_the_site_that_asked_gets_one_delivery_with_the_same_id(where: Where) -> None:
    async with opened(where) as (_, stores):
        mine = [endpoint(), endpoint(), endpoint("ward", EventType.BATCH_COMPLETED)]
        for one in (*mine, endpoint("other")):
            assert await stores.endpoints.add(one)
        told = ended("a")
        await stores.outbox.tell([told])
        await stores.outbox.tell([told])  # nobody knew whether the first was written
        taken = await stores.outbox.take({one.id: 9 for one in mine}, LATER)
        assert {(each.endpoint.id, each.event.id) for each in taken} == {(one.id, told.id) for one in mine[:2]}
        assert taken[0].event == told


async def test_what_is_taken_is_not_due_until_its_process_dies(where: Where) -> None:
    async with opened(where) as (database, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        await stores.outbox.tell([ended("a")])
        async with living(database, where) as it:
            other = StoredOutbox(database, it)
            assert await other.due(LATER) == [one.id]
            assert len(await other.take({one.id: 9}, LATER)) == 1
            assert await stores.outbox.due(LATER) == []
            assert await stores.outbox.take({one.id: 9}, LATER) == []
        assert await stores.outbox.due(LATER) == [one.id]
        (again,) = await stores.outbox.take({one.id: 9}, LATER)
        assert again.attempts == 0


async def test_what_concerns_one_session_goes_in_order_and_holds_up_no_other(where: Where) -> None:
    async with opened(where) as (_, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        first, second, else_ = ended("a"), ended("a"), ended("b")
        await stores.outbox.tell([first, second, else_])

        async def taken() -> list[Event]:
            return [each.event for each in await stores.outbox.take({one.id: 9}, LATER)]

        taken_first = await stores.outbox.take({one.id: 9}, LATER)
        assert [each.event for each in taken_first] == [first, else_]
        await stores.outbox.failed(taken_first[0].number, Tried(NOW, 500), LATER + timedelta(hours=1))
        assert await taken() == [], "the second waits for the first"
        await stores.outbox.failed(taken_first[0].number, Tried(NOW, 500), None)
        assert await taken() == [second], "and no longer than that one waits"


async def test_delivered_is_kept_without_its_content_and_forgotten_after_a_while(where: Where) -> None:
    async with opened(where) as (database, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        await stores.outbox.tell([ended("a"), ended("b")])
        for each in await stores.outbox.take({one.id: 9}, LATER):
            await stores.outbox.delivered(each.number, Tried(NOW, 204))
        async with database.reading() as connection:
            rows = (await connection.execute(outbox_rows.listing(9, State.DELIVERED, one.id))).all()
        assert [row.body for row in rows] == ["", ""]
        assert await stores.outbox.counts() == {State.DELIVERED: 2}
        assert await stores.outbox.forget(NOW) == 0
        assert await stores.outbox.forget(LATER) == 2
        assert await stores.outbox.listed(9) == []


async def test_what_was_given_up_is_listed_and_replayed_with_its_id(where: Where) -> None:
    async with opened(where) as (_, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        told = ended("a")
        await stores.outbox.tell([told])
        (each,) = await stores.outbox.take({one.id: 1}, LATER)
        await stores.outbox.failed(each.number, Tried(NOW, None, "no connection"), None)
        (dead,) = await stores.outbox.listed(9, state=State.DEAD)
        assert (dead.event_id, dead.attempts, dead.why) == (told.id, 1, "no connection")
        assert await stores.outbox.replay(NOW, number=each.number + 1) == 0
        assert await stores.outbox.replay(NOW, endpoint_id=one.id) == 1
        (again,) = await stores.outbox.take({one.id: 1}, LATER)
        assert (again.event, again.attempts) == (told, 0)


async def test_a_paused_endpoint_is_told_nothing_and_its_deliveries_wait(where: Where) -> None:
    async with opened(where) as (_, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        await stores.endpoints.pause(one.id, True)
        await stores.outbox.tell([ended("a")])
        assert await stores.outbox.due(LATER) == []
        assert await stores.endpoints.pause(one.id, False)
        assert await stores.outbox.due(LATER) == [one.id]


async def test_removing_an_endpoint_removes_what_waits_for_it(where: Where) -> None:
    async with opened(where) as (_, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        await stores.outbox.tell([ended("a")])
        assert await stores.endpoints.remove(one.id)
        assert await stores.outbox.listed(9) == []
        assert not await stores.endpoints.remove(one.id)


async def test_a_rotated_secret_signs_until_its_day_is_over(where: Where) -> None:
    async with opened(where) as (_, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        new = new_secret()
        assert await stores.endpoints.rotate(one.id, new, LATER)
        found = await stores.endpoints.get(one.id)
        assert found == replace(one, secret=new, former_secret=one.secret, former_until=LATER)
        assert found.secrets_at(NOW) == (new, one.secret)
        assert found.secrets_at(LATER) == (new,)


async def test_a_site_has_so_many_endpoints_and_another_its_own(where: Where) -> None:
    async with opened(where) as (_, stores):
        for _ in range(MAX_ENDPOINTS):
            assert await stores.endpoints.add(endpoint())
        assert not await stores.endpoints.add(endpoint())
        assert await stores.endpoints.add(endpoint("other"))
        assert len(await stores.endpoints.listed("ward")) == MAX_ENDPOINTS


def test_changes_of_labels_are_told_together_and_seldom() -> None:
    changes = LabelChanges()
    assert changes.seen("s", {"a": True, "b": True}, 0.0) == {}
    assert changes.seen("s", {"a": False, "b": True}, 1.0) == {"a": False}
    assert changes.seen("s", {"a": False, "b": False}, 2.0) == {}, "too soon"
    assert changes.seen("s", {"a": True, "b": False}, 3.0) == {}
    assert changes.seen("s", {"a": False, "b": False}, 1.0 + EVERY_S) == {"b": False}, "a is as it was told"
    changes.forget("s")
    assert changes.seen("s", {"a": True}, 2.0 + EVERY_S) == {}


async def test_what_waits_for_a_paused_endpoint_is_forgotten_as_what_was_settled_is(where: Where) -> None:
    async with opened(where) as (_, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        await stores.outbox.tell([ended("a")])
        await stores.endpoints.pause(one.id, True)
        assert await stores.outbox.forget(NOW - timedelta(hours=1)) == 0
        assert await stores.outbox.forget(utc_now() + timedelta(hours=1)) == 1
        assert await stores.outbox.listed(9) == []


async def test_the_day_of_tries_begins_with_the_first(where: Where) -> None:
    """Not while it waited for a paused endpoint: the first failure would have given it up."""
    async with opened(where) as (_, stores):
        one = endpoint()
        await stores.endpoints.add(one)
        await stores.outbox.tell([ended("a")])
        resumed, later = NOW + timedelta(days=2), NOW + timedelta(days=2, hours=1)
        (first,) = await stores.outbox.take({one.id: 9}, resumed)
        assert first.began_at == resumed
        await stores.outbox.failed(first.number, Tried(resumed, 500), later)
        (second,) = await stores.outbox.take({one.id: 9}, later)
        assert second.began_at == resumed
