"""``session.ended`` of a long session stays small, and its windows come over HTTP, to those who may have the result."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import soundfile

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.client.pcm_source import PcmSource
from server.client.stream_client import StreamClient, stream_url
from server.settings import Settings
from server.wire.client import SessionStart
from server.wire.server import ServerMessage, SessionEnded
from tests.api.client import http
from tests.api.conftest import Served, start

RATE, SECONDS = 16_000, 50
MANY = [{"label": f"the sound of machine {number}|silence"} for number in range(200)]
"""With so many labels, a window takes as much as a minute's worth of usual ones."""


@dataclass
class Visited:
    """A server with keys, and a session that ended on it: ``sent`` is its last message as it arrived."""

    served: Served
    keys: dict[str, str]
    sent: str
    ended: SessionEnded

    def get(self, path: str, bearer: str | None) -> Any:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        return http.get(self.served.url + path, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    folder = tmp_path_factory.mktemp("windows")
    holders = {"site": ("ward-3", Role.INTEGRATOR), "stranger": ("elsewhere", Role.ADMIN)}

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=folder)) as store:
            return {who: (await create_key(store, *given, utc_now()))[0] for who, given in holders.items()}

    keys = asyncio.run(create())
    served = start(data_dir=folder, mos=False)
    file = folder / "silence.flac"
    soundfile.write(file, np.zeros(SECONDS * RATE, np.int16), RATE)
    said: list[str] = []

    def listen(text: str, message: ServerMessage) -> None:
        if isinstance(message, SessionEnded):
            said.append(text)

    start_message = SessionStart.model_validate(
        {
            "type": "session.start",
            "pace": "fast",
            "audio": {"encoding": "pcm_s16le", "sample_rate": RATE},
            "capture": {"source": "file"},
            "labels": MANY,
        }
    )
    with PcmSource(file, 100, ()) as pcm:
        client = StreamClient(stream_url(served.ws), start_message, pcm, listen, lambda lost: None, key=keys["site"])
        ended = asyncio.run(client.run())
    yield Visited(served, keys, said[-1], ended)
    served.stop()


def test_the_last_message_is_small_and_the_client_fetches_what_it_leaves_out(visited: Visited) -> None:
    assert len(visited.sent.encode()) < 2**20
    told = json.loads(visited.sent)
    assert 0 < len(told["result"]["windows"]) < told["windows"]["count"] == SECONDS - 2
    assert told["result"]["notices"][-1]["code"] == "windows_thinned"
    assert visited.ended.windows is None
    whole = visited.ended.result
    assert [one.end_s for one in whole.windows] == list(map(float, range(3, SECONDS + 1)))
    assert json.loads(whole.windows[-1].model_dump_json()) == told["result"]["windows"][-1]


def test_windows_come_in_pages_in_which_each_is_once(visited: Visited) -> None:
    path, ends, pages = json.loads(visited.sent)["windows"]["path"], [], 0
    cursor: str | None = "0"
    while cursor is not None:
        answer = visited.get(f"{path}?cursor={cursor}", visited.keys["site"])
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < 2**20
        assert answer.headers["cache-control"] == "no-store"
        ends += [one["end_s"] for one in answer.json()["windows"]]
        cursor, pages = answer.json()["next"], pages + 1
    assert ends == list(map(float, range(3, SECONDS + 1)))
    assert pages > 1


def test_others_do_not_get_them(visited: Visited) -> None:
    path = json.loads(visited.sent)["windows"]["path"]
    announced = http.post(
        f"{visited.served.url}/v1/sessions", headers={"Authorization": f"Bearer {visited.keys['site']}"}, timeout=60
    ).json()
    own = f"/v1/sessions/{announced['id']}/windows"
    asked = [
        (path, None, 401, "unauthorized"),
        (path, visited.keys["stranger"], 404, "unknown_session"),
        (path, announced["observe_token"], 403, "foreign_token"),
        (path, "a.b.c", 401, "invalid_token"),
        (own, announced["observe_token"], 404, "unknown_session"),
        (f"{path}?cursor=99", visited.keys["site"], 404, "unknown_session"),
        (f"{path}?cursor=x", visited.keys["site"], 422, "invalid_request"),
        (f"/v1/sessions/{'0' * 32}/windows", visited.keys["site"], 404, "unknown_session"),
    ]
    for address, bearer, status, code in asked:
        answer = visited.get(address, bearer)
        assert (answer.status_code, answer.json()["code"]) == (status, code), address


def test_a_doctor_who_comes_late_gets_a_small_snapshot_of_it(visited: Visited) -> None:
    async def asked() -> str:
        found = await visited.served.services.manager.known._sink.find(visited.ended.result.id, "ward-3")
        assert found is not None
        assert found.farewell is not None
        return found.farewell.for_observers()

    snapshot = asyncio.run_coroutine_threadsafe(asked(), visited.served.loop).result(30)
    assert len(snapshot.encode()) < 2**20
    assert json.loads(snapshot)["ended"]["windows"]["count"] == SECONDS - 2
