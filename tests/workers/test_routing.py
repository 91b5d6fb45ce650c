"""Requests about a session that another worker has."""

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.assessment.checked_voices import CheckedVoices
from server.errors import SessionElsewhereError
from server.live.manager import SessionManager
from server.live.whereabouts import Whereabouts
from server.workers import routing as module
from server.workers.board import KEY_BYTES, Board
from server.workers.frames import Kind, Line
from server.workers.routing import Routing
from server.workers.seat import BOARD, Seat


async def test_an_owner_that_does_not_answer_is_not_taken_for_an_unknown_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Board.create(tmp_path / BOARD, 2, b"k" * KEY_BYTES)
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        what: dict[str, Any] = await line.receive_json()
        asked.append(what["do"])
        if what["do"] == "where":
            await line.send_json(Kind.HEAD, Whereabouts.HERE)
        line.close()  # as a worker that dies: at once, without an answer

    async def where(_session_id: str, _site: str) -> Whereabouts:
        return Whereabouts.UNKNOWN

    monkeypatch.setattr(module, "HEAR_S", 30.0)
    manager = cast("SessionManager", SimpleNamespace(known=SimpleNamespace(where=where)))
    ours, its = socket.socketpair()
    with ours, its:
        seat = Seat(0, 2, tmp_path, ours)
        routing = Routing(seat, manager, CheckedVoices())
        async with await asyncio.start_unix_server(serve, seat.socket_of(1)):
            with pytest.raises(SessionElsewhereError) as silent:
                await routing.hear("0" * 32, "local", "{}")
            assert silent.value.retry_after_s
            with pytest.raises(SessionElsewhereError):
                await routing.windows("0" * 32, "local", 0)
    assert asked == ["where", "hear", "where", "windows"]
