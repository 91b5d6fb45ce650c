"""One answer for all workers, put together from theirs."""

import json
import math
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from server.api.whole import exposition_of_all, families_of, ready_of_all


def registry(count: float) -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("windows", "Windows.", ["kind"], registry=made).labels("live").inc(count)
    Gauge("room", "Room.", registry=made).set(math.inf)
    Histogram("lag_seconds", "Lag.", buckets=(1.0,), registry=made).observe(count)
    return made


def test_each_series_has_its_worker_and_each_family_is_told_once() -> None:
    sent = json.loads(json.dumps([families_of(registry(2)), families_of(registry(3))], allow_nan=False))
    text = exposition_of_all({0: sent[0], 1: sent[1], 2: None}).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert text.count("# TYPE windows_total counter") == 1
    totals = {s.labels["worker"]: s.value for s in families["windows"].samples if s.name == "windows_total"}
    assert totals == {"1": 2.0, "2": 3.0}
    assert {s.labels["worker"]: s.value for s in families["tingqing_worker_up"].samples} == {"1": 1, "2": 1, "3": 0}
    assert {s.value for s in families["room"].samples} == {math.inf}
    assert families["lag_seconds"].type == "histogram"
    assert all("worker" in sample.labels for family in families.values() for sample in family.samples)


def ready(**fields: Any) -> dict[str, Any]:
    load: dict[str, Any] = {
        "accepting": True,
        "room": 3,
        "loop": 0.25,
        "process": 0.5,
        "stretch": 1.0,
        "lag_p95_ms": None,
        "waited_p95_ms": None,
        "shed": [],
        "shed_counts": {"mos": 1},
        "refused": 1,
    }
    told: dict[str, Any] = {
        "why": None,
        "pid": 1,
        "draining": False,
        "lasting": True,
        "batches_failing": False,
        "load": load,
        "lanes": [],
        "windows_replaced": 1,
    }
    counts = {"live": 1, "waiting": 0, "observers": 2}
    whole = {**told, "sessions": counts, **fields}
    return {**whole, "ready": whole["why"] is None}


def test_counts_add_up_and_of_lag_the_worst_is_told() -> None:
    late = ready(pid=2)
    late["load"] = {**late["load"], "lag_p95_ms": 300.0, "accepting": False, "room": 0, "shed": ["mos"], "stretch": 2.0}
    told = ready_of_all(0, {0: ready(), 1: late})
    assert told["ready"]
    assert told["sessions"] == {"live": 2, "waiting": 0, "observers": 4}
    load = told["load"]
    assert (load["accepting"], load["room"], load["loop"], load["refused"]) == (True, 3, 0.5, 2)
    assert (load["lag_p95_ms"], load["stretch"], load["shed"], load["shed_counts"]) == (300.0, 2.0, ["mos"], {"mos": 2})
    assert [one["pid"] for one in told["workers"]] == [1, 2]


def test_a_worker_that_cannot_score_makes_the_server_unready_and_one_that_is_away_does_not() -> None:
    told = ready_of_all(0, {0: ready(), 1: ready(why="scoring_timeout"), 2: None})
    assert (told["ready"], told["why"]) == (False, "scoring_timeout")
    assert told["workers"][2]["why"] == "not_running"
    told = ready_of_all(0, {0: ready(), 1: None})
    assert told["ready"]
    assert told["draining"] is False
