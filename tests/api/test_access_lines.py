"""One line per request and socket: what was asked, how it ended, by whom, and nothing that opens a session."""

import asyncio
import logging
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from server.api.requests import shown_path
from tests.api.client import PROTOCOL, faults_until_close, http, start, until
from tests.api.conftest import Served
from tests.fakes import until as once


def access_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [getattr(record, "fields") for record in caplog.records if record.name == "server.access"]  # noqa: B009


def test_a_page_is_named_by_its_path_and_a_route_by_its_template(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    http.get(f"{served.url}/doctor?session=0123456789abcdef0123456789abcdef")
    http.get(f"{served.url}/v1/schema/all")
    asyncio.run(once(lambda: len(access_lines(caplog)) == 2))
    page, route = sorted(access_lines(caplog), key=lambda line: str(line["path"]))
    text = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("server."))
    assert (page["method"], page["path"], page["status"], page["peer"]) == ("GET", "/doctor", 200, "127.0.0.1")
    assert (route["path"], route["why"]) == ("/v1/schema/{kind}", "")
    assert "GET /doctor 200 " in text
    assert "0123456789" not in text


async def test_a_refused_socket_says_where_it_knocked_and_why(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with connect(served.ws + "/v1/stream", origin=Origin("http://evil.example")) as socket:
        await faults_until_close(socket)
    await once(lambda: bool(access_lines(caplog)))
    (line,) = access_lines(caplog)
    assert (line["method"], line["path"], line["status"], line["why"]) == ("WS", "/v1/stream", 4403, "forbidden")
    assert "WS /v1/stream 4403 " in caplog.text


def test_a_refused_request_says_why(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    http.post(f"{served.url}/v1/assess", files={"file": b"no sound"})
    asyncio.run(once(lambda: bool(access_lines(caplog))))
    (line,) = access_lines(caplog)
    assert (line["status"], line["why"]) == (415, "undecodable_file")


def test_a_browser_at_a_wrong_name_gets_a_page_and_the_log_says_why(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = http.get(f"{served.url}/", headers={"Host": "portal.example", "Accept": "text/html"})
    assert (answer.status_code, "--allow-host portal.example" in answer.text) == (403, True)
    asyncio.run(once(lambda: bool(access_lines(caplog))))
    (line,) = access_lines(caplog)
    assert (line["path"], line["status"], line["why"]) == ("/", 403, "forbidden")


@pytest.mark.parametrize(("code", "said"), [(1000, "its peer left (1000)"), (1001, "its peer left (1001)")])
async def test_a_browser_that_closes_is_logged_with_its_own_code(
    served: Served, caplog: pytest.LogCaptureFixture, code: int, said: str
) -> None:
    caplog.set_level(logging.INFO)
    async with connect(f"{served.ws}/v1/stream", subprotocols=[PROTOCOL]) as socket:
        await socket.send(start(pace="realtime"))
        began = await until(socket, "session.started")
        await socket.close(code)
    await once(lambda: bool(access_lines(caplog)))
    (line,) = access_lines(caplog)
    assert (line["status"], line["why"]) == (code, "the peer left")
    assert said in caplog.text
    assert began["session_id"][:8] in caplog.text
    assert began["session_id"] not in caplog.text


async def test_a_broken_line_is_logged_as_one(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    socket = await connect(f"{served.ws}/v1/stream", subprotocols=[PROTOCOL])
    await socket.send(start(pace="realtime"))
    await until(socket, "session.started")
    socket.transport.abort()
    await once(lambda: bool(access_lines(caplog)))
    (line,) = access_lines(caplog)
    assert (line["status"], line["why"]) == (1006, "the connection broke")


async def test_text_that_is_not_utf_8_takes_one_line_without_a_traceback(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    from server.logs import OneLine
    from server.logs.formats import without_library_traceback

    caplog.set_level(logging.INFO)
    socket = await connect(f"{served.ws}/v1/stream", subprotocols=[PROTOCOL])
    socket.transport.write(bytes([0x81, 0x82, 0, 0, 0, 0, 0xFF, 0xFE]))
    await socket.wait_closed()
    assert socket.close_code == 1007
    await once(lambda: bool(access_lines(caplog)))
    (told,) = [record for record in caplog.records if record.name == "uvicorn.error" and record.levelno > logging.INFO]
    assert without_library_traceback(told)
    assert "Traceback" not in OneLine().format(told)
    assert told.levelname == "WARNING"
    assert access_lines(caplog)[0]["why"] == "against the WebSocket protocol"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/elements/patient-element.js", "/elements/patient-element.js"),
        ("/v1/sessions/0123456789abcdef0123456789abcdef/observe", "/v1/sessions/01234567…/observe"),
        (
            "/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN",  # pragma: allowlist secret
            "/eyJhbGci…",
        ),
        ("/tq_AbCdEfGh0123456789", "/tq_AbCdE…"),
        ("/张三/\r\nGET", "/??/??GET"),
        ("/" + "a/" * 100, "/" + "a/" * 39 + "a"),
    ],
)
def test_a_path_is_shown_without_what_could_be_an_id_or_a_name(path: str, shown: str) -> None:
    assert shown_path(path) == shown
