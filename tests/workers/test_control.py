"""A worker's line to its supervisor, and what it knows of the room of others."""

import asyncio
import socket
from pathlib import Path

from server.access.throttle import Throttle
from server.workers.board import KEY_BYTES, Board, Facts
from server.workers.control import MAX_UNREAD, Control
from server.workers.seat import BOARD, UNTOLD_S, Seat, Sent
from tests.fakes import until


async def test_what_waits_for_a_supervisor_that_reads_nothing_is_bounded_and_requests_are_counted_here() -> None:
    ours, its = socket.socketpair()
    with its:
        its.setblocking(False)
        control = Control(ours)
        control.count_alone(Throttle(10_000))
        running = asyncio.create_task(control.run())
        await until(lambda: control._writer is not None)
        writer = control._writer
        assert writer is not None
        sent = 0
        while writer.transport.get_write_buffer_size() <= MAX_UNREAD:
            assert control._send({"number": -1, "count": "key", "given": ["k" * 1000, 0.0]})
            sent += 1
            assert sent < 10_000
        full = writer.transport.get_write_buffer_size()
        await control.key("k", 0.0)  # counted here, at once: nobody answers
        assert writer.transport.get_write_buffer_size() == full
        assert control._waiting == {}
        running.cancel()
        await asyncio.wait([running])
        writer.transport.abort()


def test_newcomers_who_are_on_their_way_take_room_until_their_worker_tells(tmp_path: Path) -> None:
    Board.create(tmp_path / BOARD, 3, b"k" * KEY_BYTES)
    ours, its = socket.socketpair()
    with ours, its:
        seat = Seat(0, 3, tmp_path, ours)
        seat.board.tell(1, Facts(True, False, 2, 0, 0, 0))
        seat.board.tell(2, Facts(True, False, 1, 0, 0, 0))
        chosen = []
        while (worker := seat.roomiest()) is not None:
            seat.sends(worker)
            chosen.append(worker)
            assert len(chosen) < 10
        assert sorted(chosen) == [1, 1, 2]


def test_a_newcomer_is_on_its_way_for_a_moment() -> None:
    now = [0.0]
    sent = Sent(lambda: now[0])
    sent.add(1)
    now[0] = UNTOLD_S / 2
    sent.add(1)
    assert (sent.to(1), sent.to(2)) == (2, 0)
    now[0] = UNTOLD_S * 1.2
    assert sent.to(1) == 1
