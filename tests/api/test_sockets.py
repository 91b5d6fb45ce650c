"""Peers that behave badly, over a real socket: each gets its error and close code, and the server goes on."""

import asyncio
import json
import os
import socket as sockets
import struct
from typing import Any

import httpx
import pytest
from starlette.websockets import WebSocket
from uvicorn.protocols.utils import ClientDisconnected
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from server.access.principal import ANYONE, Principal, Right
from server.api import sockets as api_sockets
from server.api.sockets import open_transport, refuse
from server.errors import ConfigError
from tests.api.client import PROTOCOL, faults_until_close, receive, start, until
from tests.api.conftest import Served

Case = tuple[str, list[str | bytes], list[str], int]

BEFORE_START: list[Case] = [
    ("no JSON", ["garbage"], ["malformed_message"], 4400),
    ("JSON that is not ours", ['{"hello":"world"}'], ["malformed_message"], 4400),
    ("a JSON list", ["[1,2,3]"], ["malformed_message"], 4400),
    ("an unknown type", ['{"type":"session.begin"}'], ["malformed_message"], 4400),
    ("an unknown field", [start(shout=True)], ["malformed_message"], 4400),
    ("a rate out of range", [start(rate=4_000)], ["unsupported_sample_rate"], 4400),
    ("binary first", [bytes(320)], ["unexpected_message"], 4400),
    ("control first", ['{"type":"keepalive"}'], ["unexpected_message"], 4400),
    ("labels that are nowhere", [start(labels="")], ["invalid_labels"], 4400),
    ("a resume of nothing", [start(resume={"session_id": "x", "resume_token": "y"})], ["unknown_session"], 4404),
]


@pytest.mark.parametrize("case", BEFORE_START, ids=lambda case: case[0])
async def test_before_the_start_every_fault_is_fatal(served: Served, case: Case) -> None:
    _, messages, codes, close_code = case
    async with connect(f"{served.ws}/v1/stream", subprotocols=[PROTOCOL]) as socket:
        for message in messages:
            await socket.send(message)
        assert await faults_until_close(socket) == (codes, close_code)


async def test_the_subprotocol_is_echoed(served: Served) -> None:
    async with connect(f"{served.ws}/v1/stream", subprotocols=[Subprotocol("other"), PROTOCOL]) as socket:
        assert socket.subprotocol == PROTOCOL


async def test_a_client_without_subprotocol_is_taken(served: Served) -> None:
    async with connect(f"{served.ws}/v1/stream") as socket:
        await socket.send(start())
        assert (await receive(socket))["type"] == "session.started"
        assert socket.subprotocol is None


async def test_a_client_of_another_subprotocol_is_told(served: Served) -> None:
    async with connect(f"{served.ws}/v1/stream", subprotocols=[Subprotocol("graphql-ws")]) as socket:
        assert await faults_until_close(socket) == (["invalid_config"], 4400)


async def test_deflate_is_not_agreed_to(served: Served) -> None:
    async with connect(f"{served.ws}/v1/stream", compression="deflate") as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/sessions/x/observe"])
async def test_a_page_of_another_origin_is_told_and_closed(served: Served, path: str) -> None:
    async with connect(served.ws + path, origin=Origin("http://evil.example"), subprotocols=[PROTOCOL]) as socket:
        assert await faults_until_close(socket) == (["forbidden"], 4403)


async def test_a_rebound_host_is_told_and_closed(served: Served) -> None:
    async with connect("ws://evil.example/v1/stream", host="127.0.0.1", port=served.port) as socket:
        assert await faults_until_close(socket) == (["forbidden"], 4403)


async def test_the_own_page_is_let_in(served: Served) -> None:
    origin = Origin(f"http://127.0.0.1:{served.port}")
    async with connect(f"{served.ws}/v1/stream", origin=origin) as socket:
        await socket.send(start())
        assert (await receive(socket))["type"] == "session.started"


async def test_an_observer_of_no_session_is_told(served: Served) -> None:
    async with connect(f"{served.ws}/v1/sessions/nobody/observe", subprotocols=[PROTOCOL]) as socket:
        assert await faults_until_close(socket) == (["unknown_session"], 4404)


async def test_a_mistyped_address_is_told(served: Served) -> None:
    async with connect(f"{served.ws}/v1/streams") as socket:
        assert await faults_until_close(socket) == (["unknown_session"], 4404)


