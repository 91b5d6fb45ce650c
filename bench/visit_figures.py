"""The figures of judged visits, with their intervals, as JSON values."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise

import numpy as np
from visit_judge import far_end_supported

from tools.material.visits.counts import (
    Figures,
    cleared_after_s,
    false_prompts,
    false_spans,
    good,
    of,
    rate,
    seconds,
    share,
    told_after_s,
)
from tools.material.visits.outcome import Outcome
from tools.material.visits.right import HARD_DB, LOUD_DB
from tools.material.visits.truth import Expected, Stretch, covered_s

BANDS = (0.1, 0.3, 0.5, 0.7, 0.85)
APART = frozenset({"events", "processed"})
"""Kinds that other goals are for: their prompts are told, and not in the hourly figure."""
SPEAK_UP = "speak_up"


def clean(outcomes: Sequence[Outcome]) -> Figures:
    members = of(outcomes, "clean")
    bands = {
        f"{low:.0%}–{high:.0%}": good([one for one in members if low <= one.truth.listening < high])
        for low, high in pairwise(BANDS)
    }
    return {"all": good(members), "bands": bands}


def speak_up_to_listener(outcomes: Sequence[Outcome]) -> Figures:
    """To a patient who was heard before and is silent, where nothing else makes it right."""
    members = [one for one in outcomes if not one.with_far_end and one.truth.patient]
    nagged = [[told for told in false_prompts(one) if told.id == SPEAK_UP] for one in members]
    after = [
        [told for told in each if one.truth.heard_before(told.at_s)] for one, each in zip(members, nagged, strict=True)
    ]
    return {"raised": sum(map(len, after)), "sessions": share(sum(map(bool, after)), len(members))}


def far_end(outcomes: Sequence[Outcome]) -> Figures:
    """By the doctor's level in the microphone; ``with``: null where the product cannot be told."""

    def by_level(members: Sequence[Outcome]) -> Figures:
        levels: dict[int, list[Outcome]] = defaultdict(list)
        for one in members:
            # Names of levels are as meant: a visit may be turned down by a dB or two, voices and all.
            levels[5 * round((one.truth.far_end_dbfs or 0.0) / 5)].append(one)
        return {
            "all": good(members),
            **{f"{level} dBFS": good(levels[level]) for level in sorted(levels, reverse=True)},
        }

    with_it = of(outcomes, "far_end", with_far_end=True)
    return {
        "without": by_level(of(outcomes, "far_end")),
        "with": by_level(with_it) if far_end_supported() else None,
    }


def noise(outcomes: Sequence[Outcome]) -> Figures:
    """From onset to prompt, by SNR; where it returned, while the patient listens or speaks; and until it is cleared."""
    pairs = [(one, wanted) for one in of(outcomes, "noise") for wanted in one.truth.expected if wanted.must]
    snr = {(one.id, noise.at.start_s): noise.snr_db for one, _ in pairs for noise in one.truth.noises}

    def told(belongs: Callable[[Outcome, Expected, float], bool]) -> Figures:
        members = [(one, want) for one, want in pairs if belongs(one, want, snr[one.id, want.at.start_s])]
        return seconds([told_after_s(one, want) for one, want in members])

    cleared = [cleared_after_s(one, want) for one, want in pairs if told_after_s(one, want) is not None]
    return {
        f"first, ≤ {HARD_DB} dB": told(lambda _, want, db: db <= HARD_DB and not want.returned),
        f"first, {LOUD_DB} dB": told(lambda _, want, db: db > HARD_DB and not want.returned),
        f"returned, ≤ {HARD_DB} dB": told(lambda _, want, db: db <= HARD_DB and want.returned),
        f"all ≤ {HARD_DB} dB": told(lambda _, want, db: db <= HARD_DB),
        f"all ≤ {LOUD_DB} dB": told(lambda *_: True),
        "begins while the patient speaks": told(lambda one, want, _: _speaks(one, want.at.start_s)),
        "begins while the patient listens": told(lambda one, want, _: not _speaks(one, want.at.start_s)),
        "cleared after its end": seconds(cleared),
    }


def _speaks(outcome: Outcome, at_s: float) -> bool:
    """Most of the 4 s from there on."""
    here = Stretch(at_s, at_s + 4)
    return sum(one.overlap_s(here) for one in outcome.truth.patient) > 2


def noises_not_told(outcomes: Sequence[Outcome]) -> list[Figures]:
    return [
        {"visit": one.id, "cause": want.cause, "from_s": round(want.at.start_s, 1), "returned": want.returned}
        for one in of(outcomes, "noise")
        for want in one.truth.expected
        if want.must and told_after_s(one, want) is None
    ]


