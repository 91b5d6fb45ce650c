"""What judging a second of one stream costs."""

import acoustic_cost

from tools.accuracy.part import Found, Goal, Part, Run, table

SECONDS = 60
QUIET_YARDSTICK_MS = 0.64
"""``acoustic_cost.measure_all`` with nothing else on the machine (docs/measures.md): the overlap network's, before that
became one graph."""
QUIET_ENOUGH = 1.2
"""Beside more other work than this the goal is not decided: what is told of a quiet machine is inferred."""


def measure(_: Run) -> Found:
    cost = acoustic_cost.measure(acoustic_cost.CLEAN, SECONDS)
    slower = cost.yardstick_ms / QUIET_YARDSTICK_MS
    quiet_ms = cost.together_ms / slower
    parts = {
        "feature rows, noise floor, totals": cost.rows_ms,
        "signs of losses and of echo": cost.signs_ms,
        "overlap network": cost.overlap_ms,
        "acoustic scorer": cost.scorer_ms,
        "together": cost.together_ms,
        "DNSMOS, one window in five": cost.mos_ms,
    }
    rows = [(name, f"{ms:.2f}", f"{ms / cost.yardstick_ms:.2f}") for name, ms in parts.items()]
    goal = Goal(
        f"the cheap path takes ≤ {acoustic_cost.GOAL_MS:.0f} ms of CPU per second of stream",
        f"{cost.together_ms:.2f} ms as measured, all {slower:.1f} times as slow as on a quiet machine, where the "
        f"yardstick takes {QUIET_YARDSTICK_MS} ms: {quiet_ms:.2f} ms there",
        None if slower > QUIET_ENOUGH else quiet_ms <= acoustic_cost.GOAL_MS,
    )
    return Found([goal], {"table": table(("", "CPU, ms per second of stream", "yardsticks"), rows)})


COST = Part("cost", "cost", measure, ("table",), alone=True)
