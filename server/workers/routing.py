"""Brings each socket to the worker that has its session, and newcomers to one that has room."""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from server.access.principal import Principal
from server.access.tokens import Claim
from server.assessment.checked_voices import CheckedVoices
from server.errors import TingqingError
from server.live.calls import Comer
from server.live.clock import LoopClock
from server.live.handshake import first_message, refuse
from server.live.known_voices import check_named_by
from server.live.manager import SessionManager
from server.live.observer import Nudging
from server.live.pending import Moving
from server.live.transport import Disconnected, Transport
from server.live.whereabouts import Whereabouts
from server.logs import about_session, request_id
from server.workers.asking import Asking
from server.workers.far_links import FarLinks
from server.workers.far_voices import FarVoices
from server.workers.faults import raise_told, silent
from server.workers.first_message import FirstAgain, Looked
from server.workers.frames import LineBrokenError
from server.workers.relay import Relay
from server.workers.seat import Seat

log = logging.getLogger(__name__)

MOVING: TypeAdapter[Moving] = TypeAdapter(Moving)
TRIES = 3
"""An announced session may move while it is looked for."""

LEAVE_S = 1.0
HEAR_S = 10.0
"""The first segment of a set of labels builds its matcher."""


class Routing:
    """The sessions of all workers, as this one sees them."""

    def __init__(self, seat: Seat, manager: SessionManager, voices: CheckedVoices) -> None:
        self.index = seat.index
        self._seat = seat
        self._manager = manager
        self._asking = Asking(seat)
        self._clock = LoopClock()
        self.voices = FarVoices(self._asking, voices, self._clock)
        self.links = FarLinks(self._asking, self.owner, manager.known)
        self._relays = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def of(self, peer: str) -> "Sockets":
        """The sockets of a client at this address."""
        return Sockets(self, self._manager, peer)

    async def ask_all(self, what: str, within_s: float) -> dict[int, Any]:
        """What the other workers say to ``what``; ``None`` of those that do not answer."""
        return await self._asking.ask_all({"do": what}, within_s)

    async def listed(self, site: str) -> list[str]:
        """The sessions of ``site`` in the other workers, each as JSON (``server.wire.sessions.ListedSession``)."""
        answers = await self._asking.ask_all({"do": "list", "site": site})
        return [one for answer in answers.values() if answer is not None for one in answer]

    async def windows(self, session_id: str, site: str, at: int) -> tuple[str, int | None]:
        """See ``Known.windows``, in whichever worker the session ended."""
        found = await self.owner(session_id, site)
        if found is not None:
            what = {"do": "windows", "session_id": session_id, "site": site, "at": at}
            told = await self._asking.ask(found[0], what)
            if told is None:
                raise silent()
            return told[0], told[1]
        return await self._manager.known.windows(session_id, site, at)

    async def hear(self, session_id: str, site: str, body: str) -> None:
        """See ``Transcribing.hear``, in whichever worker the session is."""
        found = await self.owner(session_id, site)
        if found is not None:
            what = {"do": "hear", "session_id": session_id, "site": site, "body": body}
            told = await self._asking.ask(found[0], what, HEAR_S)
            if told is None:
                raise silent()
            raise_told(told)
            return
        await self._manager.transcribing.hear(session_id, site, body)

    async def no_relays(self, within_s: float) -> None:
        """While all workers stop: wait until the sockets here whose sessions others have are closed."""
        if self._seat.alone_in_leaving:
            return  # their clients come back elsewhere
        try:
            async with asyncio.timeout(within_s + LEAVE_S):
                await self._idle.wait()
        except TimeoutError:
            return

    # -- where a session belongs

    async def owner(self, session_id: str, site: str) -> tuple[int, Whereabouts] | None:
        """The other worker that has it; ``None`` if this one does, or nobody."""
        try:
            if await self._manager.known.where(session_id, site) is not Whereabouts.UNKNOWN:
                return None
        except TingqingError:  # the store does not answer: whoever has the session in memory can still be found
            pass
        return await self._asking.find(session_id, site)

    async def place(self, resumed: str | None, principal: Principal, claim: Claim | None) -> int | None:
        """The other worker to which this patient's socket belongs; ``None``: it belongs here. ``resumed``: the session
        to which the patient comes back."""
        if resumed is not None:
            if claim is not None and claim.session_id != resumed:
                return None  # to be refused
            found = await self.owner(resumed, principal.site)
            return None if found is None else found[0]
        if claim is not None:
            found = await self.owner(claim.session_id, principal.site)
            if found is not None and found[1] is Whereabouts.HERE:
                return found[0]  # it was claimed there
        roomier = self._seat.roomiest() if self._manager.full else None
        if roomier is None and claim is not None:
            await self.bring(claim.session_id, principal.site)
        return roomier

    async def bring(self, session_id: str, site: str) -> None:
        """Have the announced session here, if another worker has it. It is in one process at a time: so its link is
        redeemed once."""
        for _ in range(TRIES):
            found = await self.owner(session_id, site)
            if found is None or found[1] is not Whereabouts.ANNOUNCED:
                return
            given = await self._given_by(found[0], session_id, site)
            if given is not None:
                self._manager.known.bring(session_id, MOVING.validate_python(given))
                return

    async def _given_by(self, worker: int, session_id: str, site: str) -> Any:
        """Asked again if no answer comes: the other one may have given it up, and knows to whom."""
        what = {"do": "give", "session_id": session_id, "site": site, "to": str(self.index)}
        for _ in range(TRIES):
            if (answer := await self._asking.ask(worker, what)) is not None:
                return answer["moving"]
        return None

    def meets_in(self, session_id: str) -> int:
        """The worker that has the calls of this session, the same one for all who ask."""
        return zlib.crc32(session_id.encode()) % self._seat.count

    def sends(self, worker: int) -> None:
        """See Seat."""
        self._seat.sends(worker)

    # -- relaying

    async def relay(self, worker: int, transport: Transport, what: dict[str, Any], first: str | None = None) -> bool:
        """Let ``worker`` serve this socket until it is closed. False: it is not there, and nothing was sent."""
        try:
            line = await self._asking.open(worker, {**what, "request_id": request_id.get()})
        except LineBrokenError:
            return False
        self._relays += 1
        self._idle.clear()
        log.info("a socket is served by worker %d", worker + 1)
        try:
            await Relay(line, transport).run(first)
        except Disconnected:
            pass
        finally:
            self._relays -= 1
            if not self._relays:
                self._idle.set()
        return True

    async def asked_by(
        self, transport: FirstAgain, principal: Principal, claim: Claim | None, address: str
    ) -> tuple[str | None, dict[str, str] | None]:
        """The session to which the first message comes back, and the check that it names, if any. By the rules of
        ``SessionManager``, which receives it again; raises as it does."""
        with self._manager.starting.place(principal, claim, address):
            start = await first_message(Looked(transport), self._clock, self._manager.limits)
        return None if start.resume is None else start.resume.session_id, check_named_by(start)

    async def refuse(self, transport: Transport, error: TingqingError) -> None:
        """Say why, and close."""
        await refuse(transport, error, self._clock, self._manager.limits)


