"""Frames that bring nothing: one socket must not keep the server busy, nor fill its memory."""

import asyncio

import pytest
from websockets.asyncio.client import ClientConnection, connect

from server.api.socket_protocol import FRAMES
from tests.api.client import PROTOCOL, start, until
from tests.api.conftest import Served

MASK = b"\x00\x00\x00\x00"
PING = b"\x89\x80" + MASK
PONG = b"\x8a\x80" + MASK
PIECE = b"\x00\x80" + MASK
TINY = b"\x82\x81" + MASK + b"x"
KEEPALIVE = b"\x81\x94" + MASK + b'{"type":"keepalive"}'
FLOODS = {
    "pings": PING * 20 * FRAMES,
    "pongs": PONG * 20 * FRAMES,
    "empty pieces": b"\x01\x80" + MASK + PIECE * 20 * FRAMES,
    "tiny messages": TINY * 3 * FRAMES,
    "control": KEEPALIVE * 3 * FRAMES,
}


def opened(served: Served) -> connect:
    # What the server says is not always read, and must not hold back its pongs.
    url = f"{served.ws}/v1/stream"
    return connect(url, subprotocols=[PROTOCOL], compression=None, ping_interval=None, max_queue=None)


async def code_of(socket: ClientConnection) -> int | None:
    await socket.wait_closed()
    return socket.close_code


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_socket_that_floods_is_closed_and_the_next_is_served(served: Served, flood: bytes) -> None:
    async with opened(served) as patient:
        await patient.send(start())
        await until(patient, "session.started")
        async with opened(served) as hostile:
            await hostile.send(start())
            await until(hostile, "session.started")
            hostile.transport.write(flood)
            assert await code_of(hostile) == 4400
        await patient.send('{"type":"session.end"}')
        await until(patient, "session.ended")


async def test_a_flood_before_the_first_message_is_closed_too(served: Served) -> None:
    async with opened(served) as hostile:
        hostile.transport.write(PING * 20 * FRAMES)
        assert await code_of(hostile) == 4400


async def test_a_message_in_pieces_of_a_kilobyte_and_a_ping_for_each_are_within_the_budget(served: Served) -> None:
    async with opened(served) as patient:
        await patient.send(start())
        await until(patient, "session.started")
        for _ in range(4):
            await patient.send([bytes(1_024)] * 60)
            await asyncio.wait_for(await patient.ping(), 60)
        await patient.send('{"type":"session.end"}')
        assert (await until(patient, "session.ended"))["reason"] == "client"
        await patient.wait_closed()
        assert patient.close_code == 1000
