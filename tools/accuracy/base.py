"""The figures of the 126 mixes, cross-validated, that no later version shall be worse than.

As docs/accuracy.md had them at commit 651e5f6: AUC and balanced accuracy to three places, and mixes with the right
prompts and no wrong one.
"""

from collections.abc import Mapping

from tools.accuracy.part import Goal

Measured = tuple[float | None, float | None]
"""AUC and balanced accuracy of a label, or of a part of its recordings; ``None`` where there was nothing to compare."""
Prompts = tuple[int, int]
"""Mixes with the right prompts and no wrong one, of how many."""

LABELS: Mapping[str, Measured] = {
    "speech_present": (0.995, 0.996),
    "low_background": (0.981, 0.958),
    "low_background: events": (0.947, 0.903),
    "low_background: steady": (0.999, 0.986),
    "close_enough": (1.0, 1.0),
    "low_reverberation": (0.928, 0.845),
    "no_crosstalk": (0.938, 0.75),
    "no_clipping": (1.0, 1.0),
    "continuous_signal": (1.0, 0.995),
    "full_bandwidth": (1.0, 1.0),
}
CONDITIONS: Mapping[str, Prompts] = {
    "clean": (12, 12),
    "noise 20 dB": (10, 11),
    "noise 15 dB": (11, 12),
    "noise 8 dB": (10, 12),
    "noise 3 dB": (12, 12),
    "noise -3 dB": (11, 11),
    "second talker": (4, 8),
    "turn-taking": (2, 2),
    "clipped": (6, 6),
    "too quiet": (6, 6),
    "echo, far": (7, 8),
    "silence": (3, 3),
    "noise only": (8, 8),
    "dropouts": (6, 6),
    "combo": (4, 6),
    "narrowband": (2, 2),
    "dc offset": (1, 1),
}


def worse(labels: Mapping[str, Measured], conditions: Mapping[str, Prompts]) -> list[str]:
    """The figures that are worse than those of the base, each with both; one that is missing is worse."""
    found = []
    for name, figures in LABELS.items():
        for kind, before, now in zip(
            ("AUC", "balanced accuracy"), figures, labels.get(name, (None, None)), strict=True
        ):
            if before is not None and (now is None or round(now, 3) < before):
                found.append(f"`{name}` {kind} {_shown(now)} (was {before:.3f})")
    for name, (before_right, n) in CONDITIONS.items():
        right, of = conditions.get(name, (0, 0))
        # As shares: a set that grew is held against the same line.
        if not of or right * n < before_right * of:
            found.append(f"{name} {right}/{of} (was {before_right}/{n})")
    base, total = _total(CONDITIONS), _total(conditions)
    if not total[1] or total[0] * base[1] < base[0] * total[1]:
        found.append(f"prompts {total[0]}/{total[1]} (was {base[0]}/{base[1]})")
    return found


def goal(labels: Mapping[str, Measured], conditions: Mapping[str, Prompts]) -> Goal:
    """The row of docs/accuracy.md."""
    found = worse(labels, conditions)
    return Goal("no figure worse than the first version's", f"worse: {', '.join(found) or 'none'}", not found)


def _total(conditions: Mapping[str, Prompts]) -> Prompts:
    return sum(right for right, _ in conditions.values()), sum(n for _, n in conditions.values())


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
