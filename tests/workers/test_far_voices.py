"""The voice of a microphone check reaches the visit, whichever workers have them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.access.keys import digest_of
from server.assessment.checked_voices import KEEP_S, CheckedVoices
from server.live.known_voices import check_named_by
from server.values.voices import KnownVoice
from server.wire.client import SessionStart, parse_client_message
from server.workers.asking import Asking
from server.workers.board import KEY_BYTES, Board
from server.workers.far_voices import FarVoices
from server.workers.frames import Kind, Line
from server.workers.seat import BOARD, Seat
from tests.fakes import FakeClock

SITE, CHECK, TOKEN = "here", "a" * 32, "token"
VOICE = KnownVoice(np.array([0.6, 0.8], np.float32), 7.5)


def named(token: str = TOKEN) -> dict[str, str] | None:
    start = parse_client_message(
        '{"type":"session.start","audio":{"encoding":"pcm_s16le","sample_rate":16000},'
        f'"voice_of":{{"session_id":"{CHECK}","resume_token":"{token}"}}}}'
    )
    assert isinstance(start, SessionStart)
    return check_named_by(start)


@asynccontextmanager
async def answering(seat: Seat, voices: FarVoices) -> AsyncIterator[None]:
    """As the worker of this seat answers the others."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        asked: dict[str, Any] = await line.receive_json()
        told = None
        if asked["do"] == "give_voice":
            told = voices.give(asked["check"], asked["site"])
        else:
            voices.forget_here(asked["session_id"], asked["site"])
        await line.send_json(Kind.HEAD, told)
        line.close()

    async with await asyncio.start_unix_server(serve, seat.socket_of(seat.index)):
        yield


class Two:
    """Workers 0 and 1; the check ended in worker 0."""

    def __init__(self, seats: list[Seat], clock: FakeClock) -> None:
        self.clock = clock
        self.seats = seats
        self.kept = [CheckedVoices(), CheckedVoices()]
        self.far = [FarVoices(Asking(seat), kept, clock) for seat, kept in zip(seats, self.kept, strict=True)]
        self.kept[0].keep(CHECK, SITE, digest_of(TOKEN), VOICE, clock.now())

    def found(self, worker: int) -> KnownVoice | None:
        return self.kept[worker].find(CHECK, SITE, digest_of(TOKEN), self.clock.now())


@pytest.fixture
def seats(tmp_path: Path) -> Iterator[list[Seat]]:
    Board.create(tmp_path / BOARD, 2, b"k" * KEY_BYTES)
    with ExitStack() as stack:
        lines = [stack.enter_context(one) for one in socket.socketpair()]
        yield [Seat(index, 2, tmp_path, line) for index, line in enumerate(lines)]


@pytest.fixture
async def two(seats: list[Seat]) -> AsyncIterator[Two]:
    made = Two(seats, FakeClock())
    async with answering(seats[0], made.far[0]), answering(seats[1], made.far[1]):
        yield made


async def test_the_voice_comes_to_the_worker_of_the_visit_and_is_nowhere_else(two: Two) -> None:
    await two.far[1].bring(named(), SITE)
    brought = two.found(1)
    assert brought is not None
    assert brought.voice.tolist() == VOICE.voice.tolist()
    assert brought.heard_s == VOICE.heard_s
    assert len(two.kept[0]) == 0
    await two.far[1].bring(named(), SITE)
    await two.far[0].bring(named(), SITE)
    assert two.found(0) is not None, "a second visit may begin in the first worker"


async def test_it_lives_no_longer_for_having_moved(two: Two) -> None:
    await two.clock.advance(KEEP_S - 60)
    await two.far[1].bring(named(), SITE)
    await two.clock.advance(59)
    assert two.found(1) is not None
    await two.clock.advance(2)
    assert len(two.kept[1]) == 0


@pytest.mark.parametrize(("token", "site"), [("another", SITE), (TOKEN, "elsewhere")])
async def test_without_its_token_and_site_it_stays_where_it_is(two: Two, token: str, site: str) -> None:
    await two.far[1].bring(named(token), site)
    assert len(two.kept[1]) == 0
    assert two.found(0) is not None


async def test_it_is_forgotten_with_its_result_in_whichever_worker(two: Two) -> None:
    await two.far[1].forget(CHECK, "elsewhere")
    assert two.found(0) is not None
    await two.far[1].forget(CHECK, SITE)
    assert two.found(0) is None


async def test_where_the_other_worker_is_gone_the_visit_begins_without(seats: list[Seat]) -> None:
    alone = Two(seats, FakeClock())
    await alone.far[1].bring(named(), SITE)
    assert alone.found(1) is None
