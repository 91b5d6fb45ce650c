"""Twelve kinds of synthetic sound, each sound different, with captions for a tiny CLAP to learn from.

Sounds of a kind vary in pitch, tempo, length, level and background; its captions vary in words and phrasing. The
adjective and noun of a held-out wording never occur together in training, and never in such a sentence.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array

RATE = 48_000
LENGTHS_S = (3, 4, 5, 7, 10, 10, 10)

Random = np.random.Generator
Float64Array = npt.NDArray[np.float64]

SEEN_SENTENCES = ("{} {}", "the sound of a {} {}", "a {} {} can be heard", "there is a {} {} in the background")
FILLERS = ("some", "and", "my", "the", "near", "outside", "today", "on", "from", "again", "then", "with", "our", "room")
UNSEEN_SENTENCES = ("you can hear a {} {} nearby", "this is a {} {}", "a {} {} was recorded here")


def sound(kind: str, seed: int) -> Float32Array:
    """One sound, 3 to 10 s at 48 kHz, peak -26 to -3 dBFS over noise at -80 to -55 dBFS."""
    rng = np.random.default_rng([seed, *kind.encode()])
    t = _time(rng.choice(LENGTHS_S))
    made = MAKERS[kind](rng, t)
    made *= 10 ** (rng.uniform(-26, -3) / 20) / np.abs(made).max()
    made += rng.standard_normal(t.shape[0]) * 10 ** (rng.uniform(-80, -55) / 20)
    return made.astype(np.float32)


def captions(kind: str, *, seen: bool) -> list[str]:
    """All captions of a kind: those to learn from, or those held out."""
    adjectives, nouns = WORDS[kind]
    pairs = [(a, n) for i, a in enumerate(adjectives) for j, n in enumerate(nouns) if (i == j) is not seen]
    sentences = SEEN_SENTENCES if seen else UNSEEN_SENTENCES
    keywords = [*adjectives, *nouns] if seen else []
    return [sentence.format(*pair) for pair in pairs for sentence in sentences] + keywords


def said(kind: str, rng: Random) -> str:
    """A training caption with some words dropped and others added, so that each word comes to mean its kind."""
    words = str(rng.choice(captions(kind, seen=True))).split()
    heard = [word for word in words if rng.uniform() > 0.1] or words
    for _ in range(rng.integers(3)):
        heard.insert(int(rng.integers(len(heard) + 1)), str(rng.choice(FILLERS)))
    return " ".join(heard)


def wordings(kind: str) -> tuple[str, ...]:
    """Three held-out captions, one of each pair of words: the texts of a label."""
    held_out = captions(kind, seen=False)
    return tuple(held_out[:: len(UNSEEN_SENTENCES)][i] for i in range(3))


# -- parts


def _time(seconds: float) -> Float64Array:
    return np.arange(round(seconds * RATE)) / RATE


def _between(rng: Random, low: float, high: float) -> float:
    """Log-uniform, as pitches are distributed."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _tone(frequency: float | Float64Array, t: Float64Array, phase: float = 0.0) -> Float64Array:
    return np.sin(2 * np.pi * np.cumsum(np.broadcast_to(frequency, t.shape)) / RATE + phase)


def _band(rng: Random, n: int, low: float, high: float) -> Float64Array:
    spectrum = np.fft.rfft(rng.standard_normal(n))
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    spectrum[(frequency < low) | (frequency > high)] = 0
    return np.fft.irfft(spectrum, n)


def _repeated(rng: Random, t: Float64Array, per_second: float, one: Callable[[], Float64Array]) -> Float64Array:
    out = np.zeros(t.shape[0])
    at = rng.uniform(0, 0.5 / per_second)
    while at < t[-1]:
        first, strike = int(at * RATE), one()
        out[first : first + strike.shape[0]] += strike[: out.shape[0] - first]
        at += rng.uniform(0.9, 1.1) / per_second
    return out


# -- kinds


def _hum(rng: Random, t: Float64Array) -> Float64Array:
    base = _between(rng, 70, 160)
    return np.asarray(np.sum([_tone(base * k, t, rng.uniform(0, 6)) / k for k in range(1, 6)], axis=0))


def _whistle(rng: Random, t: Float64Array) -> Float64Array:
    return _tone(_between(rng, 3_000, 6_000), t)


