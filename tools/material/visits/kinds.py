"""The kinds of visits, and those in which nothing is wrong."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.material.visits.noises import events, noise
from tools.material.visits.processing import PROCESSING
from tools.material.visits.right import ACCEPT, MICROPHONE, expected
from tools.material.visits.setting import Scene, finished
from tools.material.visits.sound import levelled
from tools.material.visits.troubles import gap, in_pocket, losses, muted, walk_away
from tools.material.visits.truth import RATE, Audio, Stretch, Visit

FAR_END_DBFS = (-20, -25, -30, -35, -40)
LONG_S = 5.0


def clean(scene: Scene) -> Visit:
    """A headset: the doctor is not heard. The share of listening goes through 10–80 %."""
    return finished(scene, scene.voices(), verdicts=ACCEPT)


def far_end(scene: Scene) -> Visit:
    """The doctor out of the loudspeaker."""
    db = float(FAR_END_DBFS[scene.number % len(FAR_END_DBFS)])
    return finished(scene, scene.voices() + scene.doctor(db), far_end_dbfs=db, verdicts=ACCEPT)


def coughs(scene: Scene) -> Visit:
    """The patient coughs, sneezes and laughs, up to 8 dB over the voice."""
    samples, at, found = scene.voices(), 8.0, []
    while at < scene.seconds - 5:
        row = scene.sources.outbursts[int(scene.rng.integers(len(scene.sources.outbursts)))]
        sound = levelled(scene.sources.outburst(row), scene.db + float(scene.rng.uniform(0, 8)))
        sound *= min(1.0, 0.9 / float(np.abs(sound).max()))
        start = round(at * RATE)
        samples[start : start + len(sound)] += sound
        found.append(Stretch(at, at + len(sound) / RATE))
        at += len(sound) / RATE + float(scene.rng.uniform(5, 14))
    return finished(scene, samples, outbursts=tuple(found), verdicts=ACCEPT)


def processed(scene: Scene) -> Visit:
    """What arrives was gated, gain-controlled or suppressed by the microphone's side, and is good.

    A gate that stays shut for long cannot be told from a muted microphone: to ask is right there, and so is not to.
    """
    name = list(PROCESSING)[scene.number % len(PROCESSING)]
    samples = PROCESSING[name](scene.voices())
    shut = tuple(Stretch(run.start_s + LONG_S - 2, run.end_s) for run in zero_runs(samples) if run.seconds > LONG_S)
    asked = tuple(expected({MICROPHONE}, one, "gate shut", must=False) for one in shut)
    return finished(scene, samples, processing=name, expected=asked, spoiled=shut, verdicts=ACCEPT)


def zero_runs(samples: Audio) -> list[Stretch]:
    """Where nothing but zeros comes."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], samples == 0, [False])).astype(int)))
    return [Stretch(start / RATE, end / RATE) for start, end in edges.reshape(-1, 2)]


@dataclass(frozen=True, slots=True)
class Kind:
    """``weight``: visits of it in a hundred. ``seconds`` and ``listening``: drawn between."""

    make: Callable[[Scene], Visit]
    weight: int
    seconds: tuple[float, float] = (60, 150)
    listening: tuple[float, float] = (0.2, 0.7)


KINDS = {
    "clean": Kind(clean, 30, (60, 240), (0.1, 0.82)),
    "far_end": Kind(far_end, 20, (60, 180), (0.2, 0.75)),
    "noise": Kind(noise, 20, (75, 190), (0.15, 0.6)),
    "events": Kind(events, 6),
    "coughs": Kind(coughs, 6),
    "walk_away": Kind(walk_away, 4, (65, 120), (0.2, 0.5)),
    "pocket": Kind(in_pocket, 4, (65, 120), (0.2, 0.5)),
    "losses": Kind(losses, 6, (65, 120), (0.2, 0.5)),
    "gap": Kind(gap, 3),
    "muted": Kind(muted, 3, (60, 90)),
    "processed": Kind(processed, 6),
}
