"""Whether bytes can be what was declared: a container, or other samples, are told by their first two seconds."""

from enum import StrEnum
from typing import assert_never

import numpy as np
import numpy.typing as npt

from server.stream.g711 import alaw_table, mulaw_table
from server.values.audio import AudioFormat, Encoding

Floats = npt.NDArray[np.float64]

HEARD_S = 2.0
"""Sound that is looked at before samples are called wrong; silence proves nothing and is skipped."""

LEAST_S = 1.0
"""What is left of it without the samples that are zero."""

NOISELIKE = 0.9
"""Mean square of the change from sample to sample, against that of the samples (2 for white noise), from which they
look like noise."""

SMOOTHER = 0.3
"""Read rightly, the same bytes change this much less."""

SMOOTH = 0.7
"""What speech, read rightly, stays under."""

PAIRED = 0.15
"""Two interleaved channels change from one sample to the next but one this much less than to the next."""

TWICE = 1e-3
"""Both channels alike: the change within pairs, against that between them."""

MOVING = 0.25
"""Share of samples that differ from pair to pair: a square wave, too, changes between pairs only, but seldom."""

LOUDEST_FLOAT, FAINTEST_FLOAT = 2.0, 1e-7
FLOATS = 0.98
"""Share of 4-byte floats that are samples: within these limits, where 16-bit samples read as floats are anything."""

ALIKE = 0.2
"""Distance of two distributions of bytes, 0..2: chance alone makes 0.1 in two seconds at 8 kHz."""

UNIFORM = 32768 / np.sqrt(3)
UNIFORM_WITHIN = 0.02
"""Compressed data: every value equally often."""

HEAD_BYTES = 16
"""Enough of the sound to know a container by; whole samples of every encoding."""

LARGEST_BOX = 4_096
"""Bytes of the first box of an MP4 with its size, at least 8 (ISO/IEC 14496-12): what brands the file is of."""


class Guess(StrEnum):
    """What the bytes look like instead."""

    WEBM = "webm"
    OGG = "ogg"
    MP3 = "mp3"
    MP4 = "mp4"
    FLAC = "flac"
    WAV = "wav"
    COMPRESSED = "compressed"
    STEREO = "stereo"
    BIG_ENDIAN = "big_endian"
    PCM_F32LE = "pcm_f32le"
    PCM_S16LE = "pcm_s16le"
    MULAW = "mulaw"
    ALAW = "alaw"


_HEADS = (
    (0, b"\x1aE\xdf\xa3", Guess.WEBM),
    (0, b"OggS", Guess.OGG),
    *((0, b"ID3" + version, Guess.MP3) for version in (b"\2", b"\3", b"\4")),
    (4, b"ftyp", Guess.MP4),
    (0, b"fLaC", Guess.FLAC),
    (0, b"RIFF", Guess.WAV),
)


class DeclarationCheck:
    """Of one session, over all its sockets. Give it every chunk as received; it guesses once, or never.

    Silence before the sound, one byte over and over, is left out. How the sound is cut into chunks changes nothing.
    It keeps two seconds at most, and lets go of them once it has ``decided``.
    """

    def __init__(self, audio: AudioFormat, *, decided: bool = False) -> None:
        self._encoding = audio.encoding
        self._wanted = int(HEARD_S * audio.sample_rate) * audio.encoding.sample_bytes
        self._least = int(LEAST_S * audio.sample_rate)
        self.decided = decided
        self.begin_again()

    def begin_again(self) -> None:
        """A new socket replays more than was kept here: unless it has decided, the check looks at it from the start."""
        self._bytes = bytearray()
        self._silent = b""
        self._silence = 0

    def take(self, data: bytes | bytearray | memoryview) -> Guess | None:
        """The guess, if this chunk completes what it takes; ``None`` at all other times."""
        if self.decided or not len(data):
            return None
        self._bytes += data if self._bytes else self._without_silence(bytes(data))
        guess = container_behind_silence(bytes(self._bytes[: 3 * HEAD_BYTES]), self._silent)
        self.decided = guess is not None or len(self._bytes) >= self._wanted
        if self.decided:
            guess = guess or samples_guess(bytes(self._bytes[: self._wanted]), self._encoding, self._least)
            self._bytes = bytearray()
        return guess

    def _without_silence(self, data: bytes) -> bytes:
        """Without the silence before the sound: zeros, or the byte that a telephone's law has for it. Of that byte
        up to 31 stay, so that samples lie where they did, and a head has the zeros with which it begins."""
        self._silent = self._silent or data[:1]
        sound = data.lstrip(self._silent)
        self._silence += len(data) - len(sound)
        if not sound:
            return b""
        kept = self._silence if self._silence < HEAD_BYTES else HEAD_BYTES + self._silence % HEAD_BYTES
        return self._silent * kept + sound


