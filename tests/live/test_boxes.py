"""Mailbox and outbox: what happens when they are full, and that nothing is lost that must not be."""

import asyncio

import numpy as np
import pytest

from server.live.hub import Hub
from server.live.limits import LiveLimits
from server.live.mailbox import Mail, Mailbox
from server.live.outbox import HEARTBEAT, Outbox, OutboxSender
from server.values.rows import N_COLUMNS
from server.values.windows import Window
from tests.fakes import FakeClock, FakeTransport, settle


def mail(end: int, *, lossless: bool = False) -> Mail:
    window = Window(0, end, 1, True, np.zeros((0, N_COLUMNS), np.float32), np.zeros(0, np.float32))
    return Mail(window, 0.0, None, lossless)


async def test_mailbox_keeps_the_newest() -> None:
    box = Mailbox()
    assert not box.put_newest(mail(3))
    assert box.put_newest(mail(4))
    taken = await box.take()
    assert taken is not None
    assert taken.window.end_sample == 4


async def test_mailbox_makes_the_patient_writer_wait() -> None:
    box = Mailbox()
    await box.put(mail(3, lossless=True))
    assert box.holds_lossless
    second = asyncio.create_task(box.put(mail(4, lossless=True)))
    await settle()
    assert not second.done()
    first = await box.take()
    await second
    box.close()
    last = await box.take()
    assert first is not None
    assert last is not None
    assert [first.window.end_sample, last.window.end_sample] == [3, 4]
    assert await box.take() is None


async def test_mailbox_counts_the_window_whose_writer_was_cancelled() -> None:
    """At the end of a session it is lost like those inside."""
    box = Mailbox()
    await box.put(mail(3, lossless=True))
    await box.take()
    await box.put(mail(4, lossless=True))
    third = asyncio.create_task(box.put(mail(5, lossless=True)))
    await settle()
    assert box.unjudged == 3
    third.cancel()
    await settle()
    assert box.unjudged == 3


async def test_outbox_keeps_order_and_the_latest_of_a_kind() -> None:
    box = Outbox(10)
    for text, key in (("a", None), ("level 1", "level"), ("b", None), ("level 2", "level")):
        box.put(text, key)
    box.close()
    assert [await box.take() for _ in range(4)] == ["a", "b", "level 2", None]
    assert box.dropped == 1


async def test_full_outbox_of_a_patient_overflows_and_that_of_an_observer_forgets() -> None:
    patient, observer = Outbox(3), Outbox(3, observer=True)
    for box in (patient, observer):
        for number in range(5):
            box.put(str(number))
    assert patient.overflowed
    assert await patient.take() is None
    assert [await observer.take() for _ in range(3)] == ["2", "3", "4"]


async def test_room_waits_until_half_is_free() -> None:
    box = Outbox(4)
    for number in range(3):
        box.put(str(number))
    waiting = asyncio.create_task(box.room())
    await settle()
    assert not waiting.done()
    await box.take()
    await asyncio.wait_for(waiting, 60)


async def test_sender_sends_heartbeats_only_into_silence() -> None:
    clock, socket, box = FakeClock(), FakeTransport(), Outbox(10)
    sender = OutboxSender(socket, box, clock, LiveLimits(send_s=10, heartbeat_s=0.9))
    task = asyncio.create_task(sender.run(lambda: None))
    for _ in range(4):
        box.put('{"type": "level"}')
        await clock.advance(0.5)
    assert [message["type"] for message in socket.messages] == ["level"] * 4
    await clock.advance(2.0)
    assert [message["type"] for message in socket.messages][4:] == ["heartbeat"] * 2
    assert "heartbeat" in HEARTBEAT
    box.close()
    assert await task


async def test_hub_costs_an_observer_one_place_per_kind() -> None:
    hub = Hub()
    box = hub.join("snapshot")
    for number in range(1000):
        hub.publish(f"update {number}", "update")
        hub.publish(f"level {number}", "level")
    assert len(box) == 3
    hub.close()
    assert [await box.take() for _ in range(4)] == ["snapshot", "update 999", "level 999", None]


@pytest.mark.parametrize("key", ["prompt:a", None])
async def test_closed_outbox_takes_nothing(key: str | None) -> None:
    box = Outbox(3)
    box.discard()
    box.put("late", key)
    assert len(box) == 0
