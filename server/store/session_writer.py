"""Writes what sessions leave behind, beside the event loop's work: of each session only the newest, in batches."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from server.batches.repeats import Answered
from server.errors import StoreError
from server.live.checkpoint import SessionCheckpoint
from server.live.clock import Clock, deadline
from server.notify.events import Event, EventType
from server.records.kept import KeptRecord
from server.store import outbox_rows, record_rows, repeat_rows, session_rows
from server.store.checkpoint_parts import Parts, Written, parts_of
from server.store.database import Database
from server.store.health import StoreHealth
from server.store.session_rows import EndedRow

log = logging.getLogger(__name__)

EVERY_S = 1.0
"""The pause between two batches: a session has one update per second, and may lose the last to a sudden end."""

AGAIN_S = 2.0
"""The pause after a batch that failed."""

MAX_EVENTS = 20
"""Changes of labels of one session that wait for a database that fails; the oldest are dropped. Matches of rules, of
which there are no more than rules, are all kept."""


MOST_RECORDS = 20_000
"""Rows of results that wait while the database fails: days of a busy server."""


@dataclass(frozen=True, slots=True)
class Change:
    """``release``: any process may take the session. ``over``: it has ended, with ``ended`` to be kept for a while and
    ``record`` for longer; a record of a file comes in the same way, with the answer that is given again. ``events``:
    what other systems are told of it meanwhile."""

    checkpoint: SessionCheckpoint | None = None
    release: bool = False
    over: bool = False
    ended: EndedRow | None = None
    record: KeptRecord | None = None
    events: tuple[Event, ...] = ()
    answered: Answered | None = None

    def then(self, later: "Change") -> "Change":
        """Both in one."""
        events = _bounded((*self.events, *later.events))
        if self.over or later.over:
            ended, record = later.ended or self.ended, later.record or self.record
            return Change(
                over=True, ended=ended, record=record, events=events, answered=later.answered or self.answered
            )
        return Change(later.checkpoint or self.checkpoint, self.release or later.release, events=events)


def _bounded(events: tuple[Event, ...]) -> tuple[Event, ...]:
    changes = [one.id for one in events if one.type is EventType.LABEL_CHANGED]
    dropped = set(changes[:-MAX_EVENTS])
    return tuple(one for one in events if one.id not in dropped)


class SessionWriter:
    """Bounded: one change waits per session, whatever comes meanwhile; results that cannot be written are dropped
    beyond ``max_bytes``, the oldest first; of a record the row stays, up to ``MOST_RECORDS``. Nobody who puts waits for
    the database, unless by ``written``.

    What another process took from this one is not written: ``on_lost`` is called with it instead.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        clock: Clock,
        health: StoreHealth,
        max_bytes: int,
        on_lost: Callable[[str], None],
    ) -> None:
        self._database = database
        self._owner = owner
        self._clock = clock
        self._health = health
        self._max_bytes = max_bytes
        self._on_lost = on_lost
        self._waiting: dict[str, Change] = {}
        self._writing: Collection[str] = ()
        self._written: dict[str, Written] = {}
        self._due = asyncio.Event()
        self._urgent = asyncio.Event()
        self._round = asyncio.Event()
        self._stopped = asyncio.Event()
        self._unwritable: set[str] = set()
        self._connections = 0
        self.failing = False

    def __len__(self) -> int:
        """Sessions whose newest state is not written yet."""
        return len(self._waiting)

    def change(self, session_id: str, change: Change) -> None:
        """To be written with the next batch."""
        earlier = self._waiting.get(session_id)
        self._waiting[session_id] = change if earlier is None else earlier.then(change)
        self._due.set()

    def took(self, session_id: str, checkpoint: SessionCheckpoint) -> None:
        """This process has the session now, with what the database has of it."""
        self._waiting.pop(session_id, None)
        self._written[session_id] = Written(len(checkpoint.log))

    def has_written(self, session_id: str) -> bool:
        """Whether the database had this session from here."""
        return session_id in self._written

    def waits(self, session_id: str) -> bool:
        """Whether something of it is not written yet."""
        return session_id in self._waiting or session_id in self._writing

    def settled(self) -> set[str]:
        """Sessions that the database must have as this process's: nothing of them waits or is being written."""
        return {each for each in self._written if not self.waits(each)}

    def forget(self, session_id: str) -> None:
        """Another process took it."""
        self._written.pop(session_id, None)

    async def written(self, session_id: str) -> None:
        """Wait until nothing of this session waits, or the database fails; the next batch begins at once."""
        while not self.failing and self.waits(session_id):
            self._urgent.set()
            await self._round.wait()

    async def run(self) -> None:
        """Until ``stop``; what still waits then is written last. Cancelled earlier, it keeps what it was writing."""
        while not self._stopped.is_set():
            await self._due.wait()
            self._due.clear()
            await self.write_now()
            await self._rest()
        if self._waiting:
            await self.write_now()

    def stop(self) -> None:
        """No change follows: end after the batch in flight, and one more of the rest."""
        self._stopped.set()
        self._due.set()
        self._urgent.set()

    async def _rest(self) -> None:
        if self._stopped.is_set():
            return
        if not self.failing:
            self._urgent.clear()
        try:
            async with deadline(self._clock, AGAIN_S if self.failing else EVERY_S):
                await (self._stopped if self.failing else self._urgent).wait()
        except TimeoutError:
            return

    async def write_now(self) -> None:
        """One batch, of all that waits."""
        batch, self._waiting = self._waiting, {}
        self._writing = batch.keys()
        try:
            parts = await asyncio.to_thread(self._prepared, batch)
            parts, lost = await self._write(batch, parts)
        except StoreError as error:
            # Rows that are there already: the database holds more than is known here. No repetition mends that.
            if self._database.url is not None:
                self._doubt_all()
            (self._doubt if isinstance(error.__cause__, IntegrityError) else self._failed)(batch)
        except asyncio.CancelledError:
            self._doubt(batch)
            raise
        except Exception:  # a fault of ours must neither end the writing nor lose what was to be written
            log.exception("checkpoints could not be written")
            self._doubt(batch)
        else:
            self._succeeded(batch, parts, lost)
        finally:
            self._writing = ()
            done, self._round = self._round, asyncio.Event()
            done.set()

    def _prepared(self, batch: dict[str, Change]) -> dict[str, Parts]:
        """On a thread. A state that cannot be put into bytes is dropped alone; the database keeps the one before."""
        prepared = {}
        for session_id, change in batch.items():
            if change.checkpoint is None:
                continue
            try:
                prepared[session_id] = parts_of(change.checkpoint, self._written.get(session_id, Written()))
            except Exception:  # whatever is wrong with one session must not hold up the others
                self._health.unwritable += 1
                if session_id not in self._unwritable:
                    log.exception("the state of session %s cannot be written", session_id[:8])
                self._unwritable.add(session_id)
            else:
                self._unwritable.discard(session_id)
        return prepared

    async def _write(self, batch: dict[str, Change], parts: dict[str, Parts]) -> tuple[dict[str, Parts], set[str]]:
        """Returns what was written, and the sessions of the batch that this process does not have any more."""
        answered = [change.answered for change in batch.values() if change.answered is not None]
        answers = await asyncio.to_thread(repeat_rows.all_packed, answered)
        async with self._database.writing() as connection:
            owners = await session_rows.locked_owners(connection, batch)
            had = {each for each in batch if each in owners or each in self._written}
            lost = await session_rows.taken_of(connection, self._owner, owners, had)
            if self._doubts(had - owners.keys() - lost):
                parts = await asyncio.to_thread(self._prepared, batch)
            ours = {session_id: change for session_id, change in batch.items() if session_id not in lost}
            written = {session_id: each for session_id, each in parts.items() if session_id in ours}
            await session_rows.write(connection, self._owner, owners, written)
            if released := [session_id for session_id, change in ours.items() if change.release]:
                await session_rows.release(connection, released)
            if over := [session_id for session_id, change in ours.items() if change.over]:
                await session_rows.remove(connection, over)
            if ended := [change.ended for change in ours.values() if change.ended is not None]:
                await session_rows.add_ended(connection, ended)
            if records := [change.record for change in ours.values() if change.record is not None]:
                await record_rows.add(connection, records)
            told = [one for each in ours.values() for one in (*each.events, *(each.ended.events if each.ended else ()))]
            await outbox_rows.tell(connection, told, self._clock.wall_time())
            await repeat_rows.write_answers(connection, answers, self._owner)
        return parts, lost

    def _doubts(self, missing: Collection[str]) -> bool:
        """Whether the server may be another one than before, or lacks ``missing``, so that all is to be written."""
        if self._database.url is None or (self._connections == self._database.connections and not missing):
            return False
        self._connections = self._database.connections
        self._doubt_all()
        return True

    def _succeeded(self, batch: dict[str, Change], parts: dict[str, Parts], lost: set[str]) -> None:
        self.failing = False
        self._health.worked("writing")
        for session_id, change in batch.items():
            if change.release or change.over or session_id in lost:
                self._written.pop(session_id, None)
                self._unwritable.discard(session_id)
            elif session_id in parts:
                self._written[session_id] = parts[session_id].then
            if session_id in lost:
                self._waiting.pop(session_id, None)
                self._on_lost(session_id)

    def _doubt(self, batch: dict[str, Change]) -> None:
        """Nobody knows whether the database has the batch: it is written again, as if nothing were there."""
        self._written.update({session_id: Written() for session_id in batch if session_id in self._written})
        self._failed(batch)

    def _doubt_all(self) -> None:
        """A server that comes back may have lost what it had: another one took its place, or it commits late."""
        self._written = dict.fromkeys(self._written, Written())

    def _failed(self, batch: dict[str, Change]) -> None:
        self.failing = True
        self._health.failed("writing")
        later, self._waiting = self._waiting, batch
        for session_id, change in later.items():
            self.change(session_id, change)
        self._due.set()
        self._drop_results()

    def _drop_results(self) -> None:
        farewells = bodies = records = answers = 0
        for session_id, change in reversed(list(self._waiting.items())):
            ended, record, answered = change.ended, change.record, change.answered
            if ended is not None and ended.farewell is not None:
                farewells += len(ended.farewell)
                if farewells > self._max_bytes:
                    ended = replace(ended, farewell=None)
            if record is not None:
                records += 1
                bodies += len(record.body or b"")
                if bodies > self._max_bytes:
                    record = replace(record, body=None)
                if records > MOST_RECORDS:
                    record = None
            if answered is not None:
                answers += len(answered.kept.answer)
                if answers > self._max_bytes:
                    answered = None
            self._waiting[session_id] = replace(change, ended=ended, record=record, answered=answered)
