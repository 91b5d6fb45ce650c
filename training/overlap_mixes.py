"""Makes 4 s examples of one voice and of two from the recordings of TINGQING_SHARED, for training/fit_overlap.py.

Two voices: the second 0–13 dB below the first, throughout or for a while. One voice: alone, taking turns with another,
doubled by an echo, in synthetic rooms. Speed, pitch and colour of voices are varied. Either may have noise of any kind
at 4–26 dB (laughs, sneezes, cries and barks from 0 dB on), a telephone's band, or clipping. The room responses of
TINGQING_SHARED are not used, so the rooms of the evaluation mixes stay unseen. Rows of the manifest whose licence
forbids commercial use are left out.
"""

import csv
import os
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import signal

from server.model.overlap import FRAME, STEP, spectrum

ROOT = Path(__file__).resolve().parent.parent
AUDIO = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared")) / "audio"
sys.path.insert(0, str(AUDIO))
import make_mixes  # noqa: E402 - a module beside the recordings

RATE = 16_000
LENGTH = 4 * RATE
SPEECH_DB = -26.0
ACTIVE_DB, DOUBTFUL_DB = -22.0, -32.0
"""A talker speaks in a 20 ms frame within 22 dB of the loud ones; from there to 32 dB it is doubtful and not fitted."""

NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial|research only", re.IGNORECASE)
OUTBURSTS = {"laughter", "sneeze", "baby_cry", "dog_bark"}

