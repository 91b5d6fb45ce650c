"""``/v1/webhooks``: who sees what could not be delivered, who has it sent again, and what nobody is shown."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_access, open_keys
from server.notify.endpoints import Endpoint
from server.notify.events import EventType
from server.settings import Settings
from tests.api.client import http
from tests.api.conftest import Served
from tests.api.conftest import start as serve
from tests.notify.dead import PLANTED, given_up
from tests.notify.receiver import Receiver, receiving

HOLDERS = {
    "admin": ("ward-3", Role.ADMIN),
    "integrator": ("ward-3", Role.INTEGRATOR),
    "doctor": ("ward-3", Role.DOCTOR),
    "viewer": ("ward-3", Role.VIEWER),
    "stranger": ("elsewhere", Role.ADMIN),
}
NEVER = (None, "no connection")
PATHS = [
    ("GET", "/v1/webhooks"),
    ("GET", "/v1/webhooks/dead"),
    ("POST", "/v1/webhooks/dead/replay"),
    ("POST", "/v1/webhooks/dead/1/replay"),
]


@dataclass(frozen=True)
class Ward:
    served: Served
    data: Path
    keys: dict[str, str]
    receiver: Receiver
    there: Endpoint
    gone: Endpoint

    def ask(self, who: str | None, path: str, method: str = "GET", **more: Any) -> Any:
        headers = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        return http.request(method, self.served.url + path, headers=headers | more.pop("headers", {}), timeout=60)

    def dead(self, who: str = "admin", query: str = "") -> list[dict[str, Any]]:
        answer = self.ask(who, f"/v1/webhooks/dead{query}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        found: list[dict[str, Any]] = answer.json()["dead"]
        return found

    def acts(self) -> list[str]:
        async def read() -> list[str]:
            async with open_access(Settings(data_dir=self.data)) as stores:
                return [f"{one.who} {one.act}" for one in await stores.audit.latest(1000)]

        return asyncio.run(read())


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """Two endpoints of its own and one of another site: the first takes what it is sent, the second nothing."""

    async def create(url: str) -> tuple[dict[str, str], Endpoint, Endpoint]:
        async with open_keys(Settings(data_dir=tmp_path)) as store:
            keys = {who: (await create_key(store, *given, utc_now()))[0] for who, given in HOLDERS.items()}
        there = await given_up(tmp_path, f"{url}?key=hidden", [1, 2, 3])
        gone = await given_up(tmp_path, "https://hooks.invalid/hidden", [4], kind=EventType.SESSION_ENDED, tried=NEVER)
        await given_up(tmp_path, url, [5], "elsewhere")
        return keys, there, gone

    with receiving() as receiver:
        keys, there, gone = asyncio.run(create(receiver.url))
        served = serve(drain_s=0.0, mos=False, data_dir=tmp_path, webhook_allow=("127.0.0.1",))
        yield Ward(served, tmp_path, keys, receiver, there, gone)
        served.stop()


def test_what_was_given_up_is_listed_page_by_page_and_without_what_it_tells(ward: Ward) -> None:
    first = ward.ask("admin", "/v1/webhooks/dead?limit=3").json()
    assert [one["about"] for one in first["dead"]] == [f"{number:032x}" for number in (4, 3, 2)]
    last = ward.ask("admin", f"/v1/webhooks/dead?limit=3&cursor={first['next']}").json()
    assert ([one["about"] for one in last["dead"]], last["next"]) == ([f"{1:032x}"], None)
    newest = first["dead"][0]
    assert (newest["host"], newest["status"], newest["why"]) == ("hooks.invalid", None, "no connection")
    assert newest["given_up_at"] >= newest["created_at"]
    assert (newest["attempts"], newest["type"], newest["endpoint"]) == (1, "session.ended", ward.gone.id)
    assert len(ward.dead(query=f"?endpoint={ward.there.id}")) == 3
    rows = ward.ask("admin", "/v1/webhooks")
    assert [(one["host"], one["waiting"], one["dead"], one["state"]) for one in rows.json()["endpoints"]] == [
        ("127.0.0.1", 0, 3, "told"), ("hooks.invalid", 0, 1, "told"),
    ]  # fmt: skip
    everything = rows.text + str(first) + str(last)
    for hidden in (PLANTED, "hidden", ward.there.secret, "whsec"):
        assert hidden not in everything
    assert ward.ask("admin", "/v1/webhooks/dead?limit=0").status_code == 422
    assert ward.ask("admin", "/v1/webhooks/dead?cursor=x").status_code == 422


def test_one_is_sent_again_with_its_id_and_the_audit_says_who_asked(ward: Ward) -> None:
    one = ward.dead()[1]
    answer = ward.ask("admin", f"/v1/webhooks/dead/{one['number']}/replay", "POST")
    assert (answer.status_code, answer.json()) == (200, {"replayed": 1})
    (came,) = ward.receiver.wait(lambda came: len(came) == 1)
    assert came.id == one["webhook_id"]
    assert came.signed_with(ward.there.secret)
    assert one["number"] not in [left["number"] for left in ward.dead()]
    again = ward.ask("admin", f"/v1/webhooks/dead/{one['number']}/replay", "POST")
    assert (again.status_code, again.json()["code"]) == (404, "unknown_delivery")
    acts = ward.acts()
    assert sum("webhooks.replayed" in act for act in acts) == 2
    assert sum("webhooks.listed" in act for act in acts) == 1, "once in a while, however often somebody looks"


def test_all_of_an_endpoint_are_sent_again_or_all_of_the_site(ward: Ward) -> None:
    path = "/v1/webhooks/dead/replay"
    assert ward.ask("admin", f"{path}?endpoint={ward.there.id}", "POST").json() == {"replayed": 3}
    ward.receiver.wait(lambda came: len(came) == 3)
    assert [one["endpoint"] for one in ward.dead()] == [ward.gone.id]
    assert ward.ask("admin", f"{path}?endpoint=wh_none", "POST").status_code == 404
    assert ward.ask("admin", path, "POST").json() == {"replayed": 1}
    assert ward.dead() == []
    assert len(ward.dead("stranger")) == 1, "that of another site stays"


def test_another_site_learns_nothing_and_sends_nothing(ward: Ward) -> None:
    mine = [one["number"] for one in ward.dead()]
    (theirs,) = ward.dead("stranger")
    assert theirs["number"] not in mine
    assert ward.dead("stranger", f"?endpoint={ward.there.id}") == []
    answers = [
        ward.ask("stranger", f"/v1/webhooks/dead/{mine[0]}/replay", "POST"),
        ward.ask("stranger", "/v1/webhooks/dead/999999/replay", "POST"),
        ward.ask("stranger", f"/v1/webhooks/dead/replay?endpoint={ward.there.id}", "POST"),
        ward.ask("stranger", "/v1/webhooks/dead/replay?endpoint=wh_none", "POST"),
    ]
    assert {(one.status_code, one.json()["detail"]) for one in answers} == {(404, answers[0].json()["detail"])}
    assert [one["number"] for one in ward.dead()] == mine
    assert ward.receiver.came == []


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_only_an_admin_sees_them_or_sends_them_again(ward: Ward, method: str, path: str) -> None:
    for who in ("integrator", "doctor", "viewer"):
        assert ward.ask(who, path, method).status_code == 403
    assert ward.ask(None, path, method).status_code == 401
    assert ward.receiver.came == []


def test_an_admin_at_a_page_may_that_and_little_else(ward: Ward) -> None:
    origin = {"Origin": ward.served.url}
    signed = http.post(f"{ward.served.url}/v1/sign-in", json={"key": ward.keys["admin"]}, headers=origin)
    assert signed.status_code == 204
    cookie = {"Cookie": signed.headers["set-cookie"].partition(";")[0]}
    state = ward.ask(None, "/v1/sign-in", headers=cookie).json()
    assert (state["site"], state["webhooks"], state["invites"], state["uploads"]) == ("ward-3", True, False, False)
    number = ward.ask(None, "/v1/webhooks/dead", headers=cookie).json()["dead"][1]["number"]
    path = f"/v1/webhooks/dead/{number}/replay"
    assert ward.ask(None, path, "POST", headers=cookie).status_code == 403, "asked by no page of this server"
    foreign = cookie | {"Origin": "https://evil.example"}
    assert ward.ask(None, path, "POST", headers=foreign).status_code == 403
    assert ward.ask(None, path, "POST", headers=cookie | origin).status_code == 200
    for method, refused in (("POST", "/v1/sessions"), ("POST", "/v1/assess"), ("GET", "/metrics")):
        assert ward.ask(None, refused, method, headers=cookie | origin).status_code == 403
    assert ward.ask(None, f"/v1/assessments/{1:032x}", "DELETE", headers=cookie | origin).status_code == 403


def test_a_server_without_keys_shows_none(served: Served) -> None:
    for method, path in PATHS:
        answer = http.request(method, served.url + path)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
