"""What a share of spoiled speech costs: a little at once, a pass from a fifth on, and never a cliff."""

MAY_BE_SPOILED = 0.12
"""Share of the speech that may be spoiled in a pass. Edges make a measured share up to 4 s longer than the fault."""


def capped_by(share: float, threshold: float, spoiled: float) -> float:
    """The best score that a recording can have of which ``share`` (0..1) is spoiled, scoring ``spoiled`` there.

    1 if nothing is; the threshold where as much is as a pass allows; ``spoiled`` if all is. Falls steadily in between.
    """
    if share <= MAY_BE_SPOILED:
        return threshold + (1.0 - threshold) * (1.0 - share / MAY_BE_SPOILED)
    lowest = min(spoiled, threshold)
    return threshold - (threshold - lowest) * (share - MAY_BE_SPOILED) / (1.0 - MAY_BE_SPOILED)


def may_pass(unheard: float) -> bool:
    """Whether so much of the recording can be heard that it can be accepted."""
    return unheard <= MAY_BE_SPOILED


def told_seconds(unheard_s: float, heard_s: float) -> tuple[int, int]:
    """How much of how much cannot be heard, in whole seconds: at least one, and never more than there is.

    ``heard_s``: up to the end of the last window.
    """
    whole = max(round(heard_s), 1)
    return min(max(round(unheard_s), 1), whole), whole
