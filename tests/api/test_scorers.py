"""A server whose scorer's thread dies goes on with another one; one without any scorer takes no new session."""

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from server.live.shedding import SheddingScoring
from server.scoring.lane import Lane
from server.scoring.service import ScoringService
from tests.api.client import http
from tests.api.conftest import Served, start


def lane_of(served: Served) -> Lane[Any, Any]:
    scoring = served.services.engine.service
    assert isinstance(scoring, SheddingScoring)
    assert isinstance(scoring._base, ScoringService)
    return scoring._base._lanes[0][1]


def ready(served: Served) -> httpx.Response:
    return http.get(f"{served.url}/readyz", timeout=60)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether ``condition``, which asks the server, comes to hold."""
    until = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < until:
        threading.Event().wait(0.2)
    return holds


@pytest.fixture
def own() -> Any:
    running = start(mos=False)
    yield running
    running.stop()


def test_a_scorer_whose_thread_died_answers_again_and_metrics_tell(own: Served) -> None:
    lane = lane_of(own)
    taken = lane._queue.take

    def broken(now: float) -> Any:
        lane._queue.take = taken  # type: ignore[method-assign]
        raise RuntimeError("a bug of the queue")

    lane._queue.take = broken  # type: ignore[method-assign]
    ready(own)  # scores, and kills it
    assert within(60, lambda: ready(own).status_code == 200 and lane.metrics().restarts == 1)
    told = ready(own).json()["lanes"][0]
    assert (told["running"], told["restarts"]) == (True, 1)
    text = http.get(f"{own.url}/metrics", timeout=60).text
    assert 'tingqing_lane_restarts_total{lane="acoustic"} 1.0' in text
    assert 'tingqing_lane_running{lane="acoustic"} 1.0' in text


def test_new_sessions_are_refused_only_while_nothing_can_be_judged(own: Served) -> None:
    lane = lane_of(own)
    lane.given_up = True
    refused = http.post(f"{own.url}/v1/sessions", timeout=60)
    assert refused.status_code == 503
    assert refused.json()["code"] == "at_capacity"
    assert "scorers do not answer" in refused.json()["detail"]
    assert not ready(own).json()["lanes"][0]["running"]
    lane.given_up = False
    assert http.post(f"{own.url}/v1/sessions", timeout=60).status_code == 201
