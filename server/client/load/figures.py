"""From what patients saw to the figures of one load."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from server.client.load.job import Seen
from server.values.windows import FIRST_PARTIAL_S

LAG_MS = 500.0
REPLACED = 0.01


@dataclass(frozen=True, slots=True)
class ServerUse:
    """CPU seconds of the server during the load, its resident bytes before and at the end, and CPU seconds of the
    threads of its event loops; ``None``: unknown."""

    cpu_s: float | None = None
    before_bytes: int | None = None
    peak_bytes: int | None = None
    loop_cpu_s: float | None = None


def figures(seen: Sequence[Seen], seconds: float, spread_s: float, server: ServerUse) -> dict[str, Any]:
    """The object that ``tingqing bench live --json`` prints; times in milliseconds unless the name says otherwise."""
    patients = [one for each in seen for one in each.patients]
    begun = [one for one in patients if one.refused is None]
    windows = sum(len(one.lags_ms) for one in begun)
    wall_s = seconds + spread_s
    heard_s = len(begun) * seconds
    held = None if server.peak_bytes is None or server.before_bytes is None else server.peak_bytes - server.before_bytes
    return {
        "sessions": len(patients),
        "seconds": seconds,
        "lag_ms": percentiles([lag for one in begun for lag in one.lags_ms]),
        "server_lag_ms": percentiles([lag for one in begun for lag in one.server_lags_ms]),
        "windows": windows,
        "expected": len(begun) * max(0, int(seconds) - FIRST_PARTIAL_S + 1),
        "replaced": sum(one.replaced for one in begun),
        "shed": sum(one.shed for one in begun),
        "with_clap": sum(one.with_clap for one in begun),
        "observed": sum(one.observed for one in begun),
        "unobserved": sum(one.unobserved for one in begun),
        "dropped_sessions": sum(not one.ended for one in begun if not one.aborted),
        "refused": len(patients) - len(begun),
        "errors": sorted({code for one in patients for code in one.errors}),
        "server_cpu_s": rounded(server.cpu_s, 2),
        "server_cores": None if server.cpu_s is None else round(server.cpu_s / wall_s, 2),
        "cpu_ms_per_session_s": _per(server.cpu_s, heard_s),
        "loop_ms_per_session_s": _per(server.loop_cpu_s, heard_s),
        "client_cpu_s": round(sum(each.cpu_s for each in seen), 2),
        "client_late_ms": percentiles([late for one in begun for late in one.late_ms]),
        "rss_mb": None if server.peak_bytes is None else round(server.peak_bytes / 1e6, 1),
        "rss_mb_per_session": None if held is None or not begun else round(held / len(begun) / 1e6, 2),
        "windows_per_s": round(windows / wall_s, 1),
    }


def _per(cpu_s: float | None, heard_s: float) -> float | None:
    """Milliseconds of CPU for each second that a session was heard."""
    return None if cpu_s is None or not heard_s else round(1000 * cpu_s / heard_s, 1)


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, p50, p90, p95, p99 and the largest; null without values."""
    names = ("mean", "p50", "p90", "p95", "p99", "max")
    if not values:
        return dict.fromkeys(names)
    made = [float(np.mean(values)), *np.percentile(values, (50, 90, 95, 99, 100)).tolist()]
    return {name: round(value, 1) for name, value in zip(names, made, strict=True)}


def holds(told: dict[str, Any]) -> bool:
    """Whether the server held this load: p95 under 500 ms, at most 1 % of the windows replaced or missing, nobody
    refused or dropped."""
    p95 = told["lag_ms"]["p95"]
    return (
        p95 is not None
        and p95 < LAG_MS
        and not told["refused"]
        and not told["dropped_sessions"]
        and told["replaced"] <= REPLACED * told["expected"]
        and told["windows"] >= (1 - 2 * REPLACED) * told["expected"]
    )


def rounded(value: float | None, digits: int) -> float | None:
    """``None`` stays so."""
    return None if value is None else round(value, digits)
