"""What a server tells of its load, and how it refuses over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from server.live.load_meter import LoadMeter
from tests.api.client import http
from tests.api.conftest import Served, start


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    running = start(drain_s=0.0, mos=False, admission="measured")
    yield running
    running.stop()


def meter_of(served: Served) -> LoadMeter:
    meter = served.services.manager.load
    assert meter is not None
    return meter


def readyz(served: Served) -> dict[str, object]:
    answer: httpx.Response = http.get(f"{served.url}/readyz")
    load: dict[str, object] = answer.json()["load"]
    return load


def test_a_server_knows_what_a_session_costs_before_the_first_one(served: Served) -> None:
    load = readyz(served)
    assert load["accepting"] is True
    assert isinstance(load["room"], int)
    assert load["shed"] == []
    cost = load["cost"]
    assert isinstance(cost, dict)
    assert 0 < cost["acoustic"]["loop"] < cost["acoustic"]["process"]


def test_a_full_server_says_when_to_try_again_and_stays_ready(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = meter_of(served)
    refused = meter.refused
    monkeypatch.setattr(meter, "room_for", lambda _kind: False)
    answer = http.post(f"{served.url}/v1/sessions", json={})
    ready = http.get(f"{served.url}/readyz")
    assert answer.status_code == 503
    assert answer.json()["code"] == "at_capacity"
    assert int(answer.headers["Retry-After"]) > 0
    assert ready.status_code == 200
    assert (ready.json()["load"]["accepting"], ready.json()["load"]["refused"]) == (False, refused + 1)
