"""Which sounds are told by which of YAMNet's classes, and from when on. Pure functions of its scores.

Fitted on one half of the sources of 77 noises, 89 voices and 100 coughs and judged on the other, both ways round
(decision 0032): a sound is told only if its names were right nine times in ten on what they were not fitted on. Babble,
television, fans, traffic, dogs, appliances, wind and sirens were not, and are left to CLAP.
"""

from dataclasses import dataclass

import numpy as np

from server.values.audio import Float32Array

_BABY, _COUGH, _SNEEZE, _MUSIC = 20, 42, 44, 132
_BARK = (69, 70, 71, 73)
_TYPING = (378, 380)


@dataclass(frozen=True, slots=True)
class Told:
    """``id``: of the sounds file. ``classes``: of AudioSet as YAMNet counts them, of which the likeliest counts.
    ``least``: their score, 0..1, in at least ``patches`` patches of the window. ``rivals``: classes of which none may
    be likelier in the same patch."""

    id: str
    classes: tuple[int, ...]
    least: float
    patches: int
    rivals: tuple[int, ...] = ()


AROUND = (
    Told("baby_cry", (_BABY,), 0.25, 2, (*_BARK, 76, 78, 92, 106)),
    Told("music", (_MUSIC,), 0.98, 2, (390, 317, 318)),
    Told("typing", _TYPING, 0.16, 2, (400, 401, 402, 353, 354)),
)
"""Around the patient, the surest first. Rivals: dogs, cats, sheep, birds; sirens; clocks, knocks and taps."""

OWN = (Told("coughing", (_COUGH,), 0.35, 1, (*_BARK, _SNEEZE)),)
"""The patient's own. Sneezes and barks are its rivals."""

KEPT = tuple(sorted({number for one in (*AROUND, *OWN) for number in (*one.classes, *one.rivals)}))
"""The classes that are read at all, of 521."""


def score(scores: Float32Array, told: Told) -> float | None:
    """How sure the sound is, 0..1: the mean of its best ``patches``; ``None`` where it is not told.

    ``scores``: float32 ``(patches, len(KEPT))``.
    """
    if scores.shape[0] < told.patches:
        return None
    likely = scores[:, [KEPT.index(one) for one in told.classes]].max(axis=1)
    if told.rivals:
        rival = scores[:, [KEPT.index(one) for one in told.rivals]].max(axis=1)
        likely = np.where(likely > rival, likely, 0.0)
    best = np.sort(likely)[-told.patches :]
    return float(best.mean()) if best[0] >= told.least else None
