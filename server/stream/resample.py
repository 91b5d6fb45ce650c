"""Resamples from the input rate to 16 kHz in fixed segments, each with its own context."""

from math import gcd

import numpy as np
import soxr

from server.stream.ring import InputBuffer
from server.values.audio import CORE_RATE, Float32Array

QUALITY = "HQ"
"""soxr's 20-bit recipe: flat to 91 % of the lower Nyquist frequency. LQ would cut the speech band at 5.4 kHz."""

CONTEXT_MS = 16
"""Input on either side of a segment. soxr HQ's filter reaches 12 ms at 8 kHz and 8 ms from 11 kHz on: with this context
the segments equal one pass over the whole signal to 4e-7 (measured on white noise at nine rates, 8–96 kHz)."""

SEGMENT_MS = 80
"""The least length of a segment."""


class Resampler:
    """Streaming resampling whose output depends only on sample indices.

    The input goes through soxr segment by segment, with 16 ms of context on either side whose output is dropped.
    Compared with ``soxr.ResampleStream``:

    - a second is complete 16 ms of audio after its last sample; the stream's own blocks delay it by up to 115 ms at
      8 kHz, 40 ms at 44.1 kHz and 37 ms at 48 kHz;
    - a stream that starts again at any whole second gives bit for bit the same samples, so a resumed stream equals an
      unbroken one;
    - it costs 0.3–0.9 ms per second of audio at the usual rates, ``ResampleStream`` 0.2–0.3 ms.

    A segment must start where input and output samples coincide: multiples of ``sr / gcd(sr, 16000)``. At the usual
    rates that is at most 40 ms, and a segment 80 to 200 ms; a rate with no common factor has segments of 1 s.
    At 16 kHz samples pass unchanged and at once.
    """

    def __init__(self, sample_rate: int, *, start: int = 0) -> None:
        """``start``: input index of the first sample that will come, a whole second."""
        assert start % sample_rate == 0, start
        self._rate = sample_rate
        self._start = start
        self._next = start
        per_second = gcd(sample_rate, CORE_RATE)
        period = sample_rate // per_second
        wanted = SEGMENT_MS * sample_rate / 1000
        periods = next((n for n in range(1, per_second) if per_second % n == 0 and n * period >= wanted), per_second)
        self._segment = periods * period
        self._after = CONTEXT_MS * sample_rate // 1000
        self._before = -(-self._after // period) * period

    @property
    def longest_need(self) -> int:
        """Maximum number of input samples that must be kept before the newest one."""
        return self._before + self._segment + self._after

    @property
    def keep_from(self) -> int:
        """Input before this index is no longer needed."""
        return max(self._start, self._next - self._before)

    def needed(self, end: int) -> int:
        """End of the input that must be there for ``pull`` to give all samples before input index ``end``."""
        if self._rate == CORE_RATE:
            return end
        return self._next - (self._next - end) // self._segment * self._segment + self._after

    def pull(self, buffer: InputBuffer) -> Float32Array | None:
        """The next samples at 16 kHz, float32 ``(n,)``; ``None`` until there is more input."""
        if self._rate == CORE_RATE:
            return self._pass(buffer)
        end = self._next + self._segment
        if buffer.end < end + self._after:
            return None
        begin = self.keep_from
        wide = soxr.resample(buffer.view(begin, end + self._after), self._rate, CORE_RATE, quality=QUALITY)
        skip, n = self._to_core(self._next - begin), self._to_core(self._segment)
        self._next = end
        return np.asarray(wide[skip : skip + n], np.float32)

    def flush(self, buffer: InputBuffer) -> Float32Array | None:
        """The rest at the end of the stream, after ``pull`` returned ``None``; silence follows the last sample.

        A stream of ``n`` input samples gives ``n * 16000 // sample_rate`` samples in total.
        """
        if self._rate == CORE_RATE or buffer.end == self._next:
            return self._pass(buffer)
        begin = self.keep_from
        wide = soxr.resample(buffer.view(begin, buffer.end), self._rate, CORE_RATE, quality=QUALITY)
        skip = self._to_core(self._next - begin)
        out = np.zeros(self._to_core(buffer.end) - self._to_core(self._next), np.float32)
        wide = wide[skip : skip + out.shape[0]]
        out[: wide.shape[0]] = wide
        self._next = buffer.end
        return out

    def shift(self, samples: int) -> None:
        """Skip whole seconds of the stream; both the skipped and the kept input must be silence."""
        assert samples % self._rate == 0, samples
        self._next += samples
        self._start += samples

    def _to_core(self, samples: int) -> int:
        return samples * CORE_RATE // self._rate

    def _pass(self, buffer: InputBuffer) -> Float32Array | None:
        if buffer.end == self._next:
            return None
        out = buffer.view(self._next, buffer.end)
        self._next = buffer.end
        return out
