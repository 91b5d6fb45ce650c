"""``GET /v1/batches``: what a site sees of its batches, in which order, and what another sees of them: nothing."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.batches.batch import Batch, Fault, NewFile, Options
from server.settings import Settings
from tests.api.client import http
from tests.api.conftest import Served, start

HOLDERS = {
    "ward": ("ward-3", Role.INTEGRATOR),
    "other": ("ward-4", Role.INTEGRATOR),
    "viewer": ("ward-3", Role.VIEWER),
}
BEGIN = utc_now() - timedelta(hours=1)
FAULT = Fault("encrypted", "It is encrypted.", "已加密。")
COUNT = 7


@dataclass(frozen=True)
class Wards:
    served: Served
    keys: dict[str, str]

    def ask(self, who: str, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        return http.get(f"{self.served.url}/v1/batches", params=query, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wards]:
    """Of ward 3 seven batches wait, two of them of one moment, and one is done; ward 4 has one."""
    folder = tmp_path_factory.mktemp("data")

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=folder)) as store:
            return {who: (await create_key(store, *given, utc_now()))[0] for who, given in HOLDERS.items()}

    keys = asyncio.run(create())
    served = start(drain_s=1.0, data_dir=folder, batch_processes=0, mos=False)
    desk = served.services.batches
    assert desk is not None

    def add(batch_id: str, site: str, minutes: int, new: NewFile) -> None:
        batch = Batch(batch_id, site, batch_id[0], BEGIN + timedelta(minutes=minutes), Options(), 1)
        asyncio.run_coroutine_threadsafe(desk.store.add(batch, [new], 99), served.loop).result(30)

    for number in range(COUNT):
        add(f"{number}" * 32, "ward-3", max(1, number), NewFile("a.wav", 1, "1"))
    add("d" * 32, "ward-3", 30, NewFile("a.wav", 0, fault=FAULT))
    add("e" * 32, "ward-4", 40, NewFile("a.wav", 1, "1"))
    yield Wards(served, keys)
    served.stop()


def test_pages_have_each_batch_of_the_site_once_and_the_latest_first(wards: Wards) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = wards.ask("ward", **query).json()
        assert len(page["batches"]) <= 3
        seen += [one["reference"] for one in page["batches"]]
        if page["next"] is None:
            break
        assert not any(letter * 9 in page["next"] for letter in "0123456d"), "no whole id in an address"
        query["cursor"] = page["next"]
    assert seen == ["d", *"654321", "0"], "of two of the same moment too"


@pytest.mark.parametrize(
    ("state", "there"), [("waiting", "6543210"), ("judging", ""), ("done", "d"), ("all", "d6543210")]
)
def test_a_state_chooses(wards: Wards, state: str, there: str) -> None:
    page = wards.ask("ward", state=state).json()
    assert "".join(one["reference"] for one in page["batches"]) == there
    assert state == "all" or {one["state"] for one in page["batches"]} <= {state}


def test_a_batch_that_was_begun_is_judging_until_its_last_file(wards: Wards) -> None:
    desk = wards.served.services.batches
    assert desk is not None

    def wait_for(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, wards.served.loop).result(30)

    def in_state(state: str) -> list[str]:
        return [one["reference"] for one in wards.ask("other", state=state).json()["batches"]]

    taken = []
    while (file := wait_for(desk.store.take())) is not None:
        taken.append(file)
    assert (in_state("waiting"), in_state("judging")) == ([], ["e"])
    for file in taken:
        if file.site == "ward-4":
            wait_for(desk.store.refused(file, FAULT))
    assert (in_state("judging"), in_state("done")) == ([], ["e"])


def test_a_site_sees_its_own_and_a_cursor_of_another_opens_nothing(wards: Wards) -> None:
    assert [one["reference"] for one in wards.ask("other").json()["batches"]] == ["e"]
    cursor = wards.ask("ward", limit=1).json()["next"]
    assert wards.ask("other", cursor=cursor).json() == {"batches": [], "next": None}


@pytest.mark.parametrize(
    "query", [{"state": "lost"}, {"limit": 0}, {"limit": 201}, {"cursor": "7"}, {"cursor": "' OR 1"}]
)
def test_what_cannot_be_asked_is_refused(wards: Wards, query: dict[str, Any]) -> None:
    assert wards.ask("ward", **query).status_code == 422


def test_who_may_not_send_batches_sees_none(wards: Wards) -> None:
    assert wards.ask("viewer").status_code == 403
    assert http.get(f"{wards.served.url}/v1/batches").status_code == 401


def test_without_a_data_folder_it_is_told_what_to_do(served: Served) -> None:
    answer = http.get(f"{served.url}/v1/batches")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_batches")
    assert "--data-dir" in answer.json()["detail"]
