"""Ways in which a line, a device or a room spoils speech. Pure functions of 16 kHz audio, float64, -1..1.

Written for the benches; nothing of the product uses them.
"""

import itertools

import numpy as np
import numpy.typing as npt
import soxr
from scipy import signal
from voices import RATE, Audio, fitted, floor_noise, make_mixes

PACKET_S = 0.02
QUANTUM = 128
"""Samples of one render quantum of the Web Audio API."""
STFT = 512
LPC_ORDER = 18
Bools = npt.NDArray[np.bool_]


def lost_packets(n: int, share: float, burst: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Stretches of ``burst`` packets of 20 ms, of which ``share`` of the time is lost."""
    size = int(PACKET_S * RATE)
    found, packet = [], 2
    while packet < n // size - burst:
        if rng.random() < share / (burst * (1 - share) + share):
            found.append((packet * size, (packet + burst) * size))
            packet += burst + 1
        else:
            packet += 1
    return found


def silenced(sound: Audio, lost: list[tuple[int, int]]) -> Audio:
    out = sound.copy()
    for start, end in lost:
        out[start:end] = 0.0
    return out


def concealed(sound: Audio, lost: list[tuple[int, int]], *, fade_db_per_s: float = 200.0) -> Audio:
    """Each loss is filled with repeats of the last pitch period, which fade (as ITU-T G.711 Appendix I does), and
    joined to what follows over 5 ms."""
    out, join = sound.copy(), RATE // 200
    for start, end in lost:
        heard = out[max(0, start - RATE // 25) : start]
        period = pitch_period(heard)
        length = min(end + join, sound.size) - start
        filling = np.resize(heard[-period:], length) * 10 ** (-fade_db_per_s * np.arange(length) / RATE / 20)
        out[start : start + length] = filling
        n = length - (end - start)
        ramp = np.linspace(0, 1, n)
        out[end : end + n] = filling[end - start :] * (1 - ramp) + sound[end : end + n] * ramp
    return out


def pitch_period(heard: Audio) -> int:
    """Samples after which the end of ``heard`` repeats best, of 2.5 to 15 ms."""
    template = heard[-RATE // 100 :]
    lags = range(RATE // 400, min(int(0.015 * RATE), heard.size - template.size))
    scores = [float(np.dot(template, heard[-template.size - lag : heard.size - lag])) for lag in lags]
    return lags[int(np.argmax(scores))] if scores else RATE // 100


def lost_quanta(sound: Audio, rate: int, per_s: float, rng: np.random.Generator) -> Audio:
    """Single quanta of 128 samples are zeros, ``per_s`` of them each second. ``rate``: of the sound."""
    out = sound.copy()
    quanta = sound.size // QUANTUM
    for quantum in rng.choice(quanta, size=int(per_s * sound.size / rate), replace=False):
        out[quantum * QUANTUM : (quantum + 1) * QUANTUM] = 0.0
    return out


def clipped(sound: Audio, over_db: float) -> Audio:
    """Amplified until the peak lies ``over_db`` over full scale, and cut there."""
    return np.asarray(np.clip(sound / np.abs(sound).max() * 10 ** (over_db / 20), -1, 1))


def saturated(sound: Audio, drive_db: float) -> Audio:
    """A soft amplifier: no sample lies at full scale."""
    return np.asarray(0.8 * np.tanh(sound / np.abs(sound).max() * 10 ** (drive_db / 20)))


def self_echo(sound: Audio, delay_ms: float, gain: float) -> Audio:
    """The talker's own voice comes back once, as from a loudspeaker at the far end."""
    delay = int(delay_ms * RATE / 1000)
    return np.asarray(sound + gain * np.pad(sound, (delay, 0))[: sound.size])


def low_passed(sound: Audio, hz: float) -> Audio:
    """Zero phase, -48 dB per octave."""
    stages = signal.butter(4, hz, fs=RATE, output="sos")
    return np.asarray(signal.sosfiltfilt(stages, sound))


def covered(sound: Audio, hz: float, floor_dbfs: float, rng: np.random.Generator) -> Audio:
    """A hand over the microphone: no highs of the voice, and the microphone's noise as before."""
    return low_passed(sound, hz) + floor_noise(sound.size, floor_dbfs, rng)


def gated(sound: Audio, dbfs: float, edge_ms: float, hold_ms: float = 40.0) -> Audio:
    """Zeros wherever nothing within ``hold_ms`` exceeds ``dbfs``, after edges of ``edge_ms``."""
    loud = np.abs(sound) > 10 ** (dbfs / 20)
    hold = int(hold_ms * RATE / 1000)
    opened = np.convolve(loud, np.ones(2 * hold + 1), "same") > 0.5
    edge = int(edge_ms * RATE / 1000)
    gain = opened.astype(float)
    return np.asarray(sound * (np.convolve(gain, np.ones(edge) / edge, "same") if edge > 1 else gain))


def whispered(sound: Audio, rng: np.random.Generator) -> Audio:
    """The same words without a voice: the vocal tract (LPC of 32 ms) excited by noise, with the spectral tilt and the
    level differences of a whisper (Konno et al. 2016: about +6 dB per octave, and a flatter course of energy)."""
    size, step = 512, 128
    window = np.hanning(size)
    out, weight = np.zeros(sound.size + size), np.zeros(sound.size + size)
    flat = signal.lfilter([1, -0.95], [1], sound)
    usual = np.sqrt(np.mean(flat**2))
    for start in range(0, sound.size - size, step):
        piece = flat[start : start + size] * window
        r = np.correlate(piece, piece, "full")[size - 1 : size + LPC_ORDER]
        if r[0] < 1e-9:
            continue
        r[0] *= 1.001
        a = np.r_[1.0, -np.linalg.solve(r[np.abs(np.subtract.outer(*[np.arange(LPC_ORDER)] * 2))], r[1:])]
        made = signal.lfilter([1.0], a, rng.standard_normal(size))
        strength = np.sqrt(r[0] / size / max(float(np.mean(made**2)), 1e-12))
        quiet = (max(np.sqrt(r[0] / size), 1e-6) / usual) ** -0.25
        out[start : start + size] += made * strength * min(quiet, 3.0) * window
        weight[start : start + size] += window
    made = out[: sound.size] / np.maximum(weight[: sound.size], 1e-3)
    return np.asarray(signal.lfilter([1.0], [1, -0.3], made) * 0.7)


def suppressed(noisy: Audio, over: float, floor: float) -> Audio:
    """Spectral subtraction (Boll 1979; ``over``: how many times the noise is taken off, Berouti 1979).

    The noise of a frequency is the lower quarter of its frames. ``floor``: least gain. A large ``over`` with a small
    floor takes the faint sounds of the speech as well, and leaves musical noise.
    """
    _, _, spectrum = signal.stft(noisy, RATE, nperseg=STFT, noverlap=STFT * 3 // 4)
    power = np.abs(spectrum) ** 2
    noise = np.mean(np.sort(power, axis=1)[:, : power.shape[1] // 4], axis=1, keepdims=True) * 1.8
    gain = np.sqrt(np.maximum(1 - over * noise / np.maximum(power, 1e-16), floor**2))
    return fitted(signal.istft(spectrum * gain, RATE, nperseg=STFT, noverlap=STFT * 3 // 4)[1], noisy.size)


def telephone(sound: Audio, low_hz: float = 200.0, high_hz: float = 3400.0) -> Audio:
    """8 kHz, as a line carries it."""
    return np.asarray(soxr.resample(make_mixes.band(sound, low_hz, high_hz), RATE, RATE // 2, quality="HQ"))


UPSAMPLERS = ("soxr", "quick", "linear", "hold", "polyphase", "none")


def upsampled(line: Audio, how: str) -> tuple[Audio, int]:
    """From 8 kHz to 16 kHz by a good or a poor filter; ``none`` leaves 8 kHz. The audio and its rate."""
    if how in {"soxr", "quick"}:
        return np.asarray(soxr.resample(line, 8000, RATE, quality="HQ" if how == "soxr" else "QQ")), RATE
    if how == "linear":
        return np.interp(np.arange(2 * line.size) / 2, np.arange(line.size), line), RATE
    if how == "hold":
        return np.repeat(line, 2), RATE
    if how == "polyphase":
        return np.asarray(signal.resample_poly(line, 2, 1)), RATE
    return line, RATE // 2


def twelve_clipped(sound: Audio, count: int = 12) -> Audio:
    """Amplified until ``count`` samples lie at full scale."""
    ceiling = np.partition(np.abs(sound), -count)[-count]
    return np.asarray(np.clip(sound / ceiling, -1, 1))


def hum(n: int, mains_hz: float, dbfs: float, harmonics: int, rng: np.random.Generator) -> Audio:
    """Mains hum whose harmonics fall by 9 dB each; ``dbfs`` of the whole."""
    at = np.arange(n) / RATE
    tones = [
        10 ** (-9 * k / 20) * np.sin(2 * np.pi * mains_hz * (k + 1) * at + rng.uniform(0, 6)) for k in range(harmonics)
    ]
    made = np.sum(tones, axis=0)
    return np.asarray(made * 10 ** ((dbfs - make_mixes.rms_db(made)) / 20))


def in_turns(first: Audio, second: Audio, rng: np.random.Generator) -> Audio:
    """Two talkers, one after the other, 2 to 3 s each."""
    gain, start = np.zeros(first.size), 0
    for who in itertools.cycle((0, 1)):
        if start >= first.size:
            break
        end = start + int(rng.uniform(2, 3) * RATE)
        gain[start:end] = who
        start = end
    gain = np.convolve(gain, np.ones(320) / 320, "same")
    return np.asarray(first * (1 - gain) + second * gain)
