"""Signing in at the pages for staff, over real requests and sockets."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.access.throttle import WRONG_AT_ONCE
from server.app import open_access, open_keys
from server.errors import StoreError
from server.settings import Settings
from tests.api.client import faults_until_close, receive, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve


def ask(method: str, address: str, **more: Any) -> httpx.Response:
    """Without a memory: a client keeps cookies."""
    return httpx.request(method, address, timeout=30, **more)


class Unanswered:
    """Keys whose database does not answer."""

    def __getattr__(self, _name: str) -> Any:
        async def fail(*_given: object) -> None:
            raise StoreError("The database does not answer; try again.", retry_after_s=5.0)

        return fail


@dataclass(frozen=True)
class Hospital:
    served: Served
    data: Path
    keys: dict[str, str]

    @property
    def address(self) -> str:
        return f"{self.served.url}/v1/sign-in"

    def sign_in(self, key: str, **headers: str) -> httpx.Response:
        return ask("POST", self.address, json={"key": key}, headers={"Origin": self.served.url} | headers)

    def cookie(self, who: str = "viewer") -> str:
        answer = self.sign_in(self.keys[who])
        assert answer.status_code == 204, answer.text
        return answer.headers["set-cookie"].partition(";")[0]

    def observing(self, session_id: str, cookie: str, origin: str | None = None) -> connect:
        headers = {"Cookie": cookie} | ({"Origin": origin} if origin else {})
        return connect(f"{self.served.ws}/v1/sessions/{session_id}/observe", additional_headers=headers)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    data = tmp_path_factory.mktemp("data")
    kinds = {
        "viewer": ("ward-3", Role.VIEWER), "integrator": ("ward-3", Role.INTEGRATOR), "other": ("ward-4", Role.VIEWER),
    }  # fmt: skip

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return {who: (await create_key(store, site, role, utc_now()))[0] for who, (site, role) in kinds.items()}

    keys = asyncio.run(create())
    served = serve(drain_s=1.0, data_dir=data, allow_origin=("https://portal.example",))
    yield Hospital(served, data, keys)
    served.stop()


def test_the_cookie_is_for_this_server_alone_and_for_no_script(hospital: Hospital) -> None:
    answer = hospital.sign_in(hospital.keys["viewer"])
    assert answer.headers["cache-control"] == "no-store"
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (cookie.key, cookie["path"], cookie["max-age"]) == ("tingqing", "/", str(12 * 3600))
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert not cookie["secure"], "over plain HTTP no browser would keep it"
    assert hospital.keys["viewer"] not in answer.headers["set-cookie"]


def test_over_tls_the_cookie_travels_over_nothing_else(hospital: Hospital) -> None:
    served = serve(drain_s=1.0, data_dir=hospital.data, trust_proxy=("127.0.0.1",))
    try:
        headers = {"Origin": f"https://127.0.0.1:{served.port}", "X-Forwarded-Proto": "https"}
        key = {"key": hospital.keys["viewer"]}
        (cookie,) = SimpleCookie(
            ask("POST", f"{served.url}/v1/sign-in", json=key, headers=headers).headers["set-cookie"]
        ).values()
    finally:
        served.stop()
    assert cookie.key == "__Host-tingqing"
    assert cookie["secure"]
    assert not cookie["domain"]


@pytest.mark.parametrize(("scheme", "name"), [("http", "tingqing"), ("https", "__Host-tingqing")])
def test_the_cookie_is_for_the_scheme_of_the_page_whatever_the_public_name_says(
    hospital: Hospital, scheme: str, name: str
) -> None:
    served = serve(drain_s=1.0, data_dir=hospital.data, public_url="https://clinic.example")
    try:
        origin = "https://clinic.example" if scheme == "https" else served.url
        headers, key = {"Origin": origin}, {"key": hospital.keys["viewer"]}
        answer = ask("POST", f"{served.url}/v1/sign-in", json=key, headers=headers)
        (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
        came = {"Cookie": f"{cookie.key}={cookie.value}"}
        assert (cookie.key, bool(cookie["secure"])) == (name, scheme == "https")
        assert ask("GET", f"{served.url}/v1/sign-in", headers=came).json()["site"] == "ward-3"
        dropped = ask("DELETE", f"{served.url}/v1/sign-in", headers=headers | came).headers["set-cookie"]
    finally:
        served.stop()
    assert dropped.startswith(f'{name}="";')


def test_a_planted_cookie_does_not_sign_a_secure_page_in(hospital: Hospital) -> None:
    served = serve(drain_s=1.0, data_dir=hospital.data, public_url="https://clinic.example")
    try:
        headers = {"Origin": "https://clinic.example", "Cookie": hospital.cookie()}
        assert ask("POST", f"{served.url}/v1/sessions", headers=headers).status_code == 401
    finally:
        served.stop()


async def test_who_signed_in_watches_the_sessions_of_the_own_site_without_a_link(hospital: Hospital) -> None:
    speaking = {"Authorization": f"Bearer {hospital.keys['integrator']}"}
    async with connect(f"{hospital.served.ws}/v1/stream", additional_headers=speaking) as patient:
        await patient.send(start())
        session_id = (await until(patient, "session.started"))["session_id"]
        async with hospital.observing(session_id, hospital.cookie(), hospital.served.url) as doctor:
            snapshot = await receive(doctor)
            assert (snapshot["type"], snapshot["nudge"]) == ("snapshot", False)
        async with hospital.observing(session_id, hospital.cookie("other"), hospital.served.url) as doctor:
            assert await faults_until_close(doctor) == (["unknown_session"], 4404)
    async with open_access(Settings(data_dir=hospital.data)) as stores:
        entries = [entry for entry in await stores.audit.latest(1000) if entry.about == session_id]
    assert [entry.who.split()[-1] for entry in entries if entry.act == "session.observed"] == ["page", "page"]


@pytest.mark.parametrize("origin", [None, "https://portal.example", "http://127.0.0.1:1", "null"])
async def test_no_other_page_uses_the_cookie_listed_or_not(hospital: Hospital, origin: str | None) -> None:
    async with hospital.observing("a" * 32, hospital.cookie(), origin) as doctor:
        # A page over TLS is not even read the cookie of one in the clear.
        refused = (["unauthorized"], 4401) if (origin or "").startswith("https") else (["forbidden"], 4403)
        assert await faults_until_close(doctor) == refused
    headers = {"Origin": origin} if origin else {}
    for answer in (
        ask("POST", hospital.address, json={"key": hospital.keys["viewer"]}, headers=headers),
        ask("DELETE", hospital.address, headers=headers | {"Cookie": hospital.cookie()}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "set-cookie" not in answer.headers


def test_a_form_of_another_page_cannot_sign_in(hospital: Hospital) -> None:
    answer = ask(
        "POST",
        hospital.address,
        content='{"key":"x"}',
        headers={"Origin": hospital.served.url, "Content-Type": "text/plain"},
    )
    assert answer.status_code == 415


def test_a_cookie_begins_and_sends_nothing(hospital: Hospital) -> None:
    headers = {"Cookie": hospital.cookie(), "Origin": hospital.served.url}
    for path in ("/v1/sessions", "/v1/assess"):
        answer = ask("POST", f"{hospital.served.url}{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_only_a_viewers_key_signs_in_and_what_is_wrong_is_told(hospital: Hospital) -> None:
    for key, status, code in [
        (hospital.keys["integrator"], 403, "forbidden"),
        ("tq_" + "A" * 43, 401, "unauthorized"),
        ("", 422, "invalid_config"),
        ("x" * 300, 422, "invalid_config"),
    ]:
        answer = hospital.sign_in(key)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_signing_out_makes_the_browser_forget_and_the_audit_has_both(hospital: Hospital) -> None:
    with httpx.Client(headers={"Origin": hospital.served.url}, timeout=60) as browser:
        assert browser.get(hospital.address).json() == {
            "needed": True,
            "site": None,
            "invites": False,
            "uploads": False,
            "webhooks": False,
        }
        browser.post(hospital.address, json={"key": hospital.keys["viewer"]})
        assert browser.get(hospital.address).json() == {
            "needed": True,
            "site": "ward-3",
            "invites": False,
            "uploads": False,
            "webhooks": False,
        }
        assert browser.delete(hospital.address).status_code == 204
        assert browser.get(hospital.address).json() == {
            "needed": True,
            "site": None,
            "invites": False,
            "uploads": False,
            "webhooks": False,
        }
        assert not browser.cookies

    async def acts() -> list[str]:
        async with open_access(Settings(data_dir=hospital.data)) as stores:
            return [entry.act for entry in await stores.audit.latest(1000) if entry.act.startswith("page.")]

    assert asyncio.run(acts())[-2:] == ["page.signed_in", "page.signed_out"]


def test_signing_out_works_when_the_key_is_busy_and_without_the_database(hospital: Hospital) -> None:
    served = serve(drain_s=1.0, data_dir=hospital.data, requests_per_minute=1)
    try:
        headers = {"Origin": served.url, "Cookie": hospital.cookie()}
        address = f"{served.url}/v1/sign-in"
        answers = [ask("GET", address, headers=headers).status_code for _ in range(3)]
        assert answers[-1] == 429
        for _ in range(3):  # the last ones are not even noted
            answer = ask("DELETE", address, headers=headers)
            assert answer.status_code == 204
            assert answer.headers["set-cookie"].startswith('tingqing="";')
        served.services.gate._keys = served.services.gate.sign_ins._keys = Unanswered()
        answer = ask("DELETE", address, headers=headers)
        assert answer.status_code == 204
        assert answer.headers["set-cookie"].startswith('tingqing="";')
    finally:
        served.stop()


async def test_revoking_the_key_ends_its_cookies(hospital: Hospital) -> None:
    async with open_keys(Settings(data_dir=hospital.data)) as store:
        hospital.keys["leaver"], made = await create_key(store, "ward-3", Role.VIEWER, utc_now())
        cookie = hospital.cookie("leaver")
        assert ask("GET", hospital.address, headers={"Cookie": cookie}).json()["site"] == "ward-3"
        await store.revoke(made.id, utc_now())
    assert ask("GET", hospital.address, headers={"Cookie": cookie}).json()["site"] is None
    async with hospital.observing("a" * 32, cookie, hospital.served.url) as doctor:
        assert await faults_until_close(doctor) == (["unauthorized"], 4401)


def test_who_guesses_at_the_page_has_to_wait(hospital: Hospital) -> None:
    served = serve(drain_s=1.0, data_dir=hospital.data)
    try:
        with httpx.Client(headers={"Origin": served.url}, timeout=60) as browser:
            answers = [
                browser.post(f"{served.url}/v1/sign-in", json={"key": "nonsense"}) for _ in range(WRONG_AT_ONCE + 5)
            ]
            right = browser.post(f"{served.url}/v1/sign-in", json={"key": hospital.keys["viewer"]})
    finally:
        served.stop()
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert right.status_code == 204, "a right key is let in all the same"


def test_without_keys_nobody_needs_to_sign_in(served: Served) -> None:
    assert ask("GET", f"{served.url}/v1/sign-in").json() == {
        "needed": False,
        "site": None,
        "invites": True,
        "uploads": True,
        "webhooks": False,
    }
    answer = ask("POST", f"{served.url}/v1/sign-in", json={"key": "x"}, headers={"Origin": served.url})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
