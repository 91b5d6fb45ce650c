"""Whose voice is heard: made visits and pairs of the held fold."""

from collections.abc import Sequence

from voice_turns import BALANCED_DB, FAINT_DB, Judged, opened, pairs, seconds_right, share, tables, visits

from tools.accuracy.part import Found, Goal, Part, Run

FOLD = "held"
SESSIONS, PAIRS = 24, 28
TWO, THREE, TOLD, FALSE = 0.95, 0.90, 0.85, 0.02


def measure(_: Run) -> Found:
    models = opened()
    judged = list(visits(FOLD, SESSIONS, models))
    faint = list(pairs(FOLD, PAIRS, models))
    goals = [_seconds(judged, 2, TWO), _seconds(judged, 3, THREE)]
    quiet, even = ([found for less_db, found in faint if less_db in levels] for levels in (FAINT_DB, BALANCED_DB))
    goals += [
        Goal(
            f"a faint voice beside a loud one is told in ≥ {TOLD:.0%}",
            share(sum(quiet), len(quiet)),
            _least(quiet, TOLD),
        ),
        Goal(f"told of balanced pairs in ≤ {FALSE:.0%}", share(sum(even), len(even)), sum(even) <= FALSE * len(even)),
    ]
    return Found(goals, {"tables": tables(judged, faint, models.cpu_s)})


def _seconds(judged: Sequence[Judged], voices: int, goal: float) -> Goal:
    """Where the page tells the far end, as ours does."""
    of = [one for one in judged if one.true == voices]
    found = seconds_right([one for one in of if one.far_end or not any(other.far_end for other in of)])
    text = f"the patient's seconds are given to the patient in ≥ {goal:.0%}, {voices} voices, the far end told"
    return Goal(text, "none" if found is None else f"{found:.1%}", None if found is None else found >= goal)


def _least(found: Sequence[bool], goal: float) -> bool:
    return sum(found) >= goal * len(found)


VOICES = Part("voices", "voices", measure, ("tables",))
