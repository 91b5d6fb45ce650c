"""Pages of other origins, over real sockets: those of the list get everything they need, others nothing."""

from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.api.client import PROTOCOL, faults_until_close, http, receive, start
from tests.api.conftest import Served
from tests.api.conftest import start as serve

PORTAL = "https://portal.example"
STRANGER = "https://evil.example"


@pytest.fixture(scope="module")
def open_to_portal() -> Iterator[Served]:
    running = serve(drain_s=1.0, allow_origin=[PORTAL])
    yield running
    running.stop()


def get(served: Served, path: str, origin: str) -> httpx.Response:
    return http.get(served.url + path, headers={"Origin": origin})


def preflight(served: Served, path: str, origin: str) -> httpx.Response:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    return http.options(served.url + path, headers={"Origin": origin, **asked})


async def test_a_page_of_an_allowed_origin_may_open_sockets_and_a_strangers_may_not(open_to_portal: Served) -> None:
    url = f"{open_to_portal.ws}/v1/stream"
    async with connect(url, origin=Origin(PORTAL), subprotocols=[PROTOCOL]) as socket:
        await socket.send(start())
        assert (await receive(socket))["type"] == "session.started"
    async with connect(url, origin=Origin(STRANGER), subprotocols=[PROTOCOL]) as socket:
        assert await faults_until_close(socket) == (["forbidden"], 4403)


@pytest.mark.parametrize("path", ["/index.js", "/audio/worklet.js", "/v1/label-sets", "/nothing"])
def test_it_may_read_what_it_loads_and_why_it_could_not(open_to_portal: Served, path: str) -> None:
    answer = get(open_to_portal, path, PORTAL)
    assert answer.headers["Access-Control-Allow-Origin"] == PORTAL
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Origin" not in get(open_to_portal, path, STRANGER).headers


def test_it_may_ask_with_a_body_and_a_key(open_to_portal: Served) -> None:
    answer = preflight(open_to_portal, "/v1/assess", PORTAL)
    assert answer.status_code == 200
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
    posted = http.post(f"{open_to_portal.url}/v1/sessions", headers={"Origin": PORTAL})
    assert posted.status_code == 201
    assert posted.headers["Access-Control-Allow-Origin"] == PORTAL


def test_a_stranger_may_not(open_to_portal: Served) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(open_to_portal, "/v1/assess", STRANGER).headers
    refused = http.post(f"{open_to_portal.url}/v1/sessions", headers={"Origin": STRANGER})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_it_alone_may_show_our_pages_in_a_frame(open_to_portal: Served) -> None:
    policy = get(open_to_portal, "/doctor", STRANGER).headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors 'self' {PORTAL}")


def test_without_a_list_nothing_is_allowed(served: Served) -> None:
    assert preflight(served, "/v1/assess", PORTAL).status_code == 405
    assert "Access-Control-Allow-Origin" not in get(served, "/index.js", PORTAL).headers
    assert get(served, "/", PORTAL).headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
