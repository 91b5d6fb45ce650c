"""Sessions that a backend announces, over real sockets: what each token opens, and what it does not."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.access.tokens import Scope, Tokens, rotate
from server.app import open_access, open_keys
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, http, receive, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve


@dataclass(frozen=True)
class Hospital:
    served: Served
    data: Path
    keys: dict[str, str]

    def announce(self, who: str = "integrator", **terms: Any) -> dict[str, Any]:
        answer = self.ask(json.dumps(terms), who)
        assert answer.status_code == 201, answer.text
        announced: dict[str, Any] = answer.json()
        return announced

    def ask(self, body: str | bytes, who: str = "integrator") -> Any:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        return http.post(f"{self.served.url}/v1/sessions", content=body, headers=headers)

    def look(self, token: str, scope: str | None = None, **headers: str) -> Any:
        """What a page asks of its link before it opens anything."""
        asked = {} if scope is None else {"scope": scope}
        given = headers or {"Authorization": f"Bearer {token}"}
        return http.get(f"{self.served.url}/v1/token", params=asked, headers=given)

    def patient(self, token: str) -> connect:
        return connect(f"{self.served.ws}/v1/stream", subprotocols=bearing(token))

    def doctor(self, session_id: str, token: str) -> connect:
        return connect(f"{self.served.ws}/v1/sessions/{session_id}/observe", subprotocols=bearing(token))


def bearing(token: str) -> list[Subprotocol]:
    return [PROTOCOL, Subprotocol(f"bearer.{token}")]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    data = tmp_path_factory.mktemp("data")
    roles = {"integrator": Role.INTEGRATOR, "viewer": Role.VIEWER}

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return {who: (await create_key(store, "ward-3", role, utc_now()))[0] for who, role in roles.items()}

    keys = asyncio.run(create())
    served = serve(drain_s=1.0, data_dir=data)
    yield Hospital(served, data, keys)
    served.stop()


async def begun(socket: ClientConnection, **fields: Any) -> dict[str, Any]:
    await socket.send(start(**fields))
    return await until(socket, "session.started")


async def said(patient: ClientConnection) -> None:
    """The patient's client has said something, and the server has taken it."""
    await patient.send('{"type":"audio.pause"}')
    await until(patient, "session.state")


async def test_patient_and_doctor_meet_in_the_announced_session_on_its_terms(hospital: Hospital) -> None:
    announced = hospital.announce(reference="case 7", mode="visit", labels="low_background", metadata={"bed": 3})
    async with hospital.patient(announced["publish_token"]) as patient:
        assert patient.subprotocol == PROTOCOL, "the token is never echoed"
        started = await begun(patient, reference="another")
        assert started["session_id"] == announced["id"]
        assert started["config"]["mode"] == "visit"
        for _ in range(2):  # an observe token opens any number of sockets
            async with hospital.doctor(announced["id"], announced["observe_token"]) as doctor:
                assert (await receive(doctor))["type"] == "snapshot"
        await patient.send('{"type":"session.end"}')
        result = (await until(patient, "session.ended"))["result"]
    assert (result["reference"], result["metadata"]) == ("case 7", {"bed": 3})


