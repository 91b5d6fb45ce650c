"""How many CPUs this process has."""

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cpus() -> float:
    """CPUs that this process may use: those it is bound to, and its container's quota (cgroup v2)."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = QUOTA.read_text(encoding="utf-8").split()
        return min(float(bound), int(quota) / int(period))
    except (OSError, ValueError):  # no cgroup, or no quota: "max"
        return float(bound)