Audio = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Sources:
    """Clips by their group: speech, and noise with its kind."""

    speech: dict[str, list[Audio]] = field(default_factory=dict)
    noise: dict[str, list[Audio]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def without(self, groups: Collection[str]) -> "Sources":
        return Sources(
            {name: clips for name, clips in self.speech.items() if name not in groups},
            {name: clips for name, clips in self.noise.items() if name not in groups},
            self.kinds,
        )


def load_sources() -> Sources:
    found = Sources()
    with (AUDIO / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        folder = row["path"].split("/")[0]
        if folder not in {"speech", "noise", "clinical"} or NON_COMMERCIAL.search(row["licence"]):
            continue
        clip = make_mixes.load(str(AUDIO / row["path"]))
        group = row["group"] or row["path"]
        if folder == "speech":
            found.speech.setdefault(group, []).append(levelled(make_mixes.trim(clip), SPEECH_DB))
        else:
            found.noise.setdefault(group, []).append(clip.astype(np.float32))
            found.kinds[group] = row["kind"]
    return found


def examples(sources: Sources, n: int, seed: int) -> tuple[npt.NDArray[np.float16], Labels]:
    """``n`` examples of 4 s: spectra ``(n, t, 192)`` in dB, and a label per frame: 1 two voices, 0 not, -1 unknown."""
    rng = np.random.default_rng(seed)
    spectra, labels = [], []
    for _ in range(n):
        samples, label = example(sources, rng)
        levels = spectrum(samples).astype(np.float16)
        centres = (np.arange(levels.shape[0]) * STEP + FRAME // 2) // STEP
        spectra.append(levels)
        labels.append(label[centres].astype(np.int8))
    return np.stack(spectra), np.stack(labels)


def example(sources: Sources, rng: np.random.Generator) -> tuple[Audio, Labels]:
    """4 s of audio, and per 20 ms whether two voices sound."""
    kind = rng.choice(["two", "echo", "turns", "one"], p=[0.45, 0.05, 0.15, 0.35])
    first, second = rng.choice(sorted(sources.speech), 2, replace=False)
    voice = levelled(changed(tilted(talk(sources.speech[first], rng), rng), rng), SPEECH_DB)
    label = np.zeros(LENGTH // STEP, np.int8)
    speaking = activity(voice)
    room = synthetic_room(rng) if rng.random() < 0.5 else None
    mix = voice if room is None else levelled(in_room(voice, room), SPEECH_DB)
    if kind == "two":
        other, other_speaking = interruption(sources.speech[second], rng)
        if room is not None and rng.random() < 0.8:
            other = in_room(other, room if rng.random() < 0.5 else synthetic_room(rng))
        both = (speaking == 1) & (other_speaking == 1)
        label = np.where(both, 1, np.where((speaking != 0) & (other_speaking != 0), -1, 0)).astype(np.int8)
        mix = mix + other
    elif kind == "turns":
        mine = turns(rng)
        other = levelled(tilted(talk(sources.speech[second], rng), rng), SPEECH_DB + rng.uniform(-6, 6))
        mix = mix * mine + other * (1 - mine)
    elif kind == "echo":
        late = int(rng.uniform(0.05, 0.35) * RATE)
        mix = mix.copy()
        mix[late:] += mix[:-late].copy() * 10 ** (-rng.uniform(3, 12) / 20)
    return spoilt(mix, sources, rng), label


def levelled(clip: npt.NDArray[np.floating], db: float) -> Audio:
    return np.asarray(clip * 10 ** ((db - make_mixes.active(clip)) / 20), np.float32)


def activity(voice: Audio) -> Labels:
    """Per 20 ms: 1 speaks, 0 does not, -1 doubtful."""
    power = np.square(voice.reshape(-1, STEP)).mean(axis=1)
    level = 10 * np.log10(power / max(float(np.percentile(power, 95)), 1e-12) + 1e-9)
    return np.where(level > ACTIVE_DB, 1, np.where(level > DOUBTFUL_DB, -1, 0)).astype(np.int8)


def talk(clips: Sequence[Audio], rng: np.random.Generator) -> Audio:
    """4 s of one talker, clip after clip."""
    out = np.zeros(LENGTH, np.float32)
    at = 0 if rng.random() < 0.7 else int(rng.uniform(0, 1.2) * RATE)
    while at < LENGTH:
        clip = clips[int(rng.integers(len(clips)))]
        start = int(rng.integers(0, max(1, len(clip) - RATE))) if rng.random() < 0.7 else 0
        clip = clip[start : start + LENGTH - at]
        out[at : at + len(clip)] += clip
        at += len(clip) + int(rng.uniform(0.1, 0.7) * RATE)
    return out


def interruption(clips: Sequence[Audio], rng: np.random.Generator) -> tuple[Audio, Labels]:
    """A second voice 0–13 dB below the first, in a third of the cases only for 0.5–3 s; and where it speaks."""
    voice = levelled(changed(tilted(talk(clips, rng), rng), rng), SPEECH_DB - rng.uniform(0, 13))
    speaking = activity(voice)
    if rng.random() < 0.35:
        start = int(rng.uniform(0, 0.6) * LENGTH)
        end = start + int(rng.uniform(0.5, 3) * RATE)
        voice[:start] = 0
        voice[end:] = 0
        kept = np.zeros(LENGTH // STEP, bool)
        kept[start // STEP : end // STEP] = True
        speaking = np.where(kept, speaking, 0).astype(np.int8)
    return voice, speaking


def turns(rng: np.random.Generator) -> Audio:
    """1 while the first talker speaks, 0 while the other does."""
    gate = np.zeros(LENGTH, np.float32)
    at, who = int(rng.uniform(0, 2.5) * RATE), 1
    while at < LENGTH:
        end = at + int(rng.uniform(0.8, 3) * RATE)
        gate[at:end] = who
        at, who = end, 1 - who
    return np.convolve(gate, np.full(160, 1 / 160), "same").astype(np.float32)


def changed(voice: Audio, rng: np.random.Generator) -> Audio:
    """At another speed and pitch, 0.8 to 1.25 times, in two thirds of the cases, as if by another person."""
    if rng.random() < 0.33:
        return voice
    at = np.arange(LENGTH) * rng.uniform(0.8, 1.25) % (LENGTH - 1)
    return np.asarray(np.interp(at, np.arange(LENGTH), voice), np.float32)


def tilted(voice: Audio, rng: np.random.Generator) -> Audio:
    """Through another microphone: two shelves of up to 10 dB."""
    for lowest, highest in ((100, 800), (800, 5000)):
        b, a = signal.butter(1, rng.uniform(lowest, highest), fs=RATE)
        low = signal.lfilter(b, a, voice)
        voice = np.asarray(low + 10 ** (rng.uniform(-10, 10) / 20) * (voice - low), np.float32)
    return voice


def synthetic_room(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A direct sound, some early reflections, and a tail that decays in 0.15–1.6 s, 9 dB over to 12 dB under it."""
    n = int(rng.uniform(0.15, 1.6) * RATE)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail[: int(rng.uniform(0.001, 0.01) * RATE)] = 0
    loud = np.abs(tail).max()
    for _ in range(int(rng.integers(0, 7))):
        tail[int(rng.uniform(0.001, 0.05) * RATE)] += rng.choice([-1, 1]) * loud * rng.uniform(1, 6)
    if rng.random() < 0.5:
        b, a = signal.butter(1, rng.uniform(1000, 6000), fs=RATE)
        tail = np.asarray(signal.lfilter(b, a, tail))
    tail *= 10 ** (rng.uniform(-12, 9) / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1.0
    return np.asarray(tail)


def in_room(voice: Audio, room: npt.NDArray[np.float64]) -> Audio:
    return np.asarray(signal.fftconvolve(voice, room)[: len(voice)], np.float32)


def spoilt(mix: Audio, sources: Sources, rng: np.random.Generator) -> Audio:
    """Adds noise in six of ten cases, a microphone's own noise, and sometimes a telephone's band or clipping."""
    if rng.random() < 0.6:
        group = str(rng.choice(sorted(sources.noise)))
        clips = sources.noise[group]
        clip = clips[int(rng.integers(len(clips)))]
        noise = make_mixes.fit_noise(clip.astype(np.float64), LENGTH / RATE, rng)
        snr = rng.uniform(0, 25) if sources.kinds[group] in OUTBURSTS else rng.uniform(4, 26)
        level = make_mixes.rms_db(noise)
        if level > -100:
            mix = mix + noise.astype(np.float32) * 10 ** ((SPEECH_DB - snr - level) / 20)
    heard = np.asarray(mix + rng.standard_normal(LENGTH) * 10 ** (rng.uniform(-90, -50) / 20), np.float64)
    if rng.random() < 0.1:
        b, a = signal.butter(4, [300, 3400], "band", fs=RATE)
        heard = np.asarray(signal.lfilter(b, a, heard))
    if rng.random() < 0.08:
        ceiling = np.abs(heard).max() * rng.uniform(0.25, 0.8)
        heard = np.clip(heard, -ceiling, ceiling)
    return np.asarray(heard, np.float32)
