"""Brings the two sides of a call together: a relay of a few messages until the browsers speak with each other alone.

No sound and no picture passes here. A call is of one session of a site; its patient and its doctor have a seat each.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import assert_never

from server.access.buckets import Bucket
from server.access.ice import IceServers
from server.errors import (
    CapacityError,
    FrameTooLargeError,
    IdleTimeoutError,
    SessionSupersededError,
    TingqingError,
    TokenExpiredError,
    TokenUsedError,
    TooManyFaultsError,
    UnexpectedMessageError,
)
from server.live import endings
from server.live.clock import Clock, LoopClock, deadline
from server.live.guards import FaultGuard
from server.live.handshake import part, refuse
from server.live.limits import LiveLimits
from server.live.messages import error_message
from server.live.outbox import Outbox, OutboxSender
from server.live.transport import Disconnected, Transport, size_of
from server.wire.call import (
    CallJoin,
    CallJoined,
    CallLeave,
    CallPeer,
    CallRole,
    CallSignal,
    IceServer,
    parse_call_message,
)
from server.wire.client import KeepAlive

MOST_ROOMS = 10_000
"""Calls that are remembered; of more, the one in which nobody has sat for longest is forgotten."""

MAX_SIGNAL_BYTES = 32 * 1024
ROOM = 64
"""Messages that may wait for one side; one that reads none of them is dropped."""

SIGNALS = 200
SIGNALS_PER_S = 20.0


@dataclass(frozen=True, slots=True)
class Comer:
    """Who wants to sit down. ``live``: of a patient, whether the link still begins something. ``returns``: they have
    shown the seat that they got before. ``seat``: the one that they get now."""

    site: str
    session_id: str
    role: CallRole
    live: bool = True
    returns: bool = False
    seat: str = ""


@dataclass(slots=True)
class _Side:
    outbox: Outbox
    ended: TingqingError | None = None
    left: bool = False
    budget: Bucket = field(default_factory=lambda: Bucket(SIGNALS, SIGNALS_PER_S, 0.0))


@dataclass(slots=True)
class _Room:
    sides: dict[CallRole, _Side] = field(default_factory=dict)
    meeting: int = 0
    seated: bool = False
    """Whether the patient's link was used."""


async def join_message(transport: Transport, limits: LiveLimits, clock: Clock | None = None) -> CallJoin:
    """The first message of a socket. Raises IdleTimeoutError after ``start_s``, MalformedMessageError,
    UnexpectedMessageError, FrameTooLargeError, Disconnected."""
    try:
        async with deadline(clock or LoopClock(), limits.start_s):
            message = _parsed(await transport.receive())
    except TimeoutError:
        raise IdleTimeoutError(f"No call.join came within {limits.start_s:g} s.") from None
    if not isinstance(message, CallJoin):
        raise UnexpectedMessageError(f"{message.type} came before call.join.", param="type")
    return message


