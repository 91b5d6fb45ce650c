"""Noises that begin and end in a visit, and sounds that come one by one."""

import numpy as np

from tools.material.visits.processing import chosen_start
from tools.material.visits.right import ACCEPT, HARD_DB, LOUD_DB, MILD_DB, QUIETER, expected, verdicts
from tools.material.visits.setting import Scene, finished
from tools.material.visits.sound import convolved, faded, gain, intervals, levelled, rms_db
from tools.material.visits.sources import EVENTS, STEADY
from tools.material.visits.truth import RATE, Audio, Noise, Stretch, Visit

NOISE_SNRS, EVENT_SNRS = (3, 0, 8, 3, 15, 0), (3, 8, 0)


def noise(scene: Scene) -> Visit:
    """A steady noise begins, lasts, and ends; in long visits it comes back a minute and more later."""
    rows = scene.sources.noise_rows(STEADY)
    kinds = sorted({row["kind"] for row in rows})
    of_kind = [row for row in rows if row["kind"] == kinds[scene.number % len(kinds)]]
    source = scene.sources.noise(of_kind[scene.number // len(kinds) % len(of_kind)])
    snr = float(NOISE_SNRS[scene.number % len(NOISE_SNRS)])
    start = float(scene.rng.uniform(12, 30))
    first = Stretch(start, start + float(scene.rng.uniform(22, 40)))
    at = [first]
    if scene.seconds > first.end_s + 95:
        again = first.end_s + float(scene.rng.uniform(62, 68))
        at.append(Stretch(again, again + 25))
    samples = scene.voices()
    for stretch in at:
        add(samples, chosen_start(source.samples, round(stretch.seconds * RATE), scene.rng), stretch, scene.db - snr)
    noises = tuple(Noise(one, source.kind, snr, event=False, returned=one is not first) for one in at)
    loud = snr <= LOUD_DB
    return finished(
        scene,
        samples,
        noises=noises,
        expected=tuple(
            expected({QUIETER}, one.at, f"{one.kind} {snr:+.0f} dB", must=loud, returned=one.returned)
            for one in noises
            if snr < MILD_DB
        ),
        spoiled=tuple(at) if loud else (),
        verdicts=verdicts(scene, at) if snr <= HARD_DB else frozenset() if loud else ACCEPT,
    )


def events(scene: Scene) -> Visit:
    """Barks, cries, keys, sirens and horns, one after the other; SNR by their own active level."""
    rows = scene.sources.noise_rows(EVENTS)
    kinds = [*sorted({row["kind"] for row in rows}), "horn"]
    kind = kinds[scene.number % len(kinds)]
    of_kind = [row for row in rows if row["kind"] == kind]
    snr = float(EVENT_SNRS[scene.number % len(EVENT_SNRS)])
    samples, at, found = scene.voices(), float(scene.rng.uniform(10, 20)), []
    end = at + float(scene.rng.uniform(25, 45))
    while at < min(end, scene.seconds - 6):
        sound = (
            horn(scene.rng) if kind == "horn" else first_sound(scene.sources.noise(_one(of_kind, scene.rng)).samples)
        )
        sound = levelled(faded(sound), scene.db - snr)
        start = round(at * RATE)
        samples[start : start + len(sound)] += sound
        found.append(Noise(Stretch(at, at + len(sound) / RATE), kind, snr, event=True))
        at += len(sound) / RATE + float(scene.rng.uniform(1, 6))
    whole = Stretch(found[0].at.start_s, found[-1].at.end_s)
    return finished(
        scene,
        samples,
        noises=tuple(found),
        expected=(expected({QUIETER}, whole, f"{kind} {snr:+.0f} dB", must=False),),
        spoiled=(whole,),
    )


def add(samples: Audio, sound: Audio, at: Stretch, db: float) -> None:
    start = round(at.start_s * RATE)
    sound = faded(sound * gain(db - rms_db(sound)), RATE // 3)[: len(samples) - start]
    samples[start : start + len(sound)] += sound


def first_sound(samples: Audio) -> Audio:
    """4 s from where it first sounds."""
    start = intervals(samples, 25)[0][0]
    return samples[max(0, start - RATE // 50) :][: 4 * RATE]


def horn(rng: np.random.Generator) -> Audio:
    """A car's: two tones a third apart with harmonics, 0.4–1.5 s, from the street. Made: there is no recording."""
    t = np.arange(round(float(rng.uniform(0.4, 1.5)) * RATE)) / RATE
    base = float(rng.uniform(380, 450))
    tones = [np.sin(2 * np.pi * base * ratio * k * t) / k for ratio in (1.0, 1.26) for k in range(1, 7)]
    return convolved(np.concatenate((faded(np.sum(tones, axis=0)), np.zeros(RATE // 2))), _street(rng))


def _street(rng: np.random.Generator) -> Audio:
    n = RATE // 2
    out = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n) * 0.05
    out[0] = 1.0
    return np.asarray(out)


def _one(rows: list[dict[str, str]], rng: np.random.Generator) -> dict[str, str]:
    return rows[int(rng.integers(len(rows)))]