def container(head: bytes) -> Guess | None:
    """The container whose first bytes these are."""
    found = next((guess for at, magic, guess in _HEADS if head[at : at + len(magic)] == magic), None)
    return None if found is Guess.MP4 and not 8 <= int.from_bytes(head[:4], "big") <= LARGEST_BOX else found


def container_behind_silence(head: bytes, silent: bytes) -> Guess | None:
    """The container that begins in the first bytes, or behind the bytes ``silent`` with which they begin.

    Where it begins is not known: an MP4 begins with zeros of its own. It is looked for at no other place.
    """
    behind = len(head) - len(head.lstrip(silent)) if silent else 0
    return next((guess for at in range(behind + 1) if (guess := container(head[at : at + HEAD_BYTES]))), None)


def samples_guess(data: bytes, declared: Encoding, least: int = 1) -> Guess | None:
    """What samples ``data`` holds if not those that were declared; ``None`` where they may be these.

    ``least``: samples other than zero that it takes.
    """
    match declared:
        case Encoding.PCM_S16LE:
            return _not_16_bits(data, least)
        case Encoding.PCM_F32LE:
            return _not_floats(data, least)
        case Encoding.MULAW | Encoding.ALAW:
            return None  # every byte is a sample; by the wrong law only faint parts sound wrong
        case _:
            assert_never(declared)


def roughness(samples: npt.NDArray[np.generic]) -> float:
    """Mean square of the change from sample to sample against the variance: 0 for slow sound, 2 for white noise."""
    wide = samples.astype(np.float64)
    variance = float(np.var(wide))
    return float(np.mean(np.square(np.diff(wide)))) / variance if variance > 0 else 0.0


def _not_16_bits(data: bytes, least: int) -> Guess | None:
    samples = np.frombuffer(data[: len(data) // 4 * 4], "<i2")
    if np.count_nonzero(samples) < least:
        return None
    if _is_stereo(samples.astype(np.float64)):
        return Guess.STEREO
    rough = roughness(samples)
    if rough >= NOISELIKE and _are_floats(data):
        return Guess.PCM_F32LE
    if rough >= NOISELIKE and roughness(np.frombuffer(data[: len(data) // 2 * 2], ">i2")) < SMOOTHER * rough:
        return Guess.BIG_ENDIAN
    if _is_uniform(samples.astype(np.float64), rough):
        return Guess.COMPRESSED
    return _law(np.frombuffer(data[: len(data) // 2 * 2], np.uint8), rough)


def _law(codes: npt.NDArray[np.uint8], rough: float) -> Guess | None:
    """Of a law every byte is a sample, so odd and even bytes are alike; of 16 bits one is the rest of the other."""
    even, odd = (np.bincount(half, minlength=256) / half.shape[0] for half in (codes[::2], codes[1::2]))
    if float(np.abs(even - odd).sum()) > ALIKE:
        return None
    smooth = {Guess.MULAW: roughness(mulaw_table()[codes]), Guess.ALAW: roughness(alaw_table()[codes])}
    best = min(smooth, key=lambda guess: smooth[guess])
    return best if smooth[best] < min(SMOOTH, rough) else None


def _is_stereo(samples: Floats) -> bool:
    near = float(np.mean(np.square(np.diff(samples))))
    if near <= 0.0:
        return False
    within = float(np.mean(np.square(samples[1::2] - samples[::2])))
    moving = float(np.mean(samples[2::2] != samples[1:-1:2]))
    if within < TWICE * near and moving >= MOVING:
        return True
    return float(np.mean(np.square(samples[2:] - samples[:-2]))) < PAIRED * near


def _are_floats(data: bytes) -> bool:
    with np.errstate(invalid="ignore"):
        floats = np.abs(np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(np.float64))
    sounding = floats[floats != 0.0]
    if not sounding.size:
        return False
    return float(np.mean((sounding > FAINTEST_FLOAT) & (sounding < LOUDEST_FLOAT))) >= FLOATS


def _is_uniform(samples: Floats, rough: float) -> bool:
    spread = float(np.std(samples))
    fourth = float(np.mean(np.square(np.square(samples - samples.mean())))) / max(spread, 1e-9) ** 4
    return abs(spread / UNIFORM - 1) < UNIFORM_WITHIN and abs(rough - 2) < 0.1 and abs(fourth - 1.8) < 0.05


def _not_floats(data: bytes, least: int) -> Guess | None:
    samples = np.frombuffer(data[: len(data) // 4 * 4], "<i2")
    if np.count_nonzero(samples) < least or _are_floats(data):
        return None
    return Guess.PCM_S16LE if roughness(samples) < SMOOTH else None