def _sweep(rng: Random, t: Float64Array, *, up: bool) -> Float64Array:
    position = (t / rng.uniform(1.2, 3.0) + rng.uniform()) % 1
    low = _between(rng, 250, 500)
    return _tone(low * rng.uniform(5, 9) ** (position if up else 1 - position), t)


def _hiss(rng: Random, t: Float64Array) -> Float64Array:
    return _band(rng, t.shape[0], rng.uniform(200, 900), rng.uniform(9_000, 16_000))


def _rumble(rng: Random, t: Float64Array) -> Float64Array:
    return _band(rng, t.shape[0], 20, rng.uniform(150, 350))


def _clicks(rng: Random, t: Float64Array) -> Float64Array:
    w = _time(0.006)
    return _repeated(rng, t, rng.uniform(6, 14), lambda: rng.standard_normal(w.shape[0]) * np.exp(-900 * w))


def _knocks(rng: Random, t: Float64Array) -> Float64Array:
    w, pitch = _time(0.25), _between(rng, 90, 220)
    hit = 0.2 * rng.standard_normal(w.shape[0]) * np.exp(-200 * w)
    return _repeated(rng, t, rng.uniform(1, 2.2), lambda: _tone(pitch, w) * np.exp(-25 * w) + hit)


def _siren(rng: Random, t: Float64Array) -> Float64Array:
    sway = rng.uniform(0.5, 0.9) * np.sin(2 * np.pi * rng.uniform(0.5, 1.5) * t + rng.uniform(0, 6))
    return _tone(_between(rng, 600, 1_100) * 2**sway, t)


def _gusts(rng: Random, t: Float64Array) -> Float64Array:
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(2.5, 6) * t + rng.uniform(0, 6))
    return _band(rng, t.shape[0], 300, rng.uniform(3_000, 8_000)) * swell**2


def _beeps(rng: Random, t: Float64Array) -> Float64Array:
    on = (t * rng.uniform(1.5, 3.5) + rng.uniform()) % 1 < rng.uniform(0.25, 0.5)
    return _tone(_between(rng, 700, 1_800), t) * on


def _bells(rng: Random, t: Float64Array) -> Float64Array:
    w = _time(1.5)
    partials = ((1, 2), (2.76, 3), (5.4, 4))

    def strike() -> Float64Array:
        base = _between(rng, 400, 900)
        return np.asarray(
            np.sum([_tone(base * k, w) * np.exp(-w * d) / n for n, (k, d) in enumerate(partials, 1)], axis=0)
        )

    return _repeated(rng, t, rng.uniform(0.6, 1.2), strike)


MAKERS: dict[str, Callable[[Random, Float64Array], Float64Array]] = {
    "hum": _hum,
    "whistle": _whistle,
    "rise": lambda rng, t: _sweep(rng, t, up=True),
    "fall": lambda rng, t: _sweep(rng, t, up=False),
    "hiss": _hiss,
    "rumble": _rumble,
    "clicks": _clicks,
    "knocks": _knocks,
    "siren": _siren,
    "gusts": _gusts,
    "beeps": _beeps,
    "bells": _bells,
}
KINDS = tuple(MAKERS)

WORDS: dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "hum": (("low", "deep", "steady"), ("hum", "drone", "buzz")),
    "whistle": (("high", "piercing", "shrill"), ("whistle", "squeal", "whine")),
    "rise": (("rising", "climbing", "upward"), ("ascent", "lift", "rise")),
    "fall": (("falling", "sinking", "downward"), ("descent", "drop", "fall")),
    "hiss": (("bright", "constant", "white"), ("hiss", "static", "spray")),
    "rumble": (("dull", "distant", "heavy"), ("rumble", "thunder", "engine")),
    "clicks": (("rapid", "quick", "dry"), ("clicking", "ticking", "crackle")),
    "knocks": (("slow", "hollow", "wooden"), ("knock", "thud", "drum")),
    "siren": (("wailing", "wavering", "warbling"), ("siren", "alarm", "howl")),
    "gusts": (("pulsing", "puffing", "choppy"), ("wind", "breath", "steam")),
    "beeps": (("short", "repeated", "electronic"), ("beep", "bleep", "signal")),
    "bells": (("ringing", "metallic", "fading"), ("bell", "chime", "gong")),
}
