"""The log-mel of a live stream: each frame is computed once; a window's edges equal those of the extractor."""

from math import gcd

import numpy as np
import numpy.typing as npt
import soxr

from server.model.clap.spectrogram import (
    CLAP_RATE,
    FRAME_LENGTH,
    FRAME_STEP,
    HALF,
    N_FRAMES,
    N_MELS,
    log_mel,
    mel_frames,
    repeat_to_window,
)
from server.values.audio import Float32Array
from server.values.windows import FIRST_PARTIAL_S, WINDOW_S

MEL = "clap_mel"
"""The key of ``Window.tracked``."""

HEAD = HALF + FRAME_STEP
TAIL = HALF + 2 * FRAME_STEP
"""Samples kept from a hop's start and end: those that frames beside a window's edge or joint can read."""

CONTEXT_MS = 16
"""As in ``stream/resample.py``: soxr HQ's filter reaches 12 ms at 8 kHz and less at higher rates."""

_QUALITY = "HQ"
_PER_HOP = CLAP_RATE // FRAME_STEP


class MelTracker:
    """``stream.events.FeatureTracker``: log-mel frames of the last 10 s of one stream.

    Call ``advance`` once per hop (1 s of input-rate samples; the stream's last call may have fewer), then ``window``. A
    hop costs 100 new frames and a window 4 more: those that read the reflected edges of its 480,000 samples. The result
    is bit for bit ``log_mel`` of the window's samples at 48 kHz. A window of under 10 s is repeated from its start;
    only its joints are computed anew.

    At rates other than 48 kHz each hop is resampled with 16 ms of context before it, and the last 16 ms of the previous
    hop are computed again once the samples after them are known, so nothing depends on where a replay began. Memory:
    0.4 MB, and at most 0.6 MB more in the first three seconds (see ``nbytes``).
    """

    name: str = MEL

    def __init__(self) -> None:
        self._frames = np.zeros((WINDOW_S * _PER_HOP, N_MELS), np.float32)
        self._heads = np.zeros((WINDOW_S, HEAD), np.float32)
        self._tails = np.zeros((WINDOW_S, TAIL), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget all audio, like a new tracker."""
        self._hops = 0
        self._history = np.zeros(0, np.float32)
        self._opening: list[Float32Array] = []

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        rings = self._frames.nbytes + self._heads.nbytes + self._tails.nbytes
        return rings + self._history.nbytes + sum(pcm.nbytes for pcm in self._opening)

    def advance(self, pcm: Float32Array, sample_rate: int) -> None:
        """One hop: float32 ``(sample_rate,)``, -1..1; fewer samples end the stream."""
        whole = pcm.shape[0] == sample_rate
        if not whole and self._hops >= FIRST_PARTIAL_S:
            return
        redone, hop = self._at_clap_rate(pcm, sample_rate)
        self._open(redone, hop)
        if whole:
            self._write(redone, hop)

    def window(self, hops: int) -> npt.NDArray[np.generic]:
        """Log-mel of the last ``hops`` hops (1..10), repeated to 10 s: float32 ``(1001, 64)``, dB, read-only.

        A stream of under 3 s has one window, whatever its length; its shorter last hop then counts in ``hops``.
        """
        if self._opening:
            mel = log_mel(repeat_to_window(np.concatenate(self._opening)))
        else:
            assert hops <= min(self._hops, WINDOW_S), (hops, self._hops)
            mel = self._assemble(hops)
        mel.flags.writeable = False
        return mel

    # -- 48 kHz

    def _at_clap_rate(self, pcm: Float32Array, rate: int) -> tuple[Float32Array, Float32Array]:
        """(samples that replace the end of the previous hop, samples of this hop), float32 at 48 kHz."""
        if rate == CLAP_RATE:
            return pcm[:0], pcm
        per_second = gcd(rate, CLAP_RATE)
        period = rate // per_second
        # Both cuts must fall where input and output samples coincide.
        context = min(-(-2 * CONTEXT_MS * rate // (1000 * period)) * period, rate)
        known = self._history
        joined = np.concatenate((known, pcm))
        self._history = joined[-context:].copy()
        out = np.asarray(soxr.resample(joined, rate, CLAP_RATE, quality=_QUALITY), np.float32)
        before = known.shape[0] // period * (CLAP_RATE // per_second)
        wanted = before + (CLAP_RATE if pcm.shape[0] == rate else round(pcm.shape[0] * CLAP_RATE / rate))
        out = np.pad(out[:wanted], (0, max(0, wanted - out.shape[0])))
        redone = CONTEXT_MS * CLAP_RATE // 1000 if before else 0
        return out[before - redone : before], out[before:]

    def _open(self, redone: Float32Array, hop: Float32Array) -> None:
        """Keep the samples of the first 3 s: a shorter recording's window consists of them."""
        if self._hops >= FIRST_PARTIAL_S - 1 and hop.shape[0] == CLAP_RATE:
            self._opening = []
            return
        if redone.shape[0]:
            self._opening[-1] = np.concatenate((self._opening[-1][: -redone.shape[0]], redone))
        self._opening.append(hop.copy())

    # -- frames

    def _write(self, redone: Float32Array, hop: Float32Array) -> None:
        """The frames that read only this hop and the previous one, and the samples at both ends."""
        slot, last = self._hops % WINDOW_S, (self._hops - 1) % WINDOW_S
        if redone.shape[0]:
            self._tails[last, -redone.shape[0] :] = redone
        if self._hops:
            # The frame centred 960 before the boundary reaches into the recomputed samples; at 48 kHz there are none.
            first = -2 if redone.shape[0] else -1
            joined = np.concatenate((self._tails[last], hop))
            start = TAIL + first * FRAME_STEP - HALF
        else:
            first, joined, start = 2, hop, 2 * FRAME_STEP - HALF
        count = _PER_HOP - 1 - first
        views = np.lib.stride_tricks.sliding_window_view(joined[start:], FRAME_LENGTH)[::FRAME_STEP][:count]
        rows = np.arange(first, first + count) + self._hops * _PER_HOP
        self._frames[rows % self._frames.shape[0]] = mel_frames(views)
        self._heads[slot] = hop[:HEAD]
        self._tails[slot] = hop[-TAIL:]
        self._hops += 1

    def _assemble(self, hops: int) -> Float32Array:
        first = self._hops - hops
        length = hops * _PER_HOP
        rows = np.arange(N_FRAMES) % length
        mel = self._frames[(rows + first * _PER_HOP) % self._frames.shape[0]]
        end = first + (WINDOW_S - 1) % hops
        head, tail = self._heads[first % WINDOW_S], self._tails[(self._hops - 1) % WINDOW_S, -HEAD:]
        last = self._tails[end % WINDOW_S, -HEAD:]
        edges = np.concatenate(
            (
                _frames_of(np.concatenate((head[HALF:0:-1], head)), 2),
                _frames_of(np.concatenate((tail, head)), 3),
                _frames_of(np.concatenate((last, last[-2 : -HALF - 2 : -1])), 2),
            )
        )
        made = mel_frames(edges)
        for joint in range(length, N_FRAMES - 2, length):
            mel[joint - 1 : joint + 2] = made[2:5]
        mel[:2], mel[-2:] = made[:2], made[5:]
        return mel


def _frames_of(pcm: Float32Array, count: int) -> Float32Array:
    """The first ``count`` frames of ``pcm``: float32 ``(count, 1024)``."""
    return np.lib.stride_tricks.sliding_window_view(pcm, FRAME_LENGTH)[::FRAME_STEP][:count]