def test_an_announced_session_says_where_to_go_and_until_when(hospital: Hospital) -> None:
    answer = hospital.ask(b"")
    assert answer.headers["Cache-Control"] == "no-store"
    announced = answer.json()
    assert announced["ws_url"] == f"{hospital.served.ws}/v1/stream"
    page, _, token = announced["observe_url"].partition("#token=")
    assert page == f"{hospital.served.url}/doctor?session={announced['id']}"
    assert token == announced["observe_token"]
    left = datetime.fromisoformat(announced["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"not json", 422, "invalid_config"),
        (b'{"shout":true}', 422, "invalid_config"),
        (b'{"labels":""}', 422, "invalid_labels"),
        (b'{"metadata":{"x":1e999}}', 422, "invalid_config"),
        (b"[" * 5000, 422, "invalid_config"),
        (b" " * 70_000, 413, "payload_too_large"),
    ],
)
def test_what_cannot_be_announced_is_refused(hospital: Hospital, body: bytes, status: int, code: str) -> None:
    answer = hospital.ask(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_viewer_announces_nothing(hospital: Hospital) -> None:
    assert hospital.ask(b"", "viewer").json()["code"] == "forbidden"


async def test_a_used_token_begins_nothing_and_resumes_its_own_session(hospital: Hospital) -> None:
    announced = hospital.announce()
    token = announced["publish_token"]
    async with hospital.patient(token) as patient:
        started = await begun(patient)
        await said(patient)
        async with hospital.patient(token) as second:
            await second.send(start())
            assert await faults_until_close(second) == (["token_used"], 4403)
    resume = {name: started[name] for name in ("session_id", "resume_token")}
    async with hospital.patient(token) as wrong:
        await wrong.send(start(resume=resume | {"resume_token": "guessed"}))
        assert await faults_until_close(wrong) == (["unknown_session"], 4404)
    async with hospital.patient(token) as back:
        assert (await begun(back, resume=resume))["session_id"] == announced["id"]


async def test_a_link_whose_line_broke_before_anything_was_said_begins_again(hospital: Hospital) -> None:
    announced = hospital.announce(reference="case 8")
    async with hospital.patient(announced["publish_token"]) as lost:
        first = await begun(lost)
        async with hospital.patient(announced["publish_token"]) as patient:
            started = await begun(patient)
            assert await faults_until_close(lost) == (["session_superseded"], 4409)
            assert started["session_id"] == first["session_id"] == announced["id"]
            assert started["resume_token"] != first["resume_token"]
            await patient.send('{"type":"session.end"}')
            assert (await until(patient, "session.ended"))["result"]["reference"] == "case 8"


async def test_altered_expired_and_foreign_tokens_each_have_their_code_and_nothing_else(hospital: Hospital) -> None:
    one, other = hospital.announce(), hospital.announce()
    async with open_keys(Settings(data_dir=hospital.data)) as store:
        past = Tokens(store, lambda: utc_now() - timedelta(hours=5))
        times = {"lasts": timedelta(minutes=15), "resumes": timedelta(hours=5)}
        old = {scope: await past.issue(scope, one["id"], "ward-3", key_id=None, **times) for scope in Scope}
        ancient = await past.issue(Scope.PUBLISH, one["id"], "ward-3", timedelta(minutes=15), key_id=None)
    altered = one["observe_token"][:-4] + "AAAA"
    for token, session_id, code, close in [
        (altered, one["id"], "invalid_token", 4401),
        ("", one["id"], "invalid_token", 4401),
        (hospital.keys["viewer"], one["id"], "invalid_token", 4401),
        (other["observe_token"], one["id"], "foreign_token", 4403),
        (one["publish_token"], one["id"], "foreign_token", 4403),
        (old[Scope.OBSERVE], one["id"], "token_expired", 4410),
    ]:
        async with hospital.doctor(session_id, token) as doctor:
            assert await faults_until_close(doctor) == ([code], close)
    async with hospital.patient(one["observe_token"]) as patient:
        assert await faults_until_close(patient) == (["foreign_token"], 4403)
    async with hospital.patient(ancient) as patient:  # refused while it is silent
        assert await faults_until_close(patient) == (["token_expired"], 4410)
    async with hospital.patient(old[Scope.PUBLISH]) as patient:
        await patient.send(start())
        assert await faults_until_close(patient) == (["token_expired"], 4410)


async def test_tokens_outlive_a_rotation_and_not_their_revoked_key(hospital: Hospital) -> None:
    async with open_keys(Settings(data_dir=hospital.data)) as store:
        hospital.keys["leaver"], made = await create_key(store, "ward-3", Role.INTEGRATOR, utc_now())
        announced = hospital.announce("leaver")
        await rotate(store, utc_now())
        async with hospital.patient(announced["publish_token"]) as patient:
            started = await begun(patient)
            await store.revoke(made.id, utc_now())
            async with hospital.doctor(announced["id"], announced["observe_token"]) as doctor:
                assert await faults_until_close(doctor) == (["token_expired"], 4410)
        resume = {name: started[name] for name in ("session_id", "resume_token")}
        async with hospital.patient(announced["publish_token"]) as back:
            assert (await begun(back, resume=resume))["session_id"] == announced["id"], "a visit goes on"


async def test_a_doctor_who_comes_first_is_asked_to_come_again(hospital: Hospital) -> None:
    announced = hospital.announce()
    async with hospital.doctor(announced["id"], announced["observe_token"]) as doctor:
        assert await faults_until_close(doctor) == (["session_not_begun"], 4503)
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        acts = [entry.act for entry in await stores.audit.latest(1000) if entry.about == announced["id"]]
    assert acts == ["session.announced"], "asking every other second must not fill the audit"


async def test_the_nudge_token_watches_and_asks_the_patient_and_the_audit_says_so(hospital: Hospital) -> None:
    announced = hospital.announce()
    assert announced["nudge_url"].endswith(f"/doctor?session={announced['id']}#token={announced['nudge_token']}")
    async with hospital.patient(announced["publish_token"]) as patient:
        await begun(patient)
        async with (
            hospital.doctor(announced["id"], announced["nudge_token"]) as doctor,
            hospital.doctor(announced["id"], announced["observe_token"]) as other,
        ):
            assert (await receive(doctor))["nudge"] is True
            assert (await receive(other))["nudge"] is False
            await other.send('{"type":"prompt.send","id":"come_closer"}')
            assert (await until(other, "error"))["error"]["code"] == "unexpected_message"
            await doctor.send('{"type":"prompt.send","id":"come_closer"}')
            for socket in (patient, doctor, other):
                raised = await until(socket, "prompt.raised")
                assert (raised["id"], raised["source"]) == ("come_closer", "doctor")
            await doctor.send('{"type":"prompt.mute","id":"come_closer"}')
            assert (await until(patient, "prompt.cleared"))["source"] == "doctor"
            assert (await until(other, "prompt.muted"))["ids"] == ["come_closer"]
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        entries = [entry for entry in await stores.audit.latest(1000) if entry.about == announced["id"]]
    asked = [entry for entry in entries if entry.act in ("prompt.sent", "prompt.muted")]
    assert [entry.act for entry in asked] == ["prompt.sent", "prompt.muted"]
    assert {entry.who for entry in asked} == {f"nudge token of session {announced['id'][:8]}"}


@pytest.mark.parametrize(("who", "may"), [("integrator", True), ("viewer", False)])
async def test_of_keys_an_integrators_may_ask_the_patient_and_a_viewers_only_watches(
    hospital: Hospital, who: str, may: bool
) -> None:
    announced = hospital.announce()
    headers = {"Authorization": f"Bearer {hospital.keys[who]}"}
    async with hospital.patient(announced["publish_token"]) as patient:
        await begun(patient)
        watching = f"{hospital.served.ws}/v1/sessions/{announced['id']}/observe"
        async with connect(watching, additional_headers=headers) as doctor:
            assert (await receive(doctor))["nudge"] is may


async def test_a_token_to_hand_over_transcripts_opens_no_other_socket(hospital: Hospital) -> None:
    announced = hospital.announce()
    async with open_keys(Settings(data_dir=hospital.data)) as store:
        token = await Tokens(store, utc_now).issue(
            Scope.TRANSCRIBE, announced["id"], "ward-3", timedelta(minutes=5), key_id=None
        )
    async with hospital.patient(token) as socket:
        assert await faults_until_close(socket) == (["foreign_token"], 4403)
    async with hospital.doctor(announced["id"], token) as socket:
        assert await faults_until_close(socket) == (["foreign_token"], 4403)


async def test_without_keys_tokens_work_too_and_are_not_needed(served: Served) -> None:
    announced = http.post(f"{served.url}/v1/sessions").json()
    async with connect(f"{served.ws}/v1/stream", subprotocols=bearing(announced["publish_token"])) as patient:
        assert (await begun(patient))["session_id"] == announced["id"]
    async with connect(f"{served.ws}/v1/stream", subprotocols=bearing("forged")) as patient:
        assert await faults_until_close(patient) == (["invalid_token"], 4401)


async def test_the_audit_says_who_announced_spoke_and_watched(hospital: Hospital) -> None:
    announced = hospital.announce()
    async with hospital.patient(announced["publish_token"]) as patient:
        await begun(patient)
        async with hospital.doctor(announced["id"], announced["observe_token"]) as doctor:
            await receive(doctor)
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        entries = [entry for entry in await stores.audit.latest(1000) if entry.about == announced["id"]]
    assert [entry.act for entry in entries] == ["session.announced", "session.spoken", "session.observed"]
    assert {entry.site for entry in entries} == {"ward-3"}
    assert entries[0].who.startswith("key ")
    assert entries[2].who == f"observe token of session {announced['id'][:8]}"
    assert entries[2].address == "127.0.0.1"
    written = repr(entries)
    assert announced["publish_token"].split(".")[2] not in written


async def test_the_audit_names_the_session_of_a_key_and_of_no_socket_that_was_refused(hospital: Hospital) -> None:
    announced = hospital.announce()
    headers = {"Authorization": f"Bearer {hospital.keys['integrator']}"}
    async with connect(f"{hospital.served.ws}/v1/stream", additional_headers=headers) as patient:
        started = await begun(patient)
    resume = {name: started[name] for name in ("session_id", "resume_token")}
    async with connect(f"{hospital.served.ws}/v1/stream", additional_headers=headers) as patient:
        await begun(patient, resume=resume)
    async with hospital.patient(announced["publish_token"]) as patient:
        await begun(patient)
        await said(patient)
        for _ in range(3):
            async with hospital.patient(announced["publish_token"]) as again:
                await again.send(start())
                assert await faults_until_close(again) == (["token_used"], 4403)
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        entries = [entry for entry in await stores.audit.latest(1000) if entry.act == "session.spoken"]
    assert [entry.about for entry in entries].count(started["session_id"]) == 2
    assert [entry.about for entry in entries].count(announced["id"]) == 1
    assert "" not in {entry.about for entry in entries}


async def test_what_a_session_tries_again_is_in_its_result_and_no_patient_can_say_it(hospital: Hospital) -> None:
    announced = hospital.announce(attempt_of="0" * 31 + "1")
    async with hospital.patient(announced["publish_token"]) as patient:
        await begun(patient)
        await patient.send('{"type":"session.end"}')
        assert (await until(patient, "session.ended"))["result"]["attempt_of"] == "0" * 31 + "1"
    async with hospital.patient(hospital.announce()["publish_token"]) as patient:
        await patient.send(start(attempt_of="0" * 32))
        assert await faults_until_close(patient) == (["malformed_message"], 4400)
    assert hospital.ask(json.dumps({"attempt_of": "case 7"})).json()["code"] == "invalid_config"


def told(answer: Any) -> tuple[int, str]:
    """Of a problem (RFC 9457)."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_a_link_can_be_looked_at_again_and_again_and_still_begins_its_session(hospital: Hospital) -> None:
    announced = hospital.announce()
    for scope in ("publish", "observe", "nudge", "transcribe"):
        answer = hospital.look(announced[f"{scope}_token"], scope)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"scope": scope, "session_id": announced["id"]}
        assert answer.headers["Cache-Control"] == "no-store"
    assert hospital.look(announced["publish_token"]).json()["scope"] == "publish", "which is what is asked if not told"
    async with hospital.patient(announced["publish_token"]) as patient:
        assert (await begun(patient))["session_id"] == announced["id"]
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        acts = [entry.act for entry in await stores.audit.latest(1000) if entry.about == announced["id"]]
    assert acts == ["session.announced", "session.spoken"], "nothing was done"


async def test_a_link_is_told_used_once_something_was_said_with_it(hospital: Hospital) -> None:
    announced = hospital.announce()
    link = announced["publish_token"]
    async with hospital.patient(link) as patient:
        await begun(patient)
        assert hospital.look(link).status_code == 200, "its line may have broken before anything was said"
        await said(patient)
        assert told(hospital.look(link)) == (403, "token_used")
        await patient.send('{"type":"session.end"}')
        await until(patient, "session.ended")
    assert told(hospital.look(link)) == (403, "token_used")
    assert hospital.look(announced["observe_token"], "observe").status_code == 200, "the doctor may still watch"


async def test_what_the_sockets_refuse_is_told_by_the_same_codes(hospital: Hospital) -> None:
    announced = hospital.announce()
    async with open_keys(Settings(data_dir=hospital.data)) as store:
        past = Tokens(store, lambda: utc_now() - timedelta(hours=5))
        times = {"lasts": timedelta(minutes=15), "resumes": timedelta(hours=5)}
        old = await past.issue(Scope.PUBLISH, announced["id"], "ward-3", key_id=None, **times)
        ancient = await past.issue(Scope.OBSERVE, announced["id"], "ward-3", timedelta(minutes=15), key_id=None)
        nobodys = await Tokens(store, utc_now).issue(
            Scope.PUBLISH, "0" * 32, "ward-3", timedelta(minutes=15), key_id=None
        )
    for token, scope, expected in [
        (announced["publish_token"][:-4] + "AAAA", "publish", (401, "invalid_token")),
        (hospital.keys["integrator"], "publish", (401, "invalid_token")),
        (old, "publish", (401, "token_expired")),
        (ancient, "observe", (401, "token_expired")),
        (announced["observe_token"], "publish", (403, "foreign_token")),
        (announced["publish_token"], "nudge", (403, "foreign_token")),
        (nobodys, "publish", (404, "unknown_session")),
        (announced["publish_token"], "everything", (422, "invalid_request")),
    ]:
        assert told(hospital.look(token, scope)) == expected, (scope, expected)
    assert told(hospital.look("", Cookie="x=y")) == (401, "unauthorized")
    assert told(hospital.look("", Authorization=f"Basic {announced['publish_token']}")) == (401, "unauthorized")
    assert told(hospital.look("", Authorization="Bearer")) == (401, "unauthorized")


async def test_a_link_of_another_sites_session_is_told_as_one_that_nobody_knows(hospital: Hospital) -> None:
    announced = hospital.announce()
    async with open_keys(Settings(data_dir=hospital.data)) as store:
        elsewhere = await Tokens(store, utc_now).issue(
            Scope.PUBLISH, announced["id"], "ward-9", timedelta(minutes=15), key_id=None
        )
    assert told(hospital.look(elsewhere)) == (404, "unknown_session")
    assert hospital.look(announced["publish_token"]).status_code == 200


def test_without_keys_a_link_can_be_looked_at_too(served: Served) -> None:
    announced = http.post(f"{served.url}/v1/sessions").json()
    headers = {"Authorization": f"Bearer {announced['publish_token']}"}
    assert http.get(f"{served.url}/v1/token", headers=headers).json()["session_id"] == announced["id"]
    assert told(http.get(f"{served.url}/v1/token", headers={"Authorization": "Bearer a.b.c"})) == (401, "invalid_token")
