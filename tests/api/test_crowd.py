"""One address can take neither all connections nor all places of sockets without a session; its neighbours notice
nothing."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from server.access import crowd as rules
from server.api import heads
from tests.api.client import PROTOCOL, http, receive, until
from tests.api.client import start as start_message
from tests.api.conftest import Served, start

MOST = 3
PATIENT, NEIGHBOUR = "203.0.113.7", "203.0.113.8"


@pytest.fixture(scope="module")
def proxied() -> Iterator[Served]:
    """This machine is its proxy, as nginx before it would be."""
    running = start(
        drain_s=0.0,
        trust_proxy="127.0.0.1",
        max_connections_per_address=MOST,
        max_starting_per_address=2,
        max_sessions=8,
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def direct() -> Iterator[Served]:
    """A server to which this machine is a stranger: no other address can be had everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, "REFUSED_HEAD_S", 2.0)  # who speaks at once is heard, however busy the machine is
        patch.setattr(rules, "is_loopback", lambda _host: False)
        running = start(drain_s=0.0, max_connections_per_address=MOST)
        yield running
        running.stop()


def patient(served: Served, address: str) -> connect:
    return connect(
        f"{served.ws}/v1/stream", subprotocols=[PROTOCOL], additional_headers={"X-Forwarded-For": address}, proxy=None
    )


@contextlib.asynccontextmanager
async def begun(served: Served, address: str, count: int) -> AsyncIterator[list[ClientConnection]]:
    async with contextlib.AsyncExitStack() as stack:
        sockets = []
        for _ in range(count):
            one = await stack.enter_async_context(patient(served, address))
            await one.send(start_message())
            await until(one, "session.started")
            sockets.append(one)
        yield sockets


async def refused(one: ClientConnection) -> str:
    """The message of the refusal, once the socket is closed with 4503."""
    error = (await until(one, "error"))["error"]
    assert (error["code"], error["retryable"]) == ("at_capacity", True)
    assert error["retry_after_s"] > 0
    await one.wait_closed()
    assert one.close_code == 4503
    return str(error["message"])


async def test_a_client_of_a_proxy_has_so_many_sockets_and_is_told_of_the_next(proxied: Served) -> None:
    async with begun(proxied, PATIENT, MOST) as sockets:
        async with patient(proxied, PATIENT) as further:
            said = await refused(further)
        assert "Too many connections" in said
        assert "连接过多" in said
        answer = await _get(proxied, PATIENT)
        assert (answer.status_code, answer.json()["code"]) == (503, "at_capacity")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "连接过多" in answer.json()["detail"]
        # Neither the neighbour nor the proxy itself is meant.
        assert (await _get(proxied, NEIGHBOUR)).status_code == 200
        async with begun(proxied, NEIGHBOUR, MOST):
            pass
        assert (await _get(proxied, None)).status_code == 200
        await sockets[0].send('{"type":"session.end"}')
        await until(sockets[0], "session.ended")
        await sockets[0].wait_closed()
        async with begun(proxied, PATIENT, 1):
            pass


async def test_silent_sockets_of_one_address_leave_places_to_the_next(proxied: Served) -> None:
    async with patient(proxied, PATIENT) as one, patient(proxied, PATIENT) as two:
        async with patient(proxied, PATIENT) as further:
            assert "来自此地址" in await refused(further)
        async with begun(proxied, NEIGHBOUR, 1):
            pass
        # Who begins a session makes room.
        await one.send(start_message())
        await until(one, "session.started")
        async with begun(proxied, PATIENT, 1):
            pass
        await two.close()


async def test_all_ipv6_addresses_of_a_household_are_one(proxied: Served) -> None:
    async with patient(proxied, "2001:db8::1"), patient(proxied, "2001:db8::2"):
        async with patient(proxied, "2001:db8::3") as further:
            await refused(further)
        async with begun(proxied, "2001:db8:0:1::1", 1):
            pass


async def test_this_machine_is_exempt(served: Served) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(40):  # over the 32 that an address may have without a session
            await stack.enter_async_context(connect(f"{served.ws}/v1/stream", proxy=None))
        async with connect(f"{served.ws}/v1/stream", proxy=None) as one:
            await one.send(start_message())
            assert (await receive(one))["type"] == "session.started"


async def _get(served: Served, address: str | None) -> httpx.Response:
    headers = {} if address is None else {"X-Forwarded-For": address}
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.get(f"{served.url}/healthz", headers=headers)


# -- who comes without a proxy


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), 60)


def everything(peer: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := peer.recv(65_536):
            received += data
    return received


GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_connections_that_say_nothing_count_and_the_next_is_answered_503_and_closed(direct: Served) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST - 1):
            stack.enter_context(connected(direct))
        last = stack.enter_context(connected(direct))
        last.sendall(GET)
        assert last.recv(65_536).startswith(b"HTTP/1.1 200")  # at the edge
        with connected(direct) as further:
            further.sendall(GET)
            answer = everything(further)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"connection: close" in answer.lower()
        assert "连接过多".encode() in answer
        with connected(direct) as silent:
            assert everything(silent) == b"", "who is over the limit and silent is cut off soon"
    _wait_until_alone(direct)
    assert http.get(f"{direct.url}/healthz").status_code == 200


async def test_a_socket_counts_until_its_connection_is_closed(direct: Served) -> None:
    _wait_until_alone(direct)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(MOST):
            one = await stack.enter_async_context(connect(f"{direct.ws}/v1/stream", proxy=None))
            await one.send(start_message())
            await until(one, "session.started")
        async with connect(f"{direct.ws}/v1/stream", proxy=None) as further:
            await refused(further)
    _wait_until_alone(direct)
    async with connect(f"{direct.ws}/v1/stream", proxy=None) as later:
        await later.send(start_message())
        await until(later, "session.started")


def _wait_until_alone(served: Served) -> None:
    """Until the server has noticed that its peers left. Its own loop is asked, which notices one after another."""
    while served.services.crowd.busy:
        served.task_names()
