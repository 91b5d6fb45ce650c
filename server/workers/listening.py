"""Answers the other workers: where a session is, what is counted here; and serves the sockets that they pass on."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from server.access.audit import Act
from server.access.principal import Principal, Role
from server.access.tokens import Claim, Scope
from server.errors import TingqingError
from server.live.calls import Calls, Comer
from server.live.manager import SessionManager
from server.live.whereabouts import Whereabouts
from server.logs import about_session, request_id
from server.workers.board import Facts
from server.workers.control import stopped
from server.workers.faults import told_of
from server.workers.frames import Kind, Line, LineBrokenError
from server.workers.relay import FarTransport
from server.workers.routing import MOVING, Routing
from server.workers.seat import Seat

log = logging.getLogger(__name__)

HEAD_S = 5.0
TELL_EVERY_S = 0.2
"""How soon the others know that there is room, or no more."""

Note = Callable[[Principal, Act, str, str], Awaitable[None]]
Answers = Mapping[str, Callable[[], Awaitable[Any]]]


class Listening:
    """Serves one connection of another worker after another, many at a time: as many as that one has sockets."""

    def __init__(self, manager: SessionManager, calls: Calls, routing: Routing, note: Note, answers: Answers) -> None:
        """``note``: writes the audit. ``answers``: to questions that have no arguments."""
        self._manager = manager
        self._calls = calls
        self._routing = routing
        self._note = note
        self._answers = answers
        self._running: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        line = Line(reader, writer)
        try:
            async with asyncio.timeout(HEAD_S):
                asked = await line.receive_json()
            await self._answer(line, asked)
        except (LineBrokenError, TimeoutError):
            pass
        except Exception:  # the worker that asked gets no answer; the next one does
            log.exception("another worker could not be answered")
        finally:
            self._running.discard(task)
            line.close()

    async def close(self) -> None:
        """Break off what is left."""
        running = set(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _answer(self, line: Line, asked: dict[str, Any]) -> None:
        match asked["do"]:
            case "where":
                await line.send_json(Kind.HEAD, await self._where(asked["session_id"], asked["site"]))
            case "give":
                given = self._manager.known.give(asked["session_id"], asked["site"], asked["to"])
                told = None if given is None else MOVING.dump_python(given, mode="json")
                await line.send_json(Kind.HEAD, {"moving": told})
            case "windows":
                page = None
                with suppress(TingqingError):  # the worker that asked says what is wrong
                    page = await self._manager.known.windows(asked["session_id"], asked["site"], asked["at"])
                await line.send_json(Kind.HEAD, page)
            case "hear":
                await line.send_json(Kind.HEAD, await self._hear(asked["session_id"], asked["site"], asked["body"]))
            case "transcribe":
                await self._serve(line, asked, self._transcribe)
            case "list":
                listed = self._manager.listing.of(asked["site"])
                await line.send_json(Kind.HEAD, [one.model_dump_json() for one in listed])
            case "call":
                await self._serve(line, asked, self._call)
            case "stream":
                await self._serve(line, asked, self._stream)
            case "observe":
                await self._serve(line, asked, self._observe)
            case question:
                await line.send_json(Kind.HEAD, await self._answers[question]())

    async def _hear(self, session_id: str, site: str, body: str) -> dict[str, Any]:
        try:
            await self._manager.transcribing.hear(session_id, site, body)
        except TingqingError as error:
            return told_of(error)
        return told_of(None)

    async def _transcribe(self, transport: FarTransport, asked: dict[str, Any]) -> None:
        principal, session_id = _principal(asked), asked["session_id"]
        noted = partial(self._noted, principal, Act.SESSION_TRANSCRIBED, asked["peer"])
        await self._manager.transcribing.run(transport, principal, session_id, noted=noted)

    async def _call(self, transport: FarTransport, asked: dict[str, Any]) -> None:
        comer = Comer(**asked["comer"])
        about_session(comer.session_id)
        await self._calls.run(transport, comer)

    async def _where(self, session_id: str, site: str) -> Whereabouts:
        try:
            return await self._manager.known.where(session_id, site)
        except TingqingError:
            return Whereabouts.UNKNOWN

    async def _serve(
        self, line: Line, asked: dict[str, Any], run: Callable[[FarTransport, dict[str, Any]], Awaitable[None]]
    ) -> None:
        request_id.set(asked["request_id"])
        transport = FarTransport(line)
        reading = asyncio.create_task(transport.read())
        try:
            await run(transport, asked)
        finally:
            await stopped(reading)

    async def _stream(self, transport: FarTransport, asked: dict[str, Any]) -> None:
        principal, claim = _principal(asked), _claim(asked)
        if claim is not None:
            await self._routing.bring(claim.session_id, principal.site)
        noted = partial(self._noted, principal, Act.SESSION_SPOKEN, asked["peer"])
        address = asked["address"]
        await self._manager.run_stream(transport, principal, claim=claim, noted=noted, address=address)

    async def _observe(self, transport: FarTransport, asked: dict[str, Any]) -> None:
        principal, session_id = _principal(asked), asked["session_id"]
        about_session(session_id)
        noted = partial(self._noted, principal, Act.SESSION_OBSERVED, asked["peer"])

        async def nudging(act: Act) -> None:
            await self._note(principal, act, session_id, asked["peer"])

        allowed = nudging if asked["nudges"] else None
        await self._manager.run_observer(transport, principal, session_id, noted=noted, nudging=allowed)

    async def _noted(self, principal: Principal, act: Act, peer: str, session_id: str) -> None:
        await self._note(principal, act, session_id, peer)


def _principal(asked: dict[str, Any]) -> Principal:
    told = asked["principal"]
    return Principal(told["who"], Role(told["role"]), told["site"], told["key_id"])


def _claim(asked: dict[str, Any]) -> Claim | None:
    told = asked["claim"]
    return None if told is None else Claim(told["session_id"], told["live"], Scope(told["scope"]))


@asynccontextmanager
async def open_worker(
    seat: Seat, manager: SessionManager, calls: Calls, note: Note, answers: Answers, uploads: Callable[[], int]
) -> AsyncIterator[Routing]:
    """This worker among the others, for as long as the block runs. ``uploads``: how many it has now."""
    routing = Routing(seat, manager)
    listening = Listening(manager, calls, routing, note, answers)
    path = seat.socket_of(seat.index)
    with suppress(FileNotFoundError):
        path.unlink()  # of the one that died here
    before = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(listening.serve, path)
    finally:
        os.umask(before)

    def tell() -> None:
        counts = manager.counts()
        room = 0 if manager.full else max(1, _room(manager))
        facts = Facts(True, manager.draining, room, counts.live, counts.pending, uploads())
        seat.board.tell(seat.index, facts)

    async def telling() -> None:
        while True:
            tell()
            await asyncio.sleep(TELL_EVERY_S)

    task = asyncio.create_task(telling())
    try:
        yield routing
    finally:
        await stopped(task)
        seat.board.tell(seat.index, Facts())
        server.close()
        await listening.close()


def _room(manager: SessionManager) -> int:
    counts = manager.counts()
    places = manager.limits.sessions_here - counts.live
    by_load = None if manager.load is None else manager.load.room()
    return places if by_load is None else min(places, by_load)
