"""What is right where: prompts that have to come or may, and verdicts."""

from tools.material.visits.setting import Scene
from tools.material.visits.truth import Expected, Stretch

QUIETER, MICROPHONE, CLOSER = "move_somewhere_quieter", "check_microphone", "come_closer"
SPEAK_UP, ECHO = "speak_up", "reduce_echo"
LOUD_DB, HARD_DB, MILD_DB = 8, 3, 20
"""Told from ``LOUD_DB`` down; ``HARD_DB`` and less is never missed; over ``LOUD_DB``, up to ``MILD_DB``, either."""
SPOILED_FAILS, SPOILED_PASSES = 0.25, 0.04
"""Shares of the patient's speech, a little outside of the design's 20 % and 5 %: either verdict is right between."""
ACCEPT, FAILS = frozenset({"accept"}), frozenset({"re-record", "unusable"})


def expected(ids: set[str], at: Stretch, cause: str, *, must: bool, returned: bool = False) -> Expected:
    return Expected(frozenset(ids), at, cause, must, returned)


def verdicts(scene: Scene, spoiled: list[Stretch]) -> frozenset[str]:
    share = sum(one.overlap_s(bad) for one in scene.talk.patient.spoken for bad in spoiled) / scene.spoken_s
    return FAILS if share > SPOILED_FAILS else ACCEPT if share < SPOILED_PASSES else frozenset()
