"""What happens between the air and the line: loudspeakers, microphones in pockets, lost packets, processing."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import signal

from tools.material.visits.sound import band, convolved, energies, faded, gain, levelled, looped, low_pass, rms_db
from tools.material.visits.truth import RATE, Audio, Stretch

PACKET, QUANTUM = RATE // 50, 128
FADES = 3
"""Packets until a concealed loss has faded out."""


def loudspeaker(samples: Audio, response: Audio, db: float) -> Audio:
    """A far voice out of a small loudspeaker, through the room, at an active level of ``db`` dBFS."""
    driven = np.tanh(2.5 * samples / max(float(np.abs(samples).max()), 1e-6))
    return levelled(convolved(band(driven, 300, 7000), response), db)


def pocket(samples: Audio, at: Stretch, rubbing: Sequence[Audio], rng: np.random.Generator) -> Audio:
    """Cloth over the microphone: 900–1,400 Hz are left, 8–14 dB less, and it rubs."""
    covered = low_pass(samples, float(rng.uniform(900, 1400))) * gain(-float(rng.uniform(8, 14)))
    start, end = round(at.start_s * RATE), round(at.end_s * RATE)
    place = start
    while rubbing and place < end - RATE:
        sound = low_pass(rubbing[int(rng.integers(len(rubbing)))], 2500)
        sound = faded(sound[: end - place] * gain(float(rng.uniform(-44, -36)) - rms_db(sound)))
        covered[place : place + len(sound)] += sound
        place += len(sound) + round(float(rng.uniform(1.0, 4.0)) * RATE)
    inside = np.zeros(len(samples))
    inside[start:end] = 1.0
    inside = np.convolve(inside, np.ones(RATE // 5) / (RATE // 5), "same")
    return np.asarray(samples * (1 - inside) + covered * inside)


def walked_away(direct: Audio, room: Audio, away: Audio) -> Audio:
    """The direct sound falls by ``away`` (a gain), what the room gives back stays a third as loud in dB as it."""
    tail = room.copy()
    tail[0] = 0.0
    return np.asarray(direct * away + convolved(direct, tail) * away ** (1 / 3))


def lost_packets(samples: Audio, at: Stretch, share: float, burst: int, rng: np.random.Generator) -> Audio:
    """``share`` of the packets of 20 ms are zeros, ``burst`` of them at a time."""
    out = samples.copy()
    for packet in _lost(at, share, burst, rng):
        out[packet * PACKET : (packet + 1) * PACKET] = 0.0
    return out


def concealed_packets(samples: Audio, at: Stretch, share: float, burst: int, rng: np.random.Generator) -> Audio:
    """As ``lost_packets``, and what came before is repeated by its pitch and fades, as decoders do."""
    out = samples.copy()
    run, last = 0, -2
    for packet in _lost(at, share, burst, rng):
        run = run + 1 if packet == last + 1 else 1
        last, start = packet, packet * PACKET
        before = out[max(0, start - 2 * PACKET) : start]
        period = _pitch(before) if len(before) == 2 * PACKET else PACKET
        fade = np.linspace(max(0.0, 1 - (run - 1) / FADES), max(0.0, 1 - run / FADES), PACKET)
        out[start : start + PACKET] = looped_period(before[-period:], PACKET) * fade
    return out


def looped_period(period: Audio, n: int) -> Audio:
    return np.resize(period, n) if len(period) else np.zeros(n)


def lost_quanta(samples: Audio, at: Stretch, a_second: float, rng: np.random.Generator) -> Audio:
    """Audio quanta of 128 samples that a busy page never got."""
    out = samples.copy()
    start, end = round(at.start_s * RATE) // QUANTUM, round(at.end_s * RATE) // QUANTUM
    for quantum in np.flatnonzero(rng.random(end - start) < a_second * QUANTUM / RATE) + start:
        out[quantum * QUANTUM : (quantum + 1) * QUANTUM] = 0.0
    return out


def _lost(at: Stretch, share: float, burst: int, rng: np.random.Generator) -> list[int]:
    packet, end = round(at.start_s * 50), round(at.end_s * 50)
    lost: list[int] = []
    while packet < end:
        if rng.random() < share / burst:
            lost += range(packet, min(packet + burst, end))
            packet += burst
        packet += 1
    return lost


def _pitch(samples: Audio) -> int:
    """The lag, in samples, at which a voice of 80–320 Hz repeats."""
    likeness = signal.correlate(samples, samples, "full")[len(samples) - 1 :]
    low, high = RATE // 320, RATE // 80
    return low + int(np.argmax(likeness[low:high]))


def gated(samples: Audio, opens_db: float = -50.0) -> Audio:
    """Exact zeros where 20 ms lie under ``opens_db``, held open for 200 ms; edges of 3 ms, nothing above it removed."""
    loud = 10 * np.log10(energies(samples) + 1e-12) > opens_db
    held = np.convolve(loud, np.ones(11), "full")[: len(loud)] > 0
    held[:-1] |= held[1:]
    opened = np.repeat(held.astype(float), PACKET)
    opened = np.append(opened, np.full(len(samples) - len(opened), opened[-1]))
    edge = 3 * RATE // 1000
    smooth = np.convolve(opened, np.ones(edge) / edge, "same")
    return np.asarray(samples * np.where(opened + smooth > 0, smooth, 0.0))


def gain_controlled(samples: Audio, target_db: float = -22.0, most_db: float = 12.0) -> Audio:
    """Automatic gain: loud sound pulls it down within 50 ms, a soft voice lifts it over 2 s, pauses leave it."""
    levels = 10 * np.log10(energies(samples) + 1e-12)
    now, gains = 0.0, np.zeros(len(levels))
    for place, level in enumerate(levels):
        wanted = float(np.clip(target_db - level, -most_db, most_db))
        if level > -50:
            now += (wanted - now) * (0.4 if wanted < now else 0.01)
        gains[place] = now
    places = (np.arange(len(levels)) + 0.5) * PACKET
    return np.asarray(samples * 10 ** (np.interp(np.arange(len(samples)), places, gains) / 20))


def suppressed(samples: Audio, floor_db: float = -18.0) -> Audio:
    """Spectral suppression: a Wiener gain over a noise estimate from the quietest tenth of the last 2 s."""
    _, _, spectrum = signal.stft(samples, RATE, nperseg=512, noverlap=384)
    power = np.abs(spectrum) ** 2
    smooth = signal.lfilter([0.15], [1, -0.85], power, axis=1)
    lookback = 2 * RATE // 128
    noise = np.stack(
        [
            np.percentile(smooth[:, max(0, place - lookback) : place + 16 : 4], 10, axis=1)
            for place in range(0, smooth.shape[1], 16)
        ],
        axis=1,
    ).repeat(16, axis=1)[:, : smooth.shape[1]]
    gains = np.maximum(1 - 2.5 * noise / np.maximum(power, 1e-14), gain(floor_db))
    gains = signal.lfilter([0.5], [1, -0.5], gains, axis=1)
    _, out = signal.istft(spectrum * gains, RATE, nperseg=512, noverlap=384)
    return np.asarray(np.real(out)[: len(samples)])


PROCESSING: dict[str, Callable[[Audio], Audio]] = {
    "gate": gated,
    "gain": gain_controlled,
    "suppression": suppressed,
}


def chosen_start(samples: Audio, n: int, rng: np.random.Generator) -> Audio:
    """``n`` samples of a noise from where it begins as loud as it goes on, so that its onset is where it is said to be:
    the loudest first 3 s of eight places."""
    ring = looped(samples, max(len(samples), n) + 4 * RATE)
    places = rng.integers(0, max(1, len(samples)), 8)
    best = max(places, key=lambda place: rms_db(ring[place : place + 3 * RATE]))
    return looped(np.concatenate((samples[best:], samples[:best])), n)
