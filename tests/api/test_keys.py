"""A server with keys, over real sockets: who gets in, who does not, and what they can tell from it."""

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, http, receive, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve

HOLDERS = {
    "integrator": ("ward-3", Role.INTEGRATOR),
    "viewer": ("ward-3", Role.VIEWER),
    "stranger": ("elsewhere", Role.ADMIN),
}


@dataclass(frozen=True)
class Keyed:
    served: Served
    data: Path
    keys: dict[str, str]

    def bearer(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[who]}"}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    data = tmp_path_factory.mktemp("data")

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return {who: (await create_key(store, *given, utc_now()))[0] for who, given in HOLDERS.items()}

    served = serve(drain_s=1.0, data_dir=data)
    keys = asyncio.run(create())  # while it runs: from the first key on it is closed
    yield Keyed(served, data, keys)
    served.stop()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/doctor", "/v1/label-sets", "/docs"])
def test_what_holds_no_session_needs_no_key(keyed: Keyed, path: str) -> None:
    assert http.get(keyed.served.url + path).status_code == 200


def test_any_host_is_answered_because_a_rebound_page_has_no_key(keyed: Keyed) -> None:
    assert http.get(f"{keyed.served.url}/v1/label-sets", headers={"Host": "clinic.example"}).status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer tq_" + "A" * 43, "Bearer nonsense"])
def test_an_upload_without_a_key_is_refused_before_it_is_read(keyed: Keyed, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = http.post(f"{keyed.served.url}/v1/assess", headers=headers, content=b"no form at all")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthorized"


def test_a_viewer_sends_no_recordings_and_an_integrator_does(keyed: Keyed) -> None:
    url = f"{keyed.served.url}/v1/assess"
    assert http.post(url, headers=keyed.bearer("viewer")).json()["code"] == "forbidden"
    assert http.post(url, headers=keyed.bearer("integrator")).json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/sessions/x/observe"])
async def test_a_socket_without_a_key_is_told_and_closed(keyed: Keyed, path: str) -> None:
    async with connect(keyed.served.ws + path, subprotocols=[PROTOCOL]) as socket:
        assert await faults_until_close(socket) == (["unauthorized"], 4401)


async def test_a_viewer_cannot_speak(keyed: Keyed) -> None:
    async with connect(f"{keyed.served.ws}/v1/stream", additional_headers=keyed.bearer("viewer")) as socket:
        assert await faults_until_close(socket) == (["forbidden"], 4403)


async def test_a_site_sees_its_own_sessions_and_no_others(keyed: Keyed) -> None:
    async with connect(f"{keyed.served.ws}/v1/stream", additional_headers=keyed.bearer("integrator")) as patient:
        await patient.send(start())
        session_id = (await receive(patient))["session_id"]
        there = f"{keyed.served.ws}/v1/sessions/{session_id}/observe"
        async with connect(there, additional_headers=keyed.bearer("viewer")) as doctor:
            assert (await receive(doctor))["type"] == "snapshot"
        async with connect(there, additional_headers=keyed.bearer("stranger")) as stranger:
            of_another = await receive(stranger)
            assert await faults_until_close(stranger) == ([], 4404)
        nowhere = f"{keyed.served.ws}/v1/sessions/{'0' * 32}/observe"
        async with connect(nowhere, additional_headers=keyed.bearer("stranger")) as stranger:
            of_none = await receive(stranger)
        assert of_another["error"] == of_none["error"]
        assert of_none["error"]["code"] == "unknown_session"


async def test_a_revoked_key_opens_nothing_new_and_its_session_goes_on(keyed: Keyed) -> None:
    async with open_keys(Settings(data_dir=keyed.data)) as store:
        text, made = await create_key(store, "ward-3", Role.INTEGRATOR, utc_now())
        headers = {"Authorization": f"Bearer {text}"}
        async with connect(f"{keyed.served.ws}/v1/stream", additional_headers=headers) as patient:
            await patient.send(start())
            await until(patient, "session.started")
            assert await store.revoke(made.id, utc_now())
            async with connect(f"{keyed.served.ws}/v1/stream", additional_headers=headers) as second:
                assert await faults_until_close(second) == (["unauthorized"], 4401)
            await patient.send('{"type":"session.end"}')
            assert (await until(patient, "session.ended"))["reason"] == "client"


def test_a_busy_key_and_a_guesser_are_told_when_to_come_again(tmp_path: Path) -> None:
    async def create() -> str:
        async with open_keys(Settings(data_dir=tmp_path)) as store:
            return (await create_key(store, "a", Role.INTEGRATOR, utc_now()))[0]

    key = asyncio.run(create())
    served = serve(drain_s=0.0, mos=False, data_dir=tmp_path, requests_per_minute=2)
    try:
        url = f"{served.url}/v1/sessions"
        headers = {"Authorization": f"Bearer {key}"}
        assert [http.post(url, headers=headers).status_code for _ in range(2)] == [201, 201]
        busy = http.post(url, headers=headers)
        assert (busy.status_code, busy.json()["code"]) == (429, "too_many_requests")
        assert int(busy.headers["Retry-After"]) > 20
        guesses = [http.post(url, headers={"Authorization": "Bearer nonsense"}).status_code for _ in range(25)]
        assert guesses[:20] == [401] * 20
        assert 429 in guesses[20:]
    finally:
        served.stop()


def test_an_announcement_that_cannot_be_written_down_holds_no_place(tmp_path: Path) -> None:
    async def create() -> str:
        async with open_keys(Settings(data_dir=tmp_path)) as store:
            return (await create_key(store, "a", Role.INTEGRATOR, utc_now()))[0]

    headers = {"Authorization": f"Bearer {asyncio.run(create())}"}
    served = serve(drain_s=0.0, mos=False, data_dir=tmp_path)
    try:
        with sqlite3.connect(tmp_path / "tingqing.db") as database:
            database.execute("ALTER TABLE audit RENAME TO elsewhere")
        database.close()
        answer = http.post(f"{served.url}/v1/sessions", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert served.services.manager.counts().pending == 0
    finally:
        served.stop()
