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
from server.assessment.checked_voices import CheckedVoices
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
        served = {
            "stream": self._stream,
            "observe": self._observe,
            "transcribe": self._transcribe,
            "call": self._call,
        }
        told = {
            "where": self._where,
            "give": self._give,
            "windows": self._windows,
            "hear": self._hear,
            "check_link": self._check_link,
            "list": self._list,
            "give_voice": self._give_voice,
            "forget_voice": self._forget_voice,
        }
        if (what := asked["do"]) in served:
            await self._serve(line, asked, served[what])
        else:
            answer = told[what](asked) if what in told else self._answers[what]()
            await line.send_json(Kind.HEAD, await answer)

    async def _where(self, asked: dict[str, Any]) -> Whereabouts:
        try:
            return await self._manager.known.where(asked["session_id"], asked["site"])
        except TingqingError:
            return Whereabouts.UNKNOWN

    async def _give(self, asked: dict[str, Any]) -> Any:
        given = self._manager.known.give(asked["session_id"], asked["site"], asked["to"])
        return {"moving": None if given is None else MOVING.dump_python(given, mode="json")}

    async def _windows(self, asked: dict[str, Any]) -> Any:
        with suppress(TingqingError):  # the worker that asked says what is wrong
            return await self._manager.known.windows(asked["session_id"], asked["site"], asked["at"])
        return None

    async def _list(self, asked: dict[str, Any]) -> list[str]:
        return [one.model_dump_json() for one in self._manager.listing.of(asked["site"])]

    async def _give_voice(self, asked: dict[str, Any]) -> Any:
        return self._routing.voices.give(asked["check"], asked["site"])

    async def _forget_voice(self, asked: dict[str, Any]) -> None:
        self._routing.voices.forget_here(asked["session_id"], asked["site"])

    async def _hear(self, asked: dict[str, Any]) -> dict[str, Any]:
        return await _met(self._manager.transcribing.hear(asked["session_id"], asked["site"], asked["body"]))

    async def _check_link(self, asked: dict[str, Any]) -> dict[str, Any]:
        return await _met(self._manager.known.check_link(asked["session_id"], asked["site"]))

    async def _transcribe(self, transport: FarTransport, asked: dict[str, Any]) -> None:
        principal, session_id = _principal(asked), asked["session_id"]
        noted = partial(self._noted, principal, Act.SESSION_TRANSCRIBED, asked["peer"])
        await self._manager.transcribing.run(transport, principal, session_id, noted=noted)

    async def _call(self, transport: FarTransport, asked: dict[str, Any]) -> None:
        comer = Comer(**asked["comer"])
        about_session(comer.session_id)
        await self._calls.run(transport, comer)

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
        await self._routing.voices.bring(asked["check"], principal.site)
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


async def _met(doing: Awaitable[None]) -> dict[str, Any]:
    """Which error it met, if any, for the worker that asked."""
    try:
        await doing
    except TingqingError as error:
        return told_of(error)
    return told_of(None)


def _principal(asked: dict[str, Any]) -> Principal:
    told = asked["principal"]
    return Principal(told["who"], Role(told["role"]), told["site"], told["key_id"])


def _claim(asked: dict[str, Any]) -> Claim | None:
    told = asked["claim"]
    return None if told is None else Claim(told["session_id"], told["live"], Scope(told["scope"]))


@asynccontextmanager
async def open_worker(
    seat: Seat,
    manager: SessionManager,
    voices: CheckedVoices,
    calls: Calls,
    note: Note,
    answers: Answers,
    uploads: Callable[[], int],
) -> AsyncIterator[Routing]:
    """This worker among the others, for as long as the block runs. ``uploads``: how many it has now."""
    routing = Routing(seat, manager, voices)
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
