"""Noise that begins and ends in a live session, false prompts on clean speech, and the speech rate."""

import live_prompts
import speech_rate

from server.evaluation.statistics import wilson
from tools.accuracy.part import Found, Goal, Part, Run, of, table


def measure(_: Run) -> Found:
    live, (right, n, error) = live_prompts.measure(), speech_rate.in_class(speech_rate.pairs())
    raised = [one.raised_s for one in live.noisy]
    cleared = [one.cleared_s for one in live.noisy if one.raised_s is not None]
    false = live.clean_false + live.outbursts_false
    goals = [
        Goal("speech rate in three classes ≥ 75 %", of(right, n, wilson(right, n)), right >= 0.75 * n),
        Goal(
            "noise begins, prompt raised: median ≤ 6 s",
            f"{live_prompts.said(raised)}; never: {raised.count(None)} of {len(raised)}",
            live_prompts.median(raised) <= 6,
        ),
        Goal("noise ends, prompt cleared: median ≤ 8 s", live_prompts.said(cleared), live_prompts.median(cleared) <= 8),
        Goal(
            "no false prompt in 20 min of clean, laughing, coughing speech",
            f"{false} in {live.clean_min + live.outbursts_min:.0f} min",
            not false,
        ),
    ]
    head = ("noise", "sessions", "raised", "median until raised", "median until cleared")
    return Found(
        goals,
        {
            "table": table(head, live_prompts.table(live)),
            "missed": ", ".join(one.kind for one in live.noisy if one.raised_s is None) or "none",
            "others": str(sum(one.others for one in live.noisy)),
            "clean": f"{live.clean_false} in {live.clean_min:.0f} min",
            "outbursts": f"{live.outbursts_false} in {live.outbursts_min:.0f} min, with {live.outbursts} outbursts",
            "rate": f"{right} of {n} clips in the right class, mean error {error:.2f} syllables per second",
        },
    )


LIVE = Part("live", "live, and speech rate", measure, ("table", "missed", "others", "clean", "outbursts", "rate"))