class Sockets:
    """What ``SessionManager`` has for one client, in whichever worker."""

    def __init__(self, routing: Routing, manager: SessionManager, peer: str) -> None:
        self._routing = routing
        self._manager = manager
        self._peer = peer

    async def run_stream(
        self,
        transport: Transport,
        principal: Principal,
        *,
        claim: Claim | None = None,
        noted: Callable[[str], Awaitable[None]] | None = None,
        address: str = "",
    ) -> None:
        """See SessionManager."""
        again = FirstAgain(transport)
        try:
            resumed, check = await self._routing.asked_by(again, principal, claim, address)
            worker = await self._routing.place(resumed, principal, claim)
        except TingqingError as error:
            await self._routing.refuse(transport, error)
            return
        except Disconnected:
            return
        if worker is not None:
            assert isinstance(again.first, str), "session.start is text"
            what = {
                "do": "stream",
                "principal": asdict(principal),
                "claim": None if claim is None else asdict(claim),
                "peer": self._peer,
                "address": address,
                "check": check,
            }
            if resumed is None:
                self._routing.sends(worker)
            if await self._routing.relay(worker, transport, what, again.first):
                return
        await self._routing.voices.bring(check, principal.site)
        await self._manager.run_stream(again, principal, claim=claim, noted=noted, address=address)

    async def run_observer(
        self,
        transport: Transport,
        principal: Principal,
        session_id: str,
        *,
        noted: Callable[[str], Awaitable[None]] | None = None,
        nudging: Nudging | None = None,
    ) -> None:
        """See SessionManager."""
        about_session(session_id)
        found = await self._routing.owner(session_id, principal.site)
        if found is not None:
            what = {
                "do": "observe",
                "principal": asdict(principal),
                "session_id": session_id,
                "nudges": nudging is not None,
                "peer": self._peer,
            }
            if await self._routing.relay(found[0], transport, what):
                return
        await self._manager.run_observer(transport, principal, session_id, noted=noted, nudging=nudging)

    async def pass_call(self, transport: Transport, comer: Comer) -> bool:
        """Both sides of a call meet in one worker, by the number of their session. False: in this one, or that one is
        not there."""
        worker = self._routing.meets_in(comer.session_id)
        what = {"do": "call", "comer": asdict(comer)}
        return worker != self._routing.index and await self._routing.relay(worker, transport, what)

    async def run_transcriber(
        self,
        transport: Transport,
        principal: Principal,
        session_id: str,
        *,
        noted: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """See Transcribing.run."""
        about_session(session_id)
        found = await self._routing.owner(session_id, principal.site)
        if found is not None:
            what = {"do": "transcribe", "principal": asdict(principal), "session_id": session_id, "peer": self._peer}
            if await self._routing.relay(found[0], transport, what):
                return
        await self._manager.transcribing.run(transport, principal, session_id, noted=noted)