def troubles(outcomes: Sequence[Outcome]) -> Figures:
    """What else has to be told: by cause, how many were and how soon. Events need not be, and stand apart."""
    found: dict[str, list[float | None]] = defaultdict(list)
    for one in outcomes:
        if one.kind != "noise" and not one.with_far_end:
            for want in one.truth.expected:
                if want.must or one.kind == "events":
                    name = f"event: {want.cause}" if one.kind == "events" else want.cause
                    found[name].append(told_after_s(one, want))
    out = {}
    for cause in sorted(found):
        values = found[cause]
        out[cause] = {"told": share(len(values) - values.count(None), len(values)), **seconds(values)}
    lost = [(one, stretch) for one in outcomes for stretch in one.truth.lost if not one.with_far_end]
    listed = [covered_s(gap, [span for span, _ in one.spans]) >= gap.seconds / 2 for one, gap in lost]
    return {**out, "gap: listed as a span": {"told": share(sum(listed), len(listed))}}


def hourly(outcomes: Sequence[Outcome]) -> Figures:
    """False prompts an hour, all kinds but those apart; ``with_far_end``: where the page told, else null."""

    def over(members: Sequence[Outcome]) -> Figures:
        found = [told.id for one in members for told in false_prompts(one)]
        return {
            **rate(len(found), sum(one.seconds for one in members) / 3600),
            "by_id": dict(Counter(found).most_common()),
        }

    plain = [one for one in outcomes if not one.with_far_end]
    told_of = [one for one in outcomes if one.with_far_end or one.kind != "far_end"]
    kinds = sorted({one.kind for one in plain})
    return {
        "all": over([one for one in plain if one.kind not in APART]),
        "with_far_end": over([one for one in told_of if one.kind not in APART]) if far_end_supported() else None,
        "by_kind": {kind: over([one for one in plain if one.kind == kind]) for kind in kinds},
    }


def verdicts(outcomes: Sequence[Outcome]) -> Figures:
    """Right ones, of the visits whose recipe tells which are."""
    known: dict[str, list[bool]] = defaultdict(list)
    for one in outcomes:
        if one.truth.verdicts and not one.with_far_end:
            name = f"{one.kind}, {one.processing}" if one.processing else one.kind
            known[name].append(one.verdict in one.truth.verdicts)
    return {kind: share(sum(right), len(right)) for kind, right in sorted(known.items())}


def faults(outcomes: Sequence[Outcome]) -> list[Figures]:
    """Every false prompt, false span and wrong verdict, with what went on: a list for whoever mends."""
    out: list[Figures] = []
    for one in sorted(outcomes, key=lambda outcome: (outcome.id, outcome.with_far_end)):
        head = {"visit": one.id, **({"with_far_end": True} if one.with_far_end else {})}
        for told in false_prompts(one):
            going_on = {"going_on": one.truth.going_on(told.at_s), "listening": one.truth.listening_at(told.at_s)}
            out.append({**head, "fault": "prompt", **asdict(told), **going_on})
        for span, why in false_spans(one):
            middle = (span.start_s + span.end_s) / 2
            out.append({**head, "fault": "span", **asdict(span), "why": why, "going_on": one.truth.going_on(middle)})
        if one.truth.verdicts and one.verdict not in one.truth.verdicts:
            wrong = {"verdict": one.verdict, "right": sorted(one.truth.verdicts), "failed": one.failed}
            out.append({**head, "fault": "verdict", **wrong, "listening_share": round(one.truth.listening, 2)})
    return out


def figures(outcomes: Sequence[Outcome], *, list_faults: bool) -> Figures:
    """Everything. Without ``list_faults`` the visits in which something is wrong are not named."""
    cpu = sum(one.cpu_s for one in outcomes)
    minutes = sum(one.seconds for one in outcomes) / 60
    return {
        "sessions": len({one.id for one in outcomes}),
        "kinds": dict(Counter(one.kind for one in outcomes if not one.with_far_end)),
        "minutes": minutes,
        "cpu_s_per_minute": cpu / minutes if minutes else None,
        "far_end_supported": far_end_supported(),
        "clean": clean(outcomes),
        "speak_up_to_listener": speak_up_to_listener(outcomes),
        "far_end": far_end(outcomes),
        "noise": noise(outcomes),
        "noises_not_told": noises_not_told(outcomes) if list_faults else [],
        "false_prompts": hourly(outcomes),
        "troubles": troubles(outcomes),
        "coughs": good(of(outcomes, "coughs")),
        "processed": good(of(outcomes, "processed")),
        "verdicts": verdicts(outcomes),
        "median_overall": {
            kind: float(
                np.median([one.overall for one in outcomes if one.kind == kind and one.overall is not None] or [0])
            )
            for kind in sorted({one.kind for one in outcomes})
        },
        "faults": faults(outcomes) if list_faults else [],
    }
