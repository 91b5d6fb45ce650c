"""A synthetic visit: a voice in a quiet room, a fan that starts and stops, always the same samples.

The voice is a cascade of formant resonators behind a glottal source (Klatt, "Software for a cascade/parallel formant
synthesizer", JASA 67, 1980) with the pulse of Rosenberg (JASA 49, 1971) and the vowels of Peterson and Barney (JASA 24,
1952). It says no words. A voice activity detector takes it for speech, and it is not a recording of a person.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import lfilter

RATE = 16_000
DURATION_S = 27.0
NOISE_FROM_S, NOISE_TO_S = 9.0, 18.0

Samples = npt.NDArray[np.float64]

_SEED = 1

_VOWELS = (
    (730, 1090, 2440),  # as in "father"
    (530, 1840, 2480),  # "head"
    (270, 2290, 3010),  # "heed"
    (570, 840, 2410),  # "hawed"
    (300, 870, 2240),  # "who'd"
    (660, 1720, 2410),  # "had"
)
"""The first three formants of men's vowels, Hz."""

_FOURTH_FORMANT_HZ = 3500
_BANDWIDTHS_HZ = (80, 100, 150, 200)

_VOICE_RMS = 0.07
"""Amplitude of a syllable, full scale 1; the speech level is then about -26 dBFS, ITU-T P.56's usual one."""

_ROOM_RMS = 10 ** (-65 / 20)
_SYLLABLES = (5, 9)
_SYLLABLE_S = (0.14, 0.22)
_PAUSE_S = (0.35, 0.60)


def sample_visit() -> npt.NDArray[np.int16]:
    """Mono PCM ``(27 s,)`` at 16 kHz."""
    rng = np.random.default_rng(_SEED)
    voice = _voice(rng, round(DURATION_S * RATE))
    sound = voice + _fan(rng, voice) + _ROOM_RMS * rng.standard_normal(voice.size)
    return np.rint(np.clip(sound, -1.0, 1.0) * 32_767).astype(np.int16)


def save_sample_visit(path: Path) -> None:
    """Write it as WAV, 16 bits. Raises OSError."""
    with path.open("wb") as file:
        soundfile.write(file, sample_visit(), RATE, format="WAV", subtype="PCM_16")


def _voice(rng: np.random.Generator, samples: int) -> Samples:
    """Phrases of a few syllables, falling in pitch, with pauses between them."""
    pieces: list[Samples] = []
    while sum(piece.size for piece in pieces) < samples:
        syllables = int(rng.integers(*_SYLLABLES))
        pitch_hz = rng.uniform(115, 130)
        for place in range(syllables):
            pieces += [_consonant(rng), _vowel(rng, pitch_hz * (1 - 0.25 * place / syllables))]
        pieces.append(np.zeros(round(rng.uniform(*_PAUSE_S) * RATE)))
    return np.concatenate(pieces)[:samples]


def _consonant(rng: np.random.Generator) -> Samples:
    """A fricative, a stop (closure and burst), or nothing."""
    match int(rng.integers(3)):
        case 0:
            hiss = rng.standard_normal(round(rng.uniform(0.05, 0.09) * RATE))
            bright: Samples = lfilter([1, -0.95], [1], hiss)
            return bright * np.hanning(hiss.size) * _VOICE_RMS * 0.3
        case 1:
            burst = rng.standard_normal(round(0.012 * RATE))
            return np.concatenate([np.zeros(round(0.04 * RATE)), burst * np.hanning(burst.size) * _VOICE_RMS * 0.75])
        case _:
            return np.zeros(0)


def _vowel(rng: np.random.Generator, pitch_hz: float) -> Samples:
    samples = round(rng.uniform(*_SYLLABLE_S) * RATE)
    arc = 1 + 0.08 * np.sin(np.pi * np.linspace(0, 1, samples))
    jitter = 1 + 0.008 * np.cumsum(rng.standard_normal(samples)) / np.sqrt(samples)
    sound = _glottal_flow(pitch_hz * arc * jitter) + 0.002 * rng.standard_normal(samples)
    formants_hz = (*_VOWELS[int(rng.integers(len(_VOWELS)))], _FOURTH_FORMANT_HZ)
    for frequency_hz, bandwidth_hz in zip(formants_hz, _BANDWIDTHS_HZ, strict=True):
        sound = _resonate(sound, frequency_hz, bandwidth_hz)
    place = np.arange(samples)
    envelope = np.minimum(1.0, np.minimum(place / (0.025 * RATE), (samples - place) / (0.040 * RATE)))
    level: Samples = sound / np.sqrt(np.mean(sound**2)) * envelope * _VOICE_RMS
    return level


def _glottal_flow(pitch_hz: Samples) -> Samples:
    """The derivative of Rosenberg's pulse: opening 40 % of a period, closing 20 %."""
    phase = np.cumsum(pitch_hz / RATE) % 1.0
    opening = 0.5 * (1 - np.cos(np.pi * phase / 0.4))
    closing = np.cos(0.5 * np.pi * (phase - 0.4) / 0.2)
    flow = np.where(phase < 0.4, opening, np.where(phase < 0.6, closing, 0.0))
    return np.diff(flow, prepend=0.0)


def _resonate(sound: Samples, frequency_hz: float, bandwidth_hz: float) -> Samples:
    """Klatt's digital resonator, gain 1 at 0 Hz."""
    c = -np.exp(-2 * np.pi * bandwidth_hz / RATE)
    b = 2 * np.exp(-np.pi * bandwidth_hz / RATE) * np.cos(2 * np.pi * frequency_hz / RATE)
    resonant: Samples = lfilter([1 - b - c], [1, -b, -c], sound)
    return resonant


def _fan(rng: np.random.Generator, voice: Samples) -> Samples:
    """A low rumble that beats eleven times a second, 2 dB under the voice, from ``NOISE_FROM_S`` to ``NOISE_TO_S``."""
    white = rng.standard_normal(voice.size)
    rumble = lfilter([0.05], [1, -0.95], white) + 0.1 * white
    rumble /= np.sqrt(np.mean(rumble**2))
    time_s = np.arange(voice.size) / RATE
    fades_s = [0.0, NOISE_FROM_S, NOISE_FROM_S + 0.6, NOISE_TO_S, NOISE_TO_S + 0.6, DURATION_S]
    loudness = np.interp(time_s, fades_s, [0, 0, 1, 1, 0, 0]) * 0.8 * np.sqrt(np.mean(voice**2))
    blown: Samples = rumble * (1 + 0.15 * np.sin(2 * np.pi * 11 * time_s)) * loudness
    return blown