async def test_a_frame_over_64_kib_is_an_error_then_1009(served: Served) -> None:
    async with connect(f"{served.ws}/v1/stream") as socket:
        await socket.send(start())
        await until(socket, "session.started")
        await socket.send(bytes(65_538))
        assert await faults_until_close(socket) == (["frame_too_large"], 1009)


@pytest.mark.parametrize("started", [False, True])
async def test_a_frame_of_10_mb_closes_1009(served: Served, started: bool) -> None:
    async with connect(f"{served.ws}/v1/stream") as socket:
        if started:
            await socket.send(start())
            await until(socket, "session.started")
        async with asyncio.TaskGroup() as group:
            group.create_task(_send_whatever_happens(socket, bytes(10_000_000)))
            codes, close_code = await faults_until_close(socket)
        assert (codes, close_code) == ([], 1009)


async def _send_whatever_happens(socket: Any, message: bytes) -> None:
    from websockets import ConnectionClosed

    try:
        await socket.send(message)
    except ConnectionClosed:
        return


async def test_garbage_after_the_start_is_recoverable_and_the_fifth_is_fatal(served: Served) -> None:
    async with connect(f"{served.ws}/v1/stream") as socket:
        await socket.send(start())
        await until(socket, "session.started")
        for _ in range(4):
            await socket.send("garbage")
            assert (await until(socket, "error"))["error"]["code"] == "malformed_message"
        await socket.send("garbage")
        codes, close_code = await faults_until_close(socket)
        assert codes[-1] == "too_many_faults"
        assert close_code == 4400


async def test_an_error_never_repeats_what_the_peer_sent(served: Served) -> None:
    async with connect(f"{served.ws}/v1/stream") as socket:
        await socket.send(start(metadata={"name": "Zhang San"}, shout="Zhang San"))
        raw = await socket.recv()
        assert json.loads(raw)["type"] == "error"
        assert "Zhang" not in str(raw)


@pytest.mark.parametrize("linger", ["reset", "close"])
async def test_a_peer_that_vanishes_mid_frame_leaves_no_session(served: Served, linger: str) -> None:
    before = served.task_names()
    async with connect(f"{served.ws}/v1/stream") as quiet:  # a neighbour who must notice nothing
        await quiet.send(start())
        await until(quiet, "session.started")
        with_neighbour = served.task_names()
        await asyncio.to_thread(vanish_mid_frame, served.port, linger == "reset")
        await settled(served, len(with_neighbour), waiting=1)
        await quiet.send('{"type":"session.end"}')
        assert (await until(quiet, "session.ended"))["reason"] == "client"
    await settled(served, len(before), waiting=1)


def vanish_mid_frame(port: int, reset: bool) -> None:
    """A masked frame that declares 6,400 bytes and brings 100, then the line is gone."""
    with sockets.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(
            (
                f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ).encode()
        )
        assert b"101" in line.recv(4096)
        line.sendall(masked(1, start(pace="realtime").encode()))
        line.recv(4096)
        line.sendall(masked(2, bytes(6_400))[:100])
        if reset:
            line.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))


def masked(opcode: int, payload: bytes) -> bytes:
    mask = os.urandom(4)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0xFE]) + struct.pack("!H", len(payload))
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


async def settled(served: Served, tasks: int, waiting: int) -> None:
    """Wait until no more than ``tasks`` run on the server's loop and none but waiting sessions are kept."""
    async with asyncio.timeout(60):
        while len(served.task_names()) > tasks or served.services.manager.counts().waiting < waiting:  # noqa: ASYNC110 - another loop's state has no event here
            await asyncio.sleep(0.02)


async def test_the_server_still_scores_after_all_faults(served: Served) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(f"{served.url}/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json()["ready"] is True


async def test_a_peer_that_goes_while_it_is_let_in_is_no_fault_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(_message: Any) -> None:
        raise ClientDisconnected

    async def caller(*_: object) -> tuple[Principal, None]:
        return ANYONE, None

    monkeypatch.setattr(api_sockets, "_caller", caller)
    scope = {"type": "websocket", "subprotocols": [PROTOCOL], "headers": []}
    assert await open_transport(WebSocket(scope, receive, send), Right.BEGIN) is None
    await refuse(WebSocket(scope, receive, send), ConfigError("as the test asked"))
