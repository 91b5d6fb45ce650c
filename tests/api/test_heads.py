"""Requests whose head never ends: they cannot hold connections or fill the memory."""

import socket
from collections.abc import Iterator

import pytest

from server.api.heads import PromptHeadProtocol
from tests.api.client import http
from tests.api.conftest import Served

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def impatient(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """It waits for a head as long as a busy machine takes to send one."""
    monkeypatch.setattr(PromptHeadProtocol, "head_s", 1.0)
    return served


def connected(served: Served, sent: bytes = b"") -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", served.port), 60)
    peer.sendall(sent)
    return peer


def everything(peer: socket.socket) -> bytes:
    """All that the server sends until it closes."""
    received = b""
    while data := peer.recv(65_536):
        received += data
    return received


@pytest.mark.parametrize(
    "sent",
    [b"", b"GE", GET, GET + b"X-Slow: ", b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"],
    ids=["nothing", "half a method", "half a head", "half a header", "half a handshake"],
)
def test_a_head_that_does_not_come_is_given_up(impatient: Served, sent: bytes) -> None:
    with connected(impatient, sent) as peer:
        assert everything(peer) == b""


def test_a_second_request_on_the_same_connection_has_its_own_time(impatient: Served) -> None:
    with connected(impatient, GET + b"\r\n") as peer:
        assert peer.recv(65_536).startswith(b"HTTP/1.1 200")
        peer.sendall(GET)
        assert everything(peer) == b""


def test_a_body_is_not_held_to_the_time_of_a_head(impatient: Served) -> None:
    def slow() -> Iterator[bytes]:
        yield b"--x\r\n"
        with connected(impatient) as other:  # cut off once the time for a head has passed
            everything(other)
        yield b"--x--\r\n"

    answer = http.post(
        f"{impatient.url}/v1/assess", content=slow(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("line", [b"\r\nX-%d: y", b"%01000d"], ids=["many headers", "one header"])
def test_a_head_without_end_is_refused(served: Served, line: bytes) -> None:
    with connected(served, GET + b"X-Long: ") as peer:
        try:
            for number in range(10_000):
                peer.sendall(line % number)
            received = everything(peer)
        except (BrokenPipeError, ConnectionResetError):
            return  # cut off while it was still sending
        assert received.startswith(b"HTTP/1.1 400")


HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (b"Cookie: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n", 431),
        (b"Content-Length: 4\r\n\r\nbody", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", 400),
    ],
    ids=["a large cookie", "many headers", "a body", "a chunked body"],
)
def test_a_handshake_that_cannot_be_read_is_answered_and_closed(served: Served, more: bytes, status: int) -> None:
    with connected(served, HANDSHAKE + more) as peer:
        assert everything(peer).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("more", [b"Cookie: " + b"a" * 8000 + b"\r\n", b"Content-Length: 0\r\n"])
def test_a_handshake_within_the_limits_opens_a_socket(served: Served, more: bytes) -> None:
    with connected(served, HANDSHAKE + more + b"\r\n") as peer:
        assert peer.recv(65_536).startswith(b"HTTP/1.1 101 ")
