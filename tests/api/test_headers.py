"""Every answer of every route has the headers that keep a browser from running, framing, guessing or keeping it."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from server.resources import web_client_dir
from tests.api.client import http
from tests.api.conftest import Served, start

PORTAL = "https://portal.example"
YEAR_S = 31_536_000
HIDDEN = {"/docs", "/openapi.json", "/ca.crt"}
"""Routes that OpenAPI does not list."""
KEPT = (".js", ".svg", ".css", ".json")


@pytest.fixture(scope="module")
def open_to_portal() -> Iterator[Served]:
    running = start(drain_s=0.0, allow_origin=PORTAL, hsts_s=YEAR_S, trust_proxy="127.0.0.1")
    yield running
    running.stop()


def asked(served: Served) -> Iterator[tuple[str, str]]:
    """Each route with each of its methods, with a method that it lacks, and all pages and files."""
    app = served.server.config.app
    assert isinstance(app, FastAPI)
    paths = app.openapi()["paths"]
    own = {route.path for route in app.routes if hasattr(route, "methods") and hasattr(route, "path")}
    assert own <= paths.keys() | HIDDEN, "a route that this test does not know"
    for path, operations in paths.items():
        for method in [*operations, "patch"]:
            yield method.upper(), path.replace("{kind}", "client").replace("{session_id}", "x")
    for path in [*HIDDEN, "/", "/doctor", "/nothing", "/v1/nothing", "/v1/schema/nothing"]:
        yield "GET", path
    folder = web_client_dir()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield "GET", f"/{file.relative_to(folder).as_posix()}"


def directives(answer: httpx.Response) -> dict[str, str]:
    policy = answer.headers["Content-Security-Policy"]
    return {part.split()[0]: " ".join(part.split()[1:]) for part in policy.split(";")}


def check(answer: httpx.Response, framed_by: str) -> None:
    where = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
    policy = directives(answer)
    assert policy["default-src"] == "'none'", where
    assert "unsafe" not in answer.headers["Content-Security-Policy"], where
    assert {policy["base-uri"], policy["form-action"]} == {"'none'"}, where
    assert policy["frame-ancestors"] in {framed_by, "'self'", "'none'"}, where
    assert policy.get("script-src", "'self'") == "'self'", where
    assert answer.headers["X-Content-Type-Options"] == "nosniff", where
    assert answer.headers["Referrer-Policy"] == "no-referrer", where
    # The page of a call alone may ask for a camera.
    camera = "(self)" if answer.request.url.path.removesuffix(".html") == "/visit" else "()"
    assert answer.headers["Permissions-Policy"].startswith(f"microphone=(self), camera={camera}"), where
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", where
    kept = answer.status_code == 200 and answer.request.url.path.endswith(KEPT) and "/v1/" not in where
    expected = "no-cache" if kept and answer.request.url.path != "/openapi.json" else "no-store"
    assert answer.headers["Cache-Control"] == expected, where
    assert "Server" not in answer.headers, where


def test_every_answer_of_every_route_has_the_security_headers(open_to_portal: Served) -> None:
    statuses = set()
    with httpx.Client(base_url=open_to_portal.url, timeout=60) as client:
        for method, path in asked(open_to_portal):
            answer = client.request(method, path)
            check(answer, f"'self' {PORTAL}")
            assert "Strict-Transport-Security" not in answer.headers, "only over HTTPS"
            statuses.add(answer.status_code)
        for page in ("/", "/doctor"):
            assert directives(client.get(page))["frame-ancestors"] == f"'self' {PORTAL}"
        for headers in ({"Host": "evil.example"}, {"Host": "evil.example", "Accept": "text/html"}):
            check(client.get("/", headers=headers), f"'self' {PORTAL}")
        check(client.post("/v1/sessions", headers={"Origin": "https://evil.example"}), f"'self' {PORTAL}")
    assert {200, 404, 405, 415} <= statuses, "answers and refusals were both seen"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (
            b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Cookie: " + b"a" * 9000 + b"\r\n\r\n",
            431,
        ),
    ],
    ids=["no head", "a large cookie"],
)
def test_an_answer_to_a_head_that_cannot_be_read_has_them_too(served: Served, sent: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", served.port), 60) as peer:
        peer.sendall(sent)
        received = b""
        while data := peer.recv(65_536):
            received += data
    head, _, _ = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    check(httpx.Response(status, headers=headers, request=httpx.Request("GET", served.url)), "'self'")


def test_browsers_are_held_to_https_where_the_operator_says_so(open_to_portal: Served, served: Served) -> None:
    over_tls = {"X-Forwarded-Proto": "https"}
    answer = http.get(f"{open_to_portal.url}/", headers=over_tls)
    assert answer.headers["Strict-Transport-Security"] == f"max-age={YEAR_S}"
    assert "Strict-Transport-Security" not in http.get(f"{served.url}/", headers=over_tls).headers
