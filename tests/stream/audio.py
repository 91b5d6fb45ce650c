"""Sound and comparisons for the tests of the stream."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from server.stream.core import StreamCore
from server.stream.events import StreamEvent, WindowReady
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.values.windows import Window
from tests.fakes import FakeDetector

RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)
TOLERANCE = 1e-6


def babble(seconds: float, rate: int, seed: int = 0) -> Float32Array:
    """Noise in syllables and pauses: tones and hiss under a slow envelope, float32, -1..1."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in rng.uniform(150, 3000, 5))
    syllables = np.maximum(0, np.sin(2 * np.pi * 3.1 * t)) * (np.sin(2 * np.pi * 0.23 * t + seed) > -0.3)
    return np.asarray(0.05 * tones * syllables + 0.002 * rng.standard_normal(t.shape), np.float32)


def s16(samples: Float32Array) -> bytes:
    return np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def f32(samples: Float32Array) -> bytes:
    return samples.astype("<f4").tobytes()


def core_at(rate: int, encoding: Encoding = Encoding.PCM_S16LE) -> StreamCore:
    return StreamCore(AudioFormat(encoding, rate), FakeDetector())


def cut(data: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    """``data`` in pieces of ``lengths``; the rest is one piece."""
    at = 0
    for length in lengths:
        yield data[at : at + length]
        at += length
    yield data[at:]


def run(core: StreamCore, data: bytes, lengths: Iterable[int] = ()) -> list[StreamEvent]:
    """All events of ``data``, cut so, and of the end."""
    return [event for chunk in cut(data, lengths) for event in core.receive_pcm(chunk)] + core.finish()


def windows(events: Iterable[StreamEvent]) -> list[Window]:
    return [event.window for event in events if isinstance(event, WindowReady)]


def assert_same(got: Sequence[StreamEvent], wanted: Sequence[StreamEvent]) -> None:
    """Equal events in the same order; arrays within 1e-6."""
    assert [type(event) for event in got] == [type(event) for event in wanted]
    for a, b in zip(got, wanted, strict=True):
        if not isinstance(a, WindowReady) or not isinstance(b, WindowReady):
            assert a == b
            continue
        one, other = a.window, b.window
        assert (one.start_sample, one.end_sample, one.partial) == (other.start_sample, other.end_sample, other.partial)
        np.testing.assert_allclose(one.rows, other.rows, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(one.pcm, other.pcm, rtol=0, atol=TOLERANCE)
        assert one.carried_noise_db == other.carried_noise_db
        assert np.array_equal(one.carried_peaks, other.carried_peaks)
