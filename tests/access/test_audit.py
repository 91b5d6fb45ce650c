"""The contract of every audit, and what the gate writes into it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.access.audit import Act, AuditEntry, AuditLog, MemoryAudit
from server.access.gate import Gate
from server.access.keys import MemoryKeys, create_key
from server.access.principal import ANYONE, Principal, Role
from server.access.throttle import WRONG_AT_ONCE
from server.errors import UnauthorizedError
from server.store.audit import StoredAudit
from server.store.database import open_database
from tests.access.conftest import WallClock
from tests.conftest import database_of


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def audit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AuditLog]:
    if request.param == "memory":
        yield MemoryAudit()
        return
    with database_of(request, tmp_path) as where:
        async with open_database(where) as database:
            yield StoredAudit(database)


async def test_entries_come_back_as_they_were_written_the_newest_last(audit: AuditLog, now: WallClock) -> None:
    written = []
    for act in Act:
        written.append(AuditEntry(now(), "key 1", "ward-3", act, "about", "192.0.2.1"))
        await audit.add(written[-1])
        now.advance(seconds=-1)  # a clock that is put back changes no order
    assert await audit.latest(100) == written
    assert await audit.latest(2) == written[-2:]


async def test_the_gate_writes_who_did_what_and_nothing_of_who_is_not_known(audit: AuditLog, now: WallClock) -> None:
    keys = MemoryKeys()
    gate = Gate(keys, audit, now)
    await gate.note(ANYONE, Act.SESSION_OBSERVED, "session-1", "127.0.0.1")
    assert await audit.latest(10) == []
    text, made = await create_key(keys, "ward-3", Role.VIEWER, now())
    holder = await gate.caller(f"Bearer {text}", "192.0.2.1")
    session_id = "5b0c" * 8
    await gate.note(holder, Act.SESSION_OBSERVED, session_id, "192.0.2.1")
    (entry,) = await audit.latest(10)
    assert entry == AuditEntry(now(), f"key {made.id}", "ward-3", Act.SESSION_OBSERVED, session_id, "192.0.2.1")


@pytest.mark.parametrize("about", ["\x1b[2J", "[red]x[/red]", "x" * 32, "5b0c" * 9, "5b0c" * 8 + "\n", "密"])
async def test_what_a_stranger_calls_a_session_is_not_written_down(audit: AuditLog, now: WallClock, about: str) -> None:
    keys = MemoryKeys()
    gate = Gate(keys, audit, now)
    text, _ = await create_key(keys, "ward-3", Role.VIEWER, now())
    await gate.note(await gate.caller(f"Bearer {text}", ""), Act.SESSION_OBSERVED, about, "")
    (entry,) = await audit.latest(10)
    assert entry.about == "?"


async def test_guesses_are_written_down_once_an_address_has_to_wait(audit: AuditLog, now: WallClock) -> None:
    keys = MemoryKeys()
    await create_key(keys, "a", Role.ADMIN, now())
    gate = Gate(keys, audit, now, monotonic=lambda: 0.0)
    for _ in range(WRONG_AT_ONCE):
        with pytest.raises(UnauthorizedError):
            await gate.caller("Bearer nonsense", "192.0.2.1")
    (entry,) = await audit.latest(10)
    assert (entry.act, entry.address) == (Act.GUESSES_REFUSED, "192.0.2.1")


async def test_reading_on_in_windows_is_noted_once_whether_or_not_the_first_page_was_read(
    audit: AuditLog, now: WallClock
) -> None:
    keys = MemoryKeys()
    await create_key(keys, "ward-3", Role.VIEWER, now())
    who, other = (Principal(f"key {number}", Role.VIEWER, "ward-3", str(number)) for number in (1, 2))
    gate = Gate(keys, audit, now, monotonic=lambda: 0.0)
    first, second = "5b0c" * 8, "0" * 32
    await gate.note(who, Act.SESSION_OBSERVED, first, "203.0.113.5")
    for _ in range(3):
        await gate.observes(who, first, "203.0.113.5")
        await gate.observes(who, second, "203.0.113.5")
        await gate.observes(other, first, "203.0.113.5")
    assert [(one.who, one.about) for one in await audit.latest(9)] == [
        ("key 1", first), ("key 1", second), ("key 2", first),
    ]  # fmt: skip


async def test_a_look_is_noted_once_though_several_processes_are_asked(audit: AuditLog, now: WallClock) -> None:
    keys = MemoryKeys()
    await create_key(keys, "ward-3", Role.VIEWER, now())
    who = Principal("key 1", Role.VIEWER, "ward-3", "1")
    gates = [Gate(keys, audit, now, monotonic=lambda: 0.0) for _ in range(2)]
    for gate in (*gates, *gates):
        await gate.looks(who, "203.0.113.5")
    await gates[0].looks(who, "203.0.113.6")
    await gates[1].transcribes(who, "0" * 32, "203.0.113.5")
    await gates[0].transcribes(who, "0" * 32, "203.0.113.5")
    noted = [(one.act, one.address) for one in await audit.latest(20)]
    assert noted == [
        (Act.SESSIONS_LISTED, "203.0.113.5"),
        (Act.SESSIONS_LISTED, "203.0.113.6"),
        (Act.SESSION_TRANSCRIBED, "203.0.113.5"),
    ]
