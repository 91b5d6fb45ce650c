"""``/metrics`` and ``/readyz`` of a server with several workers: whoever is asked answers for all."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

ASK_S = 2.0
"""For a worker to say what it counts."""

READY_S = 4.0
"""The same for how it is: it may have to score first."""

LABEL = "worker"


def families_of(registry: CollectorRegistry) -> list[Any]:
    """Everything that ``registry`` has, as JSON values."""
    return [
        [
            family.name,
            family.documentation,
            family.type,
            [[s.name, s.labels, _written(s.value)] for s in family.samples],
        ]
        for family in registry.collect()
    ]


def exposition_of_all(by_worker: Mapping[int, list[Any] | None]) -> bytes:
    """What each worker has, each series with the label ``worker``, counted from 1; ``None``: it does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_All(by_worker))
    return generate_latest(registry)


class _All(Collector):
    def __init__(self, by_worker: Mapping[int, list[Any] | None]) -> None:
        self._by_worker = by_worker

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("tingqing_worker_up", "Whether a worker answers.", labels=[LABEL])
        merged: dict[str, Metric] = {}
        for worker, families in sorted(self._by_worker.items()):
            number = str(worker + 1)
            up.add_metric([number], int(families is not None))
            for name, text, kind, samples in families or []:
                family = merged.setdefault(name, Metric(name, text, kind))
                family.samples += [
                    Sample(sample, {**labels, LABEL: number}, float(value)) for sample, labels, value in samples
                ]
        yield up
        yield from merged.values()


def _written(value: float) -> float | str:
    """JSON has no infinity."""
    return value if math.isfinite(value) else repr(float(value))


def ready_of_all(own: int, by_worker: Mapping[int, dict[str, Any] | None]) -> dict[str, Any]:
    """One ``Ready`` for all, from that of each worker; ``None``: it does not answer.

    Ready if every worker that answers is: one that is being started again takes no connections.
    """
    there = {worker: told for worker, told in by_worker.items() if told is not None}
    whys = [told["why"] for told in there.values() if told["why"] is not None]
    loads = [told["load"] for told in there.values() if told["load"] is not None]
    return {
        **there[own],
        "ready": not whys,
        "why": whys[0] if whys else None,
        "draining": all(told["draining"] for told in there.values()),
        "lasting": all(told["lasting"] for told in there.values()),
        "batches_failing": any(told["batches_failing"] for told in there.values()),
        "sessions": {name: sum(told["sessions"][name] for told in there.values()) for name in there[own]["sessions"]},
        "load": _load_of_all(loads) if loads else None,
        "webhooks_failing": any(told.get("webhooks_failing", False) for told in there.values()),
        "windows_replaced": sum(told["windows_replaced"] for told in there.values()),
        "workers": [{"worker": worker + 1, **_one(by_worker[worker])} for worker in sorted(by_worker)],
    }


def _one(told: dict[str, Any] | None) -> dict[str, Any]:
    if told is None:
        return {"ready": False, "why": "not_running", "pid": None, "sessions": None, "load": None, "lanes": []}
    return {name: told[name] for name in ("ready", "why", "pid", "sessions", "load", "lanes")}


def _load_of_all(loads: list[dict[str, Any]]) -> dict[str, Any]:
    """Cores and room add up; of lag and stretch the worst is told."""
    return {
        **loads[0],
        "accepting": any(load["accepting"] for load in loads),
        "room": None if any(load["room"] is None for load in loads) else sum(load["room"] for load in loads),
        "loop": round(sum(load["loop"] for load in loads), 3),
        "process": round(sum(load["process"] for load in loads), 3),
        "stretch": max(load["stretch"] for load in loads),
        "lag_p95_ms": _worst(load["lag_p95_ms"] for load in loads),
        "waited_p95_ms": _worst(load["waited_p95_ms"] for load in loads),
        "shed": list(dict.fromkeys(part for load in loads for part in load["shed"])),
        "shed_counts": {
            part: sum(load["shed_counts"].get(part, 0) for load in loads)
            for part in dict.fromkeys(part for load in loads for part in load["shed_counts"])
        },
        "refused": sum(load["refused"] for load in loads),
    }


def _worst(values: Iterator[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