class Calls:
    """The calls of one process. ``run`` owns the tasks of its socket and returns when it is closed."""

    def __init__(self, limits: LiveLimits, ice: IceServers, clock: Clock | None = None) -> None:
        self.limits = limits
        self._ice = ice
        self._clock = clock or LoopClock()
        self._rooms: OrderedDict[tuple[str, str], _Room] = OrderedDict()

    async def run(self, transport: Transport, comer: Comer) -> None:
        """A socket whose ``call.join`` came, until its peer leaves. A second socket of the same side takes its seat."""
        try:
            room = self._admit(comer)
        except TingqingError as error:
            await refuse(transport, error, self._clock, self.limits)
            return
        side = self._sit_down(room, comer)
        sender = OutboxSender(transport, side.outbox, self._clock, self.limits)
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(transport, room, comer.role, side))
                await sender.run(lambda: None)
                reading.cancel()
        finally:
            self._stand_up(room, comer.role, side)
        code, reason = (endings.ENDED, "left") if side.ended is None else (side.ended.close_code, side.ended.code)
        await part(transport, self._clock, self.limits, code, reason)

    async def refuse(self, transport: Transport, error: TingqingError) -> None:
        """Say why, and close."""
        await refuse(transport, error, self._clock, self.limits)

    # -- seats

    def _admit(self, comer: Comer) -> _Room:
        key = (comer.site, comer.session_id)
        room = self._rooms.get(key)
        if comer.role == "patient" and not comer.returns:
            if room is not None and room.seated:
                raise TokenUsedError("This link was already used. Ask for a new one.", param="token")
            if not comer.live:
                raise TokenExpiredError("This link has expired. Ask for a new one.", param="token")
        if room is None:
            self._make_room()
            room = self._rooms[key] = _Room()
        self._rooms.move_to_end(key)
        return room

    def _make_room(self) -> None:
        if len(self._rooms) < MOST_ROOMS:
            return
        empty = next((key for key, room in self._rooms.items() if not room.sides), None)
        if empty is None:
            raise CapacityError("Too many calls; try again later.", retry_after_s=self.limits.retry_after_s)
        del self._rooms[empty]

    def _sit_down(self, room: _Room, comer: Comer) -> _Side:
        before = room.sides.get(comer.role)
        if before is not None:
            self._end(before, SessionSupersededError("The call goes on from another connection."))
        room.seated = room.seated or comer.role == "patient"
        room.meeting += 1
        side = room.sides[comer.role] = _Side(Outbox(ROOM))
        other = self._other(room, comer.role)
        servers = [IceServer(**one) for one in self._ice.for_call(comer.session_id, self._clock.wall_time())]
        joined = CallJoined(
            role=comer.role, seat=comer.seat, present=other is not None, meeting=room.meeting, ice_servers=servers
        )
        side.outbox.put(joined.model_dump_json(exclude_none=True))
        if other is not None:
            other.outbox.put(CallPeer(present=True, meeting=room.meeting).model_dump_json())
        return side

    def _stand_up(self, room: _Room, role: CallRole, side: _Side) -> None:
        if room.sides.get(role) is not side:
            return  # another socket of this side has taken the seat
        del room.sides[role]
        other = self._other(room, role)
        if other is not None:
            other.outbox.put(CallPeer(present=False, meeting=room.meeting, left=side.left).model_dump_json())

    @staticmethod
    def _other(room: _Room, role: CallRole) -> _Side | None:
        return room.sides.get("doctor" if role == "patient" else "patient")

    @staticmethod
    def _end(side: _Side, error: TingqingError) -> None:
        side.ended = error
        side.outbox.put(error_message(error).model_dump_json())
        side.outbox.close()

    # -- messages

    async def _read(self, transport: Transport, room: _Room, role: CallRole, side: _Side) -> None:
        faults = FaultGuard()
        while True:
            try:
                async with deadline(self._clock, self.limits.idle_s):
                    received = await transport.receive()
                self._take(_parsed(received), room, role, side)
                if side.left:
                    side.outbox.close()
                    return
            except Disconnected:
                side.outbox.discard()
                return
            except TimeoutError:
                self._end(side, IdleTimeoutError(f"Nothing came for {self.limits.idle_s:g} s."))
                return
            except TingqingError as error:
                fatal = error if error.fatal else self._one_too_many(faults)
                if fatal is not None:
                    self._end(side, fatal)
                    return
                side.outbox.put(error_message(error).model_dump_json(), "error")

    def _one_too_many(self, faults: FaultGuard) -> TingqingError | None:
        try:
            faults.note(self._clock.now())
        except TingqingError as fatal:
            return fatal
        return None

    def _take(
        self, message: CallJoin | CallSignal | CallLeave | KeepAlive, room: _Room, role: CallRole, side: _Side
    ) -> None:
        now = self._clock.now()
        if side.budget.wait_s(now) > 0:
            raise TooManyFaultsError("Too many messages.")
        side.budget.take(now)
        match message:
            case CallSignal():
                other = self._other(room, role)
                if other is not None and message.meeting == room.meeting:
                    other.outbox.put(message.model_dump_json())
            case CallLeave():
                side.left = True
            case KeepAlive():
                return
            case CallJoin():
                raise UnexpectedMessageError("This socket has joined already.", param="type")
            case _:
                assert_never(message)


def _parsed(received: str | bytes) -> CallJoin | CallSignal | CallLeave | KeepAlive:
    if size_of(received) > MAX_SIGNAL_BYTES:
        raise FrameTooLargeError(f"A message of a call may have {MAX_SIGNAL_BYTES} bytes at most.")
    if isinstance(received, bytes):
        raise UnexpectedMessageError("A call sends no audio through the server.", param="type")
    return parse_call_message(received)
