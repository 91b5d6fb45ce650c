"""What is another site's is answered as what does not exist: by the same words, after the same work.

Time itself is too noisy to be tested. What the server asks of its database is not: it is the same, statement by
statement, so that no clock can tell whether an id that was seen somewhere is one of another hospital's.
"""

import asyncio
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from websockets.asyncio.client import connect

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.logs import request_id
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, http, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve

SEGMENTS = {"segments": [{"id": "1", "text": "cough", "start_s": 0.0, "end_s": 1.0, "final": True}]}

REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/v1/sessions/{}", None),
    ("GET", "/v1/sessions/{}/windows", None),
    ("POST", "/v1/sessions/{}/transcript", SEGMENTS),
    ("POST", "/v1/sessions/{}/heard", {"clear": True}),
    ("DELETE", "/v1/sessions/{}", None),
    ("GET", "/v1/assessments/{}", None),
    ("GET", "/v1/assessments/{}/report", None),
    ("GET", "/v1/assessments/{}/fhir", None),
    ("PUT", "/v1/reviews/{}", {"heard": True}),
    ("DELETE", "/v1/assessments/{}", None),
    ("GET", "/v1/batches/{}", None),
    ("GET", "/v1/batches/{}/results", None),
    ("GET", "/v1/batches/{}/report", None),
    ("DELETE", "/v1/batches/{}", None),
]


@dataclass
class Site:
    """``key``: its integrator's."""

    served: Served
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class Work:
    """What the database was asked under each request's id."""

    statements: dict[str, list[str]] = field(default_factory=dict)

    def note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.statements.setdefault(request_id.get(), []).append(statement)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    """Two of one server."""
    data = tmp_path_factory.mktemp("data")

    async def create() -> list[str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return [(await create_key(store, name, Role.INTEGRATOR, utc_now()))[0] for name in ("ours", "theirs")]

    ours, theirs = asyncio.run(create())
    served = serve(drain_s=0.0, data_dir=data, mos=False)
    yield Site(served, ours), Site(served, theirs)
    served.stop()


@pytest.fixture
def work() -> Iterator[Work]:
    found = Work()
    event.listen(Engine, "before_cursor_execute", found.note)
    yield found
    event.remove(Engine, "before_cursor_execute", found.note)


def of_each_kind(owner: Site, mixes: Path) -> dict[str, str]:
    """An announced session, a recording and a batch of ``owner``."""
    url, sound = owner.served.url, (mixes / "000_clean_en.flac").read_bytes()
    made = {
        "announced": http.post(f"{url}/v1/sessions", headers=owner.headers, json={}),
        "recording": http.post(
            f"{url}/v1/assess", headers=owner.headers, files={"file": ("x.flac", sound)}, timeout=60
        ),
        "batch": http.post(f"{url}/v1/batches", headers=owner.headers, files=[("files", ("x.flac", sound))]),
    }
    return {kind: str(answer.raise_for_status().json()["id"]) for kind, answer in made.items()}


async def test_whatever_a_site_asks_about_anothers_costs_what_nothing_costs(
    sites: tuple[Site, Site], work: Work, mixes: Path
) -> None:
    ours, theirs = sites
    ids = await asyncio.to_thread(of_each_kind, theirs, mixes)
    async with connect(f"{theirs.served.ws}/v1/stream", additional_headers=theirs.headers) as patient:
        await patient.send(start(pace="realtime"))
        ids["live"] = (await until(patient, "session.started"))["session_id"]
        asked = {kind: await asked_about(one, ours, work) for kind, one in ids.items()}
        nothing = await asked_about(secrets.token_hex(16), ours, work)
    assert all(status in (404, 4404) for status, _, _ in nothing), nothing
    assert max(len(statements) for *_, statements in nothing) > 2, "the database is asked"
    for kind, answers in asked.items():
        assert answers == nothing, kind


async def asked_about(session_id: str, who: Site, work: Work) -> list[tuple[int, str, list[str]]]:
    """Status, words and the work for each request and socket that names ``session_id``."""
    found = []
    for method, path, body in REQUESTS:
        name, url = secrets.token_hex(8), f"{who.served.url}{path.format(session_id)}"
        headers = who.headers | {"X-Request-ID": name}
        answer = await asyncio.to_thread(http.request, method, url, headers=headers, json=body)
        words = json.dumps(answer.json()).replace(session_id, "ID").replace(name, "NAME")
        found.append((answer.status_code, words, work.statements.get(name, [])))
    for kind in ("observe", "transcribe"):
        name = secrets.token_hex(8)
        headers = who.headers | {"X-Request-ID": name}
        url = f"{who.served.ws}/v1/sessions/{session_id}/{kind}"
        async with connect(url, additional_headers=headers, subprotocols=[PROTOCOL]) as socket:
            codes, close = await faults_until_close(socket)
        found.append((close, " ".join(codes), work.statements.get(name, [])))
    name = secrets.token_hex(8)
    async with connect(f"{who.served.ws}/v1/stream", additional_headers=who.headers | {"X-Request-ID": name}) as socket:
        await socket.send(start(resume={"session_id": session_id, "resume_token": "guessed"}))
        codes, close = await faults_until_close(socket)
    found.append((close, " ".join(codes), work.statements.get(name, [])))
    return found
