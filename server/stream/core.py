"""One stream: PCM in, events out. No await, clock, log, thread or file."""

from collections.abc import Iterator, Sequence

import numpy as np

from server.errors import OddLengthError, SnapshotError, UnsupportedRateError
from server.stream.decode import PcmDecoder
from server.stream.events import Detector, FeatureTracker, OverlapModel, StreamEvent
from server.stream.far_end import FarEnd
from server.stream.gaps import Gaps
from server.stream.resample import Resampler
from server.stream.ring import InputBuffer
from server.stream.snapshot import CoreSnapshot, unpack
from server.stream.timeline import LEVEL_SAMPLES, Timeline
from server.values.audio import CORE_RATE, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, AudioFormat, Encoding, Float32Array
from server.values.measures import RecordingTotals
from server.values.rows import ROW_RATE
from server.values.windows import WINDOW_S

SKIP_AFTER_S = WINDOW_S + 1
"""A gap of this length has filled every buffer with zeros, so further whole seconds of it can be skipped."""

MENDED_MS = 200
"""A chunk with samples that are none is mended in pieces of this length: so much is lost with each."""


class StreamCore:
    """Everything with memory of one stream, advanced in sample time: results cannot depend on how bytes were cut.

    Call ``receive_pcm`` and ``receive_gap`` in the order of the audio, then ``finish`` once; each returns the events
    that became known, in order (see Timeline). ``take_pcm``, ``mend_pcm`` and ``take_gap`` give the same events piece
    by piece, to be iterated to the end before the next call. ``snapshot`` may be taken at any time before ``finish``.
    What happens at second ``s`` is known once the resampler has seen 16 ms beyond it (at 16 kHz: at once).

    **Gaps.** Lost samples are zeros whose rows have GAP = 1. A window that lies completely inside a gap is not emitted.
    While the last 10 s are a gap nothing is computed: the VAD does not run, rows are constant, there are no levels. So
    an hour of gap costs some milliseconds.

    **The far end.** ``far_end`` says from which sample on the doctor speaks: nothing there counts as the patient's.

    **Snapshots** describe the last whole hop. After ``restore`` the client sends again from ``next_sample``, 10 s
    before that hop's end; up to there samples only refill the rings, from there on they are computed again, and events
    that were already returned before the snapshot are not returned twice.
    """

    def __init__(
        self,
        audio: AudioFormat,
        detector: Detector,
        trackers: Sequence[FeatureTracker] = (),
        overlap: OverlapModel | None = None,
    ) -> None:
        """``detector`` and ``trackers`` are fresh and this stream's own; ``overlap`` may be shared.

        Raises UnsupportedRateError outside 8–96 kHz, UnsupportedEncodingError.
        """
        if not MIN_SAMPLE_RATE <= audio.sample_rate <= MAX_SAMPLE_RATE:
            raise UnsupportedRateError(
                f"A sample rate of {audio.sample_rate} Hz is not supported. Send {MIN_SAMPLE_RATE} to "
                f"{MAX_SAMPLE_RATE} Hz, as actually captured.",
                param="audio.sample_rate",
            )
        self.audio = audio
        self._rate = audio.sample_rate
        self._mended = self._rate * MENDED_MS // 1000
        self._decoder = PcmDecoder(audio)
        self._gaps = Gaps(self._rate)
        self._far_end = FarEnd(self._rate)
        self._timeline = Timeline(self._rate, detector, trackers, self._gaps, self._far_end, overlap)
        self._finished: list[StreamEvent] | None = None
        self._open(0)

    def _open(self, start_s: int) -> None:
        """Buffers of a stream whose next sample is at second ``start_s``."""
        start = start_s * self._rate
        self._resampler = Resampler(self._rate, start=start)
        self._input = InputBuffer(self._rate + self._resampler.longest_need + self._rate, start=start)

    @property
    def next_sample(self) -> int:
        """Index of the sample that the client must send next."""
        return self._input.end

    @property
    def samples_received(self) -> int:
        """Samples taken so far, cumulative, including gaps; after a restore, the position of the replay."""
        return self._input.end

    def samples_with(self, data_bytes: int) -> int:
        """``samples_received`` once so many more bytes are taken."""
        return self._input.end + self._decoder.samples_in(data_bytes)

    def samples_until(self, *, hop: bool) -> int:
        """How many samples more it takes until there is something new: a level, or, with ``hop``, a second's rows.

        Audio that is taken in such blocks costs least, and nothing is known later for it.
        """
        position, step = self._timeline.position, CORE_RATE if hop else LEVEL_SAMPLES
        due = position - position % step + step
        return max(1, self._resampler.needed(-(-due * self._rate // CORE_RATE)) - self._input.end)

    @property
    def replaying(self) -> bool:
        """True from a restore until samples are computed again."""
        return self._timeline.replaying

    @property
    def speech_s(self) -> float:
        """Seconds of speech in all whole hops so far; after ``finish``, in all audio."""
        return self.totals().speech_rows / ROW_RATE

    def totals(self) -> RecordingTotals:
        """Over all whole hops so far; after ``finish``, over all audio."""
        return self._timeline.totals()

    @property
    def half_open(self) -> bool:
        """True while bytes of an incomplete sample are kept."""
        return self._decoder.half_open

    def receive_pcm(self, data: bytes | bytearray | memoryview) -> list[StreamEvent]:
        """Take one chunk, cut anywhere.

        Raises NonFiniteSamplesError before any state changes: the stream goes on from ``next_sample``.
        """
        return [event for events in self.take_pcm(data) for event in events]

    def receive_gap(self, samples: int) -> list[StreamEvent]:
        """``samples`` (> 0) were lost; the bytes of a sample that the gap cut are dropped. Bounded work."""
        return [event for events in self.take_gap(samples) for event in events]

    def receive_silence(self, samples: int) -> list[StreamEvent]:
        """As ``receive_pcm`` of ``samples`` (> 0) exact zeros, without levels once it is cheaper.

        After ``WINDOW_S`` of digital silence a further second of it is a repetition: its rows are those of the last
        one, and models do not get it, nor after minutes the detector. Scores and measures are the same.
        """
        assert self._finished is None, "audio after finish"
        self._decoder.drop_half()
        events: list[StreamEvent] = []
        zeros = np.zeros(self._rate // 5, np.float32)
        while samples > 0:
            samples -= self._repeat(samples // self._rate, events)
            n = min(samples, zeros.shape[0])
            events += self._feed(zeros[:n])
            samples -= n
        return events

    def _repeat(self, seconds: int, events: list[StreamEvent]) -> int:
        """Repeat up to ``seconds`` of digital silence; the number of samples, 0 where sound or marks are."""
        if seconds < 1 or self.replaying or not self._timeline.silent:
            return 0
        open_from = self._timeline.hop * self._rate
        waiting = self._input.view(min(open_from, self._resampler.keep_from), self._input.end)
        if waiting.any() or self._gaps.reach_beyond(open_from) or self._far_end.reaches_beyond(open_from):
            return 0
        samples = seconds * self._rate
        self._input.shift(samples)
        self._resampler.shift(samples)
        self._far_end.reach(self._input.end)
        self._timeline.repeat_silence(seconds, events)
        return samples

    def far_end(self, speaking: bool) -> None:
        """The far end (the doctor) speaks, or no longer does, from the next sample on; see FarEnd.

        Its rows get FAR_END = 1, until 300 ms after it has stopped. In a replay, marks up to the snapshot are known.
        """
        assert self._finished is None, "a mark after finish"
        self._far_end.mark(speaking, self._input.end)

    def take_pcm(self, data: bytes | bytearray | memoryview) -> Iterator[list[StreamEvent]]:
        """As ``receive_pcm``; each step takes at most 1 s of audio and ends at most one hop. Raises at the call."""
        assert self._finished is None, "audio after finish"
        return self._pieces(self._decoder.decode(data))

    def mend_pcm(self, data: bytes | bytearray | memoryview) -> Iterator[list[StreamEvent]]:
        """Take a chunk that ``take_pcm`` refused: each piece that holds NaN or Infinity becomes a gap."""
        assert self._finished is None, "audio after finish"
        return self._mended_pieces(self._decoder.decode(data, refuse=False))

    def take_gap(self, samples: int) -> Iterator[list[StreamEvent]]:
        """As ``receive_gap``; each step takes at most 200 ms, or skips idle seconds at once."""
        assert self._finished is None, "a gap after finish"
        assert samples > 0, samples
        self._decoder.drop_half()
        return self._gap_pieces(samples)

    def _pieces(self, samples: Float32Array) -> Iterator[list[StreamEvent]]:
        while samples.shape[0]:
            n = min(self._rate, self.samples_until(hop=True))
            yield self._feed(samples[:n])
            samples = samples[n:]

    def _mended_pieces(self, samples: Float32Array) -> Iterator[list[StreamEvent]]:
        for start in range(0, samples.shape[0], self._mended):
            piece = samples[start : start + self._mended]
            if np.isfinite(piece).all():
                yield self._feed(piece)
            else:
                yield from self._gap_pieces(piece.shape[0])

    def _gap_pieces(self, samples: int) -> Iterator[list[StreamEvent]]:
        silence = np.zeros(self._mended, np.float32)
        computed_from = self._timeline.resume_hop * self._rate
        while samples > 0:
            samples -= self._skip(samples // self._rate)
            n = min(samples, self._mended)
            start, end = self._input.end, self._input.end + n
            if end > max(start, computed_from):
                self._gaps.add(max(start, computed_from), end)
            yield self._feed(silence[:n])
            samples -= n

    def _skip(self, seconds: int) -> int:
        """Skip up to ``seconds`` of an idle gap; returns the number of samples skipped, 0 if the gap is not idle."""
        lasted_from = (self._timeline.position // CORE_RATE - SKIP_AFTER_S) * self._rate
        if self.replaying or lasted_from < 0 or not self._gaps.covers(lasted_from, self._input.end):
            return 0
        samples = seconds * self._rate
        if samples:
            self._gaps.add(self._input.end, self._input.end + samples)
            self._input.shift(samples)
            self._resampler.shift(samples)
            self._timeline.skip(seconds)
        return samples

    def _feed(self, samples: Float32Array) -> list[StreamEvent]:
        """Take one piece."""
        events: list[StreamEvent] = []
        self._input.append(samples, min(self._timeline.hop * self._rate, self._resampler.keep_from))
        self._far_end.reach(self._input.end)
        if (pcm := self._resampled()) is not None:
            self._timeline.advance(pcm, self._input, events)
        return events

    def _resampled(self) -> Float32Array | None:
        """All that can be resampled now: heard at once, it costs less than segment by segment."""
        segments: list[Float32Array] = []
        while (pcm := self._resampler.pull(self._input)) is not None:
            segments.append(pcm)
        return np.concatenate(segments) if len(segments) > 1 else next(iter(segments), None)

    def finish(self) -> list[StreamEvent]:
        """The audio is over: flush, and the single window of a recording of 0.5 to under 3 s.

        Raises OddLengthError, once, if half a sample is left over; the stream is finished nevertheless, and a second
        call returns the events.
        """
        if self._finished is None:
            self._finished = []
            rest = self._resampler.flush(self._input)
            if rest is not None:
                self._timeline.advance(rest, self._input, self._finished)
            self._timeline.end(self._input, self._finished)
            if self._decoder.half_open:
                raise OddLengthError("The audio ends inside a sample. The last bytes were dropped.", param="audio")
        return self._finished

    def snapshot(self) -> bytes:
        """The state at the end of the last whole hop: versioned, under 64 KiB, without PCM, mel and resampler."""
        return bytes(self.frozen())

    def frozen(self) -> CoreSnapshot:
        """The same, packed only if somebody asks for its bytes."""
        assert self._finished is None, "snapshot after finish"
        state, rows = self._timeline.snapshot()
        far_end = self._far_end.snapshot(self._input.end)
        head = {"encoding": self.audio.encoding.value, "sample_rate": self._rate, "far_end": far_end}
        return CoreSnapshot({**head, **state}, rows)

    @classmethod
    def restore(
        cls,
        snapshot: bytes,
        detector: Detector,
        trackers: Sequence[FeatureTracker] = (),
        overlap: OverlapModel | None = None,
    ) -> "StreamCore":
        """Continue a stream with a fresh ``detector`` (of the same kind) and fresh ``trackers``.

        ``next_sample`` is then 10 s before the end of the last whole hop, or 0. Raises SnapshotError on another
        version, on garbage, and on a snapshot taken with another detector.
        """
        state, rows = unpack(snapshot)
        try:
            audio = AudioFormat(Encoding(state["encoding"]), int(state["sample_rate"]))
            core = cls(audio, detector, trackers, overlap)
            core._far_end.restore(state["far_end"])
            core._open(core._timeline.restore(state, rows))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, UnsupportedRateError) as error:
            raise SnapshotError(f"The snapshot cannot be used: {error}.") from error
        return core
