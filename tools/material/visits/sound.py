"""Levels, fades, rooms and bands. Level and SNR are defined as make_mixes.py of the recordings defines them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy import signal

from tools.material.visits.truth import RATE, Audio

FRAME = RATE // 50
FADE = RATE // 100


def load(path: Path) -> Audio:
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE, quality="HQ")
    return np.asarray(mono - mono.mean())


def energies(samples: Audio) -> Audio:
    n = len(samples) // FRAME
    return np.asarray((samples[: n * FRAME].reshape(n, FRAME) ** 2).mean(axis=1)) if n else np.zeros(1)


def decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-12)))


def active_db(samples: Audio) -> float:
    """RMS, dBFS, of the 20 ms frames within 22 dB of the 95th percentile frame."""
    each = energies(samples)
    loud = each >= max(np.percentile(each, 95) * 10**-2.2, 1e-11)
    return decibels(each[loud].mean()) if loud.any() else -120.0


def rms_db(samples: Audio) -> float:
    return decibels(float((samples**2).mean()))


def gain(db: float) -> float:
    return float(10 ** (db / 20))


def levelled(samples: Audio, db: float) -> Audio:
    return np.asarray(samples * gain(db - active_db(samples)))


def intervals(
    samples: Audio, below_db: float = 25, join_s: float = 0.25, least_s: float = 0.1
) -> list[tuple[int, int]]:
    """Where it sounds, in samples: frames within ``below_db`` of the 95th percentile frame, close ones joined."""
    each = energies(samples)
    found: list[tuple[int, int]] = []
    for frame in np.flatnonzero(each > max(np.percentile(each, 95) * 10 ** (-below_db / 10), 1e-9)):
        start = int(frame) * FRAME
        if found and start - found[-1][1] <= join_s * RATE:
            found[-1] = (found[-1][0], start + FRAME)
        else:
            found.append((start, start + FRAME))
    return [(start, end) for start, end in found if end - start >= least_s * RATE]


def faded(samples: Audio, fade: int = FADE) -> Audio:
    fade = min(fade, len(samples) // 2)
    if not fade:
        return samples
    out = samples.copy()
    ramp = np.linspace(0, 1, fade)
    out[:fade] *= ramp
    out[-fade:] *= ramp[::-1]
    return out


def looped(samples: Audio, n: int) -> Audio:
    """``n`` samples of it, repeated with cross-fades of 50 ms where it is shorter."""
    if len(samples) >= n:
        return samples[:n].copy()
    fade = min(RATE // 20, len(samples) // 4)
    piece, out, at = faded(samples, fade), np.zeros(n + len(samples)), 0
    while at < n:
        out[at : at + len(piece)] += piece
        at += len(piece) - fade
    return out[:n]


def convolved(samples: Audio, response: Audio) -> Audio:
    return np.asarray(signal.fftconvolve(samples, response)[: len(samples)])


def band(samples: Audio, low_hz: float, high_hz: float, order: int = 4) -> Audio:
    sos = signal.butter(order, (low_hz, high_hz), "bandpass", fs=RATE, output="sos")
    return np.asarray(signal.sosfilt(sos, samples))


def low_pass(samples: Audio, hz: float, order: int = 6) -> Audio:
    return np.asarray(signal.sosfilt(signal.butter(order, hz, "lowpass", fs=RATE, output="sos"), samples))


def tail(decay_s: float, rng: np.random.Generator) -> Audio:
    """Noise that decays by 60 dB in ``decay_s``, of unit energy, without the first 2.5 ms."""
    n = int(decay_s * RATE)
    out = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / (decay_s * RATE))
    out[: RATE // 400] = 0
    return np.asarray(out / np.sqrt(np.sum(out**2)))


def room(decay_s: float, ratio_db: float, rng: np.random.Generator) -> Audio:
    """A direct sound, then a ``tail`` that holds the energy of the direct sound less ``ratio_db``."""
    response = tail(decay_s, rng) * gain(-ratio_db)
    response[0] = 1.0
    return response


def direct_first(response: Audio) -> Audio:
    """A recorded response from its direct sound on, which becomes 1; 1 s at most."""
    peak = int(np.argmax(np.abs(response)))
    return np.asarray(response[peak : peak + RATE] / np.abs(response[peak]))


def floor_noise(n: int, db: float, rng: np.random.Generator) -> Audio:
    """A quiet room and its microphone: white, or falling by up to 6 dB an octave."""
    white = rng.standard_normal(n)
    pole = rng.choice((0.0, 0.6, 0.9))
    shaped: npt.NDArray[np.float64] = signal.lfilter([1.0], [1.0, -pole], white)
    return np.asarray(shaped * gain(db - rms_db(shaped)))


def smooth_gain(n: int, points: list[tuple[float, float]]) -> Audio:
    """A gain through ``points`` of (s, dB), straight in dB between them."""
    at, db = zip(*points, strict=True)
    return np.asarray(10 ** (np.interp(np.arange(n) / RATE, at, db) / 20))
