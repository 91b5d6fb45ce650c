"""What was said, over real sockets and requests: which key and token may hand it over, and what it does."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from tests.api.test_tokens import Hospital, bearing

PLACE = "pain_location"
SEGMENT = {"id": "1", "text": "我肚子疼", "start_s": 1.0, "end_s": 2.0, "final": True, "speaker": "patient"}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    data = tmp_path_factory.mktemp("data")
    holders = {
        "integrator": ("ward-3", Role.INTEGRATOR),
        "viewer": ("ward-3", Role.VIEWER),
        "stranger": ("elsewhere", Role.ADMIN),
    }

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return {who: (await create_key(store, *given, utc_now()))[0] for who, given in holders.items()}

    keys = asyncio.run(create())
    served = serve(drain_s=1.0, data_dir=data, mos=False)
    yield Hospital(served, data, keys)
    served.stop()


def post(served: Served, session_id: str, bearer: str | None, body: Any = None) -> tuple[int, str | None]:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    address = f"{served.url}/v1/sessions/{session_id}/transcript"
    answer = http.post(address, json=body or {"segments": [SEGMENT]}, headers=headers, timeout=60)
    return answer.status_code, answer.json()["code"] if answer.content else None


async def asked(*given: Any) -> tuple[int, str | None]:
    return await asyncio.to_thread(post, *given)


def service(hospital: Hospital, session_id: str, token: str) -> connect:
    address = f"{hospital.served.ws}/v1/sessions/{session_id}/transcribe"
    return connect(address, subprotocols=bearing(token), max_size=None)


async def test_a_recogniser_hands_over_by_token_and_the_doctor_is_told(hospital: Hospital) -> None:
    announced = hospital.announce()
    session_id, token = announced["id"], announced["transcribe_token"]
    assert announced["transcribe_url"] == f"{hospital.served.ws}/v1/sessions/{session_id}/transcribe"
    async with service(hospital, session_id, token) as early:
        assert await faults_until_close(early) == (["session_not_begun"], 4503)
    assert await asked(hospital.served, session_id, token) == (409, "session_not_begun")
    async with hospital.patient(announced["publish_token"]) as patient:
        await patient.send(start(pace="realtime"))
        assert (await receive(patient))["type"] == "session.started"
        async with (
            hospital.doctor(session_id, announced["observe_token"]) as doctor,
            service(hospital, session_id, token) as recogniser,
        ):
            assert recogniser.subprotocol == PROTOCOL
            await recogniser.send(json.dumps({"type": "transcript", "segments": [SEGMENT]}))
            said = await until(doctor, "said")
            assert said["labels"][PLACE]["state"] == "stated"
            more = {"segments": [SEGMENT | {"id": "2", "text": "已经三天了", "start_s": 3.0, "end_s": 4.0}]}
            assert await asked(hospital.served, session_id, token, more) == (204, None)
            key = hospital.keys["integrator"]
            third = {"segments": [SEGMENT | {"id": "3", "text": "没有别的不舒服", "start_s": 5.0, "end_s": 6.0}]}
            assert await asked(hospital.served, session_id, key, third) == (204, None)
            await patient.send(b"\0" * 32_000 * 3)
            await patient.send('{"type":"session.end"}')
            messages = [await receive(patient)]
            while messages[-1]["type"] != "session.ended":
                messages.append(await receive(patient))
            assert not [one for one in messages if one["type"] == "said"]
            assert messages[-1]["result"]["labels"][PLACE]["state"] == "stated"
            await recogniser.wait_closed()
            assert recogniser.close_code == 1000
    assert await asked(hospital.served, session_id, token) == (410, "session_expired")


async def test_who_may_not_hand_over_is_told_why(hospital: Hospital) -> None:
    announced, other = hospital.announce(), hospital.announce()
    session_id, served = announced["id"], hospital.served
    async with hospital.patient(announced["publish_token"]) as patient:
        await patient.send(start(pace="realtime"))
        assert (await receive(patient))["type"] == "session.started"
        refused = {
            announced["observe_token"]: ((403, "foreign_token"), 4403),
            announced["nudge_token"]: ((403, "foreign_token"), 4403),
            announced["publish_token"]: ((403, "foreign_token"), 4403),
            other["transcribe_token"]: ((403, "foreign_token"), 4403),
            f"{announced['transcribe_token']}x": ((401, "invalid_token"), 4401),
        }
        for token, (answer, close) in refused.items():
            assert await asked(served, session_id, token) == answer
            async with service(hospital, session_id, token) as socket:
                assert await faults_until_close(socket) == ([answer[1]], close)
        assert await asked(served, session_id, None) == (401, "unauthorized")
        assert await asked(served, session_id, hospital.keys["viewer"]) == (403, "forbidden")
        assert await asked(served, session_id, hospital.keys["stranger"]) == (404, "unknown_session")
        own = hospital.keys["integrator"]
        assert await asked(served, session_id, own, {"segments": []}) == (422, "invalid_config")
        assert await asked(served, session_id, own, {"segments": [SEGMENT | {"text": "x" * 2001}]}) == (
            422,
            "invalid_config",
        )
        assert await asked(served, "0" * 32, own) == (404, "unknown_session")
        # A token for what is said opens nothing else.
        async with hospital.doctor(session_id, announced["transcribe_token"]) as doctor:
            assert await faults_until_close(doctor) == (["foreign_token"], 4403)
        async with hospital.patient(announced["transcribe_token"]) as another:
            assert await faults_until_close(another) == (["foreign_token"], 4403)


def test_the_log_and_the_audit_hold_no_word_of_it(hospital: Hospital, tmp_path: Path) -> None:
    database = next(iter(hospital.data.glob("*.db*"))).parent
    assert not [path for path in database.iterdir() if path.is_file() and "肚子".encode() in path.read_bytes()]
