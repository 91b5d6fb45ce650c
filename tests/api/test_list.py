"""``GET /v1/sessions``: what staff see of their own site, and what anybody else sees, which is nothing."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_access, open_keys
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, http, receive, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve

HOLDERS = {
    "admin": ("ward-3", Role.ADMIN),
    "integrator": ("ward-3", Role.INTEGRATOR),
    "viewer": ("ward-3", Role.VIEWER),
    "stranger": ("elsewhere", Role.ADMIN),
}


@dataclass(frozen=True)
class Hospital:
    served: Served
    data: Path
    keys: dict[str, str]

    def get(self, who: str | None, path: str = "/v1/sessions", **headers: str) -> Any:
        bearer = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        return http.get(self.served.url + path, headers=bearer | headers)

    def list(self, who: str, query: str = "") -> Any:
        answer = self.get(who, f"/v1/sessions{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def announce(self, who: str = "integrator", **terms: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        answer = http.post(f"{self.served.url}/v1/sessions", content=json.dumps(terms), headers=headers)
        assert answer.status_code == 201, answer.text
        announced: dict[str, Any] = answer.json()
        return announced

    def patient(self, token: str) -> connect:
        subprotocols = [PROTOCOL, Subprotocol(f"bearer.{token}")]
        return connect(f"{self.served.ws}/v1/stream", subprotocols=subprotocols, max_size=None)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    data = tmp_path_factory.mktemp("data")

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return {who: (await create_key(store, *given, utc_now()))[0] for who, given in HOLDERS.items()}

    keys = asyncio.run(create())
    served = serve(drain_s=0.0, mos=False, data_dir=data)
    yield Hospital(served, data, keys)
    served.stop()


async def test_a_session_is_listed_from_its_announcement_to_its_end(hospital: Hospital) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    announced = hospital.announce(reference="case 7", mode="visit", attempt_of="a" * 32)

    def row() -> dict[str, Any] | None:
        rows = {one["id"]: one for one in hospital.list("viewer")["sessions"]}
        return rows.get(announced["id"])

    expected = row()
    assert expected is not None
    assert began < datetime.fromisoformat(expected.pop("since")) < datetime.now(UTC) + timedelta(seconds=1)
    nothing_yet: dict[str, Any] = {"grade": None, "score": None, "prompts": [], "observers": 0}
    said = {"id": announced["id"], "mode": "visit", "reference": "case 7", "attempt_of": "a" * 32}
    no_end = {"ended_at": None, "verdict": None, "reason": None}
    assert expected == said | nothing_yet | no_end | {"state": "announced"}
    async with hospital.patient(announced["publish_token"]) as patient:
        await patient.send(start())
        await until(patient, "session.started")
        there = f"{hospital.served.ws}/v1/sessions/{announced['id']}/observe"
        headers = {"Authorization": f"Bearer {hospital.keys['viewer']}"}
        async with connect(there, additional_headers=headers, max_size=None) as doctor:
            await until(doctor, "snapshot")
            live = row()
            assert live is not None
            assert {name: live[name] for name in ("state", "observers", "reference", "attempt_of")} == {
                "state": "live", "observers": 1, "reference": "case 7", "attempt_of": "a" * 32,
            }  # fmt: skip
            for _ in range(40):
                await patient.send(bytes(3200))
            update = await until(patient, "quality.update")
            judged = row()
            assert judged is not None
            assert judged["grade"] == update["overall"]["grade"]
            await patient.send('{"type":"audio.pause"}')
            await until(patient, "session.state")
            paused = row()
            assert paused is not None
            assert paused["state"] == "paused"
            await patient.send('{"type":"session.end"}')
            await until(patient, "session.ended")
    ended = row()
    assert ended is not None
    assert (ended["state"], ended["reason"], ended["observers"]) == ("ended", "client", 0)
    assert announced["id"] not in [one["id"] for one in hospital.list("viewer", "?state=running")["sessions"]]


@pytest.mark.parametrize("who", ["admin", "integrator", "viewer"])
def test_every_key_of_the_site_lists_its_sessions(hospital: Hospital, who: str) -> None:
    announced = hospital.announce()
    assert announced["id"] in [one["id"] for one in hospital.list(who)["sessions"]]


async def test_another_site_learns_nothing_by_list_id_observer_or_page(hospital: Hospital) -> None:
    empty = hospital.list("stranger")
    assert empty == {"sessions": [], "next": None}
    hospital.announce()  # another one, so that a page of one has a next
    announced = hospital.announce(reference="case 8")
    async with hospital.patient(announced["publish_token"]) as patient:
        await patient.send(start())
        await until(patient, "session.started")
        assert hospital.list("stranger") == empty
        assert hospital.list("stranger", "?limit=1") == empty
        cursor = hospital.list("viewer", "?limit=1")["next"]
        assert cursor is not None
        assert announced["id"] not in cursor
        assert hospital.list("stranger", f"?cursor={cursor}") == empty
        headers = {"Authorization": f"Bearer {hospital.keys['stranger']}"}
        answers = []
        for session_id in (announced["id"], "0" * 32):
            address = f"{hospital.served.ws}/v1/sessions/{session_id}/observe"
            async with connect(address, additional_headers=headers) as stranger:
                answers.append((await receive(stranger))["error"])
                assert await faults_until_close(stranger) == ([], 4404)
        assert answers[0] == answers[1], "as one that does not exist"
        theirs = hospital.announce("stranger")
        assert [one["id"] for one in hospital.list("stranger")["sessions"]] == [theirs["id"]]
        assert theirs["id"] not in [one["id"] for one in hospital.list("viewer")["sessions"]]


def test_pages_of_the_list_follow_each_other_without_gap_or_double(hospital: Hospital) -> None:
    announced = [hospital.announce()["id"] for _ in range(5)]
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = hospital.list("viewer", f"?limit=2{cursor}")
        pages.append([one["id"] for one in page["sessions"]])
        cursor = None if page["next"] is None else f"&cursor={page['next']}"
    found = [session_id for page in pages for session_id in page]
    assert all(len(page) == 2 for page in pages[:-1])
    assert len(found) == len(set(found))
    assert [one for one in found if one in announced] == announced[::-1], "the latest first"


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=201", "?limit=x", "?cursor=1", "?cursor=" + "9" * 40 + "-00000000"]
)
def test_a_wrong_page_is_a_problem(hospital: Hospital, query: str) -> None:
    assert hospital.get("viewer", f"/v1/sessions{query}").status_code == 422


def test_without_a_key_nobody_lists(hospital: Hospital) -> None:
    answer = hospital.get(None)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_token_lists_nothing(hospital: Hospital) -> None:
    token = hospital.announce()["observe_token"]
    answer = hospital.get(None, Authorization=f"Bearer {token}")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_server_without_keys_lists_nothing_because_an_id_opens_a_session(served: Served) -> None:
    answer = http.get(f"{served.url}/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_audit_says_once_that_somebody_looks_at_the_list(hospital: Hospital) -> None:
    for _ in range(3):
        hospital.list("admin")

    async def entries() -> list[str]:
        async with open_access(Settings(data_dir=hospital.data)) as stores:
            return [entry.who for entry in await stores.audit.latest(1000) if entry.act == "sessions.listed"]

    who = asyncio.run(entries())
    assert len(who) == len(set(who))
    assert len(who) >= 1
