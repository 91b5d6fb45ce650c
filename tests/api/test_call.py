"""Calls over real sockets: which token is which side, and links as QR codes."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import segno
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_access, open_keys
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, http, receive, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve

HOLDERS = {
    "doctor": ("ward-3", Role.DOCTOR),
    "viewer": ("ward-3", Role.VIEWER),
    "elsewhere": ("ward-4", Role.DOCTOR),
}
JOIN = {"type": "call.join"}


@dataclass(frozen=True)
class Hospital:
    served: Served
    data: Path
    keys: dict[str, str]

    def post(self, path: str, body: Any, who: str | None = "doctor", **headers: str) -> Any:
        bearer = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        # Without a memory: a client keeps cookies.
        return httpx.post(self.served.url + path, content=json.dumps(body), headers=bearer | headers, timeout=30)

    def announce(self, who: str = "doctor", **terms: Any) -> dict[str, Any]:
        answer = self.post("/v1/sessions", terms, who)
        assert answer.status_code == 201, answer.text
        announced: dict[str, Any] = answer.json()
        return announced

    def side(self, session_id: str, token: str | None = None, **headers: str) -> connect:
        bearing = [PROTOCOL, *([Subprotocol(f"bearer.{token}")] if token else [])]
        address = f"{self.served.ws}/v1/sessions/{session_id}/call"
        return connect(address, subprotocols=bearing, additional_headers=headers)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    data = tmp_path_factory.mktemp("data")

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return {who: (await create_key(store, *given, utc_now()))[0] for who, given in HOLDERS.items()}

    keys = asyncio.run(create())
    served = serve(drain_s=0.0, mos=False, data_dir=data, ice_servers=("stun:stun.example:3478",))
    yield Hospital(served, data, keys)
    served.stop()


async def joined(socket: ClientConnection, **more: Any) -> dict[str, Any]:
    await socket.send(json.dumps(JOIN | more))
    return await until(socket, "call.joined")


async def test_the_links_of_one_visit_bring_patient_and_doctor_together(hospital: Hospital) -> None:
    visit = hospital.announce(mode="visit")
    base = f"{hospital.served.url}/visit?session={visit['id']}#token="
    patients, doctors = (visit[name].removeprefix(base) for name in ("visit_url", "visit_doctor_url"))
    assert (patients, doctors) == (visit["publish_token"], visit["nudge_token"])
    assert visit["patient_url"] == f"{hospital.served.url}/#token={visit['publish_token']}"
    async with hospital.side(visit["id"], patients) as patient, hospital.side(visit["id"], doctors) as doctor:
        first = await joined(patient)
        second = await joined(doctor)
        assert (first["role"], second["role"], second["present"]) == ("patient", "doctor", True)
        assert first["ice_servers"] == [{"urls": ["stun:stun.example:3478"]}]
        await doctor.send(json.dumps({"type": "call.signal", "meeting": second["meeting"], "signal": {"a": 1}}))
        assert (await until(patient, "call.signal"))["signal"] == {"a": 1}


async def test_a_patient_comes_back_with_the_seat_and_with_nothing_else(hospital: Hospital) -> None:
    visit, other = hospital.announce(), hospital.announce()
    async with hospital.side(visit["id"], visit["publish_token"]) as patient:
        seat = (await joined(patient))["seat"]
    async with hospital.side(other["id"], other["publish_token"]) as patient:
        foreign = (await joined(patient))["seat"]
    for wrong in ({}, {"seat": "guessed"}, {"seat": foreign}, {"seat": visit["publish_token"]}):
        async with hospital.side(visit["id"], visit["publish_token"]) as stranger:
            await stranger.send(json.dumps(JOIN | wrong))
            assert await faults_until_close(stranger) == (["token_used"], 4403)
    async with hospital.side(visit["id"], visit["publish_token"]) as patient:
        assert (await joined(patient, seat=seat))["role"] == "patient"


@pytest.mark.parametrize(
    ("token", "faults"),
    [
        ("observe_token", (["foreign_token"], 4403)),
        ("transcribe_token", (["foreign_token"], 4403)),
        (None, (["unauthorized"], 4401)),
    ],
)
async def test_other_tokens_open_no_call(hospital: Hospital, token: str | None, faults: tuple[list[str], int]) -> None:
    visit = hospital.announce()
    async with hospital.side(visit["id"], visit[token] if token else None) as socket:
        assert await faults_until_close(socket) == faults


async def test_a_key_of_a_doctor_is_the_doctor_of_its_own_site_and_a_viewers_is_nobody(hospital: Hospital) -> None:
    visit = hospital.announce()
    async with hospital.side(visit["id"], visit["publish_token"]) as patient:
        await joined(patient)
        key = {"Authorization": f"Bearer {hospital.keys['elsewhere']}"}
        async with hospital.side(visit["id"], **key) as stranger:
            assert not (await joined(stranger))["present"]
        key = {"Authorization": f"Bearer {hospital.keys['doctor']}"}
        async with hospital.side(visit["id"], **key) as doctor:
            assert (await joined(doctor))["present"]
        key = {"Authorization": f"Bearer {hospital.keys['viewer']}"}
        async with hospital.side(visit["id"], **key) as viewer:
            assert await faults_until_close(viewer) == (["forbidden"], 4403)


async def test_the_audit_says_who_joined_before_they_have(hospital: Hospital) -> None:
    visit = hospital.announce()
    async with hospital.side(visit["id"], visit["nudge_token"]) as doctor:
        await joined(doctor)
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        (entry,) = [
            one for one in await stores.audit.latest(20) if one.act == "call.joined" and one.about == visit["id"]
        ]
    assert entry.who == f"nudge token of session {visit['id'][:8]}"


async def test_who_says_something_else_first_is_told(hospital: Hospital) -> None:
    visit = hospital.announce()
    async with hospital.side(visit["id"], visit["nudge_token"]) as doctor:
        await doctor.send('{"type":"call.leave"}')
        assert (await receive(doctor))["error"]["code"] == "unexpected_message"


# -- invitations


def test_a_doctor_who_signed_in_invites_and_a_viewer_does_not(hospital: Hospital) -> None:
    own = {"Origin": hospital.served.url}
    for who, status in (("doctor", 201), ("viewer", 403)):
        signed = hospital.post(
            "/v1/sign-in", {"key": hospital.keys[who]}, None, **own | {"Content-Type": "application/json"}
        )
        came = own | {"Cookie": signed.headers["set-cookie"].partition(";")[0]}
        state = http.get(f"{hospital.served.url}/v1/sign-in", headers=came).json()
        assert state == {
            "needed": True,
            "site": "ward-3",
            "invites": who == "doctor",
            "uploads": who == "doctor",
            "webhooks": False,
        }
        assert hospital.post("/v1/sessions", {}, None, **came).status_code == status
        foreign = came | {"Origin": "https://portal.example"}
        assert hospital.post("/v1/sessions", {}, None, **foreign).status_code == 403


def test_a_link_becomes_the_qr_code_of_this_very_link(hospital: Hospital) -> None:
    link = hospital.announce()["visit_url"]
    answer = hospital.post("/v1/qr-code", {"text": link})
    assert answer.headers["cache-control"] == "no-store"
    drawn = answer.json()
    code = segno.make_qr(link, error="l", boost_error=False)
    assert drawn["size"] == len(code.matrix) + 8
    modules = set()
    for bar in drawn["path"].strip("Mz").split("zM"):
        place, across = bar.split("v")[0].split("h")
        x, y = map(int, place.split())
        modules |= {(x - 4 + i, y - 4) for i in range(int(across))}
    assert modules == {(x, y) for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark}


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ("viewer", {"text": "https://a.example/"}, 403),
        (None, {"text": "https://a.example/"}, 401),
        ("doctor", {}, 422),
        ("doctor", {"text": ""}, 422),
        ("doctor", {"text": "https://a.example/链接"}, 422),
        ("doctor", {"text": "a" * 2001}, 422),
        ("doctor", {"text": "a" * 9000}, 413),
    ],
)
def test_no_code_for_strangers_nor_of_what_is_no_link(
    hospital: Hospital, who: str | None, body: dict[str, str], status: int
) -> None:
    assert hospital.post("/v1/qr-code", body, who).status_code == status


def test_the_longest_link_fits_a_code(hospital: Hospital) -> None:
    assert hospital.post("/v1/qr-code", {"text": "a" * 2000}).status_code == 200


def test_the_page_of_a_call_alone_may_ask_for_a_camera(hospital: Hospital) -> None:
    policies = {
        path: http.get(hospital.served.url + path).headers["permissions-policy"]
        for path in ("/visit", "/visit.html", "/", "/doctor")
    }
    assert [path for path, policy in policies.items() if "camera=(self)" in policy] == ["/visit", "/visit.html"]
    assert all("microphone=(self)" in policy for policy in policies.values())


# -- heard or not


async def test_a_doctors_word_is_in_the_audit_with_who_said_it(hospital: Hospital) -> None:
    visit = hospital.announce()
    bearer = {"Authorization": f"Bearer {visit['observe_token']}"}
    path = f"/v1/sessions/{visit['id']}/heard"
    for clear in (False, True):
        assert hospital.post(path, {"clear": clear}, None, **bearer).json() == {"kept": True}
    assert hospital.post(path, {"clear": True}, "viewer").json() == {"kept": True}
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        said = [(one.act, one.who[:8]) for one in await stores.audit.latest(20) if one.act.startswith("heard.")]
    assert said == [("heard.badly", "observe "), ("heard.clearly", "observe "), ("heard.clearly", said[-1][1])]


@pytest.mark.parametrize(
    ("who", "token", "body", "status"),
    [
        ("elsewhere", None, {"clear": True}, 404),
        (None, "publish_token", {"clear": True}, 403),
        (None, None, {"clear": True}, 401),
        ("viewer", None, {}, 422),
        ("viewer", None, {"clear": "perhaps"}, 422),
    ],
)
def test_who_may_not_hear_the_patient_has_no_word(
    hospital: Hospital, who: str | None, token: str | None, body: dict[str, Any], status: int
) -> None:
    visit = hospital.announce()
    bearer = {"Authorization": f"Bearer {visit[token]}"} if token else {}
    assert hospital.post(f"/v1/sessions/{visit['id']}/heard", body, who, **bearer).status_code == status
