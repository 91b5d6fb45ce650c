"""The 16 kHz stream of one session, advanced step by step, with everything that has memory."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from server.stream.events import (
    Detector,
    FeatureTracker,
    Level,
    OverlapModel,
    SpeechStarted,
    SpeechStopped,
    StreamEvent,
    WindowReady,
)
from server.stream.far_end import FarEnd
from server.stream.gaps import Gaps
from server.stream.hops import HopRows
from server.stream.input_measures import GAP_INDEX, InputMeasures, level_of
from server.stream.losses import CONTEXT_SAMPLES, ROW_SAMPLES, losses, repeated_rows
from server.stream.own_echo import CONTEXT_SAMPLES as ECHO_CONTEXT
from server.stream.own_echo import OwnEcho
from server.stream.ring import InputBuffer, Ring
from server.stream.silence import SETTLED_S, SILENT_PCM, are_silent
from server.stream.voice_gate import Transition, VoiceGate
from server.stream.windower import has_window_at_end, window_after
from server.values.audio import CORE_RATE, Float32Array
from server.values.measures import RecordingTotals
from server.values.rows import ROW_RATE
from server.values.stored import count
from server.values.windows import WINDOW_S, Window

LEVELS_PER_S = 5

LEVEL_SAMPLES = CORE_RATE // LEVELS_PER_S
"""At 16 kHz, from one level to the next."""


class Timeline:
    """VAD gate, rows, totals, trackers and the PCM ring of one stream.

    Call ``advance`` for all samples in order, ``end`` once. ``source`` must still hold the input-rate samples of the
    open hop (from ``hop * sample_rate`` on); it, ``gaps`` and ``far_end`` belong to the caller.

    The stream advances in steps of at most 1 s, which end at whole seconds. A step runs the VAD frames that end in it,
    each 200 ms a ``Level`` is due, and at whole seconds a hop: rows, noise floor, totals, trackers, and the window, if
    one ends.
    """

    def __init__(
        self,
        sample_rate: int,
        detector: Detector,
        trackers: Sequence[FeatureTracker],
        gaps: Gaps,
        far_end: FarEnd,
        overlap: OverlapModel | None = None,
    ) -> None:
        self._rate = sample_rate
        self._gaps = gaps
        self._far_end = far_end
        self._measures = InputMeasures(sample_rate)
        self._gate = VoiceGate(detector)
        self._overlap = overlap
        self._rows = HopRows()
        self._trackers = tuple(trackers)
        self._pcm = Ring(WINDOW_S * CORE_RATE)
        self._echo = OwnEcho()
        self._gate_at_hop = self._gate.snapshot()
        self._known_until = 0
        self._resume_at = 0
        self._repeated = 0
        self.hop = 0
        for tracker in self._trackers:
            tracker.reset()

    @property
    def position(self) -> int:
        """Samples at 16 kHz so far; during a replay, its current position."""
        return self._pcm.end

    @property
    def resume_hop(self) -> int:
        """The first hop that a restored stream computes; 0 in a new stream."""
        return self._resume_at // CORE_RATE

    @property
    def replaying(self) -> bool:
        """True from a restore until samples are computed again."""
        return self._pcm.end < self._resume_at

    def totals(self) -> RecordingTotals:
        """Sums over all complete hops so far, and, once finished, the shorter last one."""
        return self._rows.totals()

    def advance(self, pcm: Float32Array, source: InputBuffer, events: list[StreamEvent]) -> None:
        """Take samples at 16 kHz, float32 ``(n,)``, and append new events to ``events``."""
        while pcm.shape[0]:
            start = self._pcm.end
            n = min(pcm.shape[0], CORE_RATE - start % CORE_RATE)
            self._pcm.write(pcm[:n])
            pcm = pcm[n:]
            if self._pcm.end <= self._resume_at:
                self._refill(source)
                continue
            self._listen(start, source, events)
            if self._pcm.end % CORE_RATE == 0:
                self._end_hop(source, events)

    def _listen(self, start: int, source: InputBuffer, events: list[StreamEvent]) -> None:
        """Speech and levels from sample ``start`` at 16 kHz on, in their order."""
        speaking = self._gate.speaking
        known = deque(self._gate.advance(self._pcm, self._gaps, self._far_end))
        for due in range(start - start % LEVEL_SAMPLES + LEVEL_SAMPLES, self._pcm.end + 1, LEVEL_SAMPLES):
            while known and known[0][2] <= due:
                speaking = known[0][0]
                self._tell(known.popleft(), events)
            self._tell_level(due, source, events, speaking=speaking)
        for transition in known:
            self._tell(transition, events)

    def end(self, source: InputBuffer, events: list[StreamEvent]) -> None:
        """End the stream: compute the rows of the tail, and the only window of a recording of 0.5 to under 3 s."""
        if self.replaying:
            return
        length = self._pcm.end - self.hop * CORE_RATE
        if length:
            self._advance_hop(source.view(self.hop * self._rate, source.end), length)
        if has_window_at_end(source.end, self._rate) and not self._gaps.covers(0, source.end):
            events.append(WindowReady(self._window(0, source.end, partial=True)))
        stopped = self._gate.stop(self._pcm.end)
        if stopped is not None:
            events.append(SpeechStopped(stopped * self._rate // CORE_RATE))

    def skip(self, seconds: int) -> None:
        """Skip ``seconds`` of an idle gap that has filled every buffer with zeros."""
        self._pcm.forget(self._pcm.end + seconds * CORE_RATE)
        self._gate.skip_to(self._pcm.end)
        self._rows.advance_idle(seconds)
        self._echo.skip(seconds)
        for _ in range(min(seconds, WINDOW_S)):
            self._track(np.zeros(self._rate, np.float32))
        self.hop += seconds
        self._forget_marks()

    @property
    def silent(self) -> bool:
        """Whether the last ``WINDOW_S`` whole seconds and all after them were digital silence, and nobody speaks."""
        first, after = (self.hop - WINDOW_S) * ROW_RATE, self._pcm.read(self.hop * CORE_RATE, self._pcm.end)
        return first >= 0 and not self._gate.speaking and are_silent(self._rows.window(first), after)

    def repeat_silence(self, seconds: int, events: list[StreamEvent]) -> None:
        """Go on by ``seconds`` of digital silence while ``silent``: each is as the last one."""
        end = self._pcm.end + seconds * CORE_RATE
        while self._pcm.end < end:
            due = (self.hop + 1) * CORE_RATE
            self._pcm.write(SILENT_PCM[: min(due, end) - self._pcm.end])
            if self._repeated >= SETTLED_S:
                self._gate.skip_to(self._pcm.end)
            self._gate.advance(self._pcm, self._gaps, self._far_end)
            if self._pcm.end == due:
                self._gate.hop_speech(self.hop * CORE_RATE, ROW_RATE)
                self._rows.repeat()
                self._echo.skip(1)
                self._track(np.zeros(self._rate, np.float32))
                self.hop, self._repeated = self.hop + 1, self._repeated + 1
                self._forget_marks()
                self._gate_at_hop = self._gate.snapshot()
                whole = self._window(self.hop - WINDOW_S, self.hop * self._rate, partial=False)
                events.append(WindowReady(replace(whole, pcm=SILENT_PCM)))

    def _forget_marks(self) -> None:
        before = (self.hop - 1) * self._rate
        self._gaps.forget_before(before)
        self._far_end.forget_before(before)

    def _refill(self, source: InputBuffer) -> None:
        """Replay: at the end of a hop only the trackers' and the echo's rings are refilled."""
        if self._pcm.end % CORE_RATE == 0:
            self._hear_echo(self.hop * CORE_RATE, self._pcm.end)
            self._track(source.view(self.hop * self._rate, (self.hop + 1) * self._rate))
            self.hop += 1

    def _tell(self, transition: Transition, events: list[StreamEvent]) -> None:
        started, at, known_at = transition
        if known_at > self._known_until:
            sample = at * self._rate // CORE_RATE
            events.append(SpeechStarted(sample) if started else SpeechStopped(sample))

    def _tell_level(self, due: int, source: InputBuffer, events: list[StreamEvent], *, speaking: bool) -> None:
        if due <= self._known_until or self._gaps.idle(due - LEVEL_SAMPLES, due):
            return
        number = due // LEVEL_SAMPLES
        start, end = (n * self._rate // LEVELS_PER_S for n in (number - 1, number))
        rms, peak, clipping = level_of(source.view(start, end))
        patient = speaking and not self._far_end.touches(due - 1, due)
        events.append(Level(end, rms, peak, patient, clipping))

    def _end_hop(self, source: InputBuffer, events: list[StreamEvent]) -> None:
        end = (self.hop + 1) * self._rate
        self._advance_hop(source.view(self.hop * self._rate, end), CORE_RATE)
        self.hop += 1
        self._repeated = 0
        self._forget_marks()
        self._gate_at_hop = self._gate.snapshot()
        span = window_after(self.hop)
        if span is not None and not self._gaps.covers(span[0] * self._rate, end):
            events.append(WindowReady(self._window(span[0], end, partial=span[1])))

    def _advance_hop(self, samples: Float32Array, length: int) -> None:
        """Rows and trackers of the open hop: its input-rate ``samples``, and ``length`` samples at 16 kHz."""
        start = self.hop * CORE_RATE
        rows = length * ROW_RATE // CORE_RATE
        speech = self._gate.hop_speech(start, rows)
        if length == CORE_RATE and self._gaps.idle(start, start + length):
            self._rows.advance_idle(1)
        elif rows:
            measured = self._measures.measure(samples, rows, self._gaps.rows(self.hop, rows))
            far_end = self._far_end.rows(self.hop, rows)
            overlap = self._hear_overlap(start, start + length, rows)
            lost = self._find_losses(samples, start, speech, measured)
            self._rows.advance(self._pcm.read(start, start + length), speech, measured, overlap, far_end, lost)
        self._hear_echo(start, start + length)
        self._track(samples)

    def _hear_echo(self, start: int, end: int) -> None:
        context = min(start, ECHO_CONTEXT)
        self._echo.advance(self._pcm.read(start - context, end), context)

    def _hear_overlap(self, start: int, end: int, rows: int) -> Float32Array:
        if self._overlap is None:
            return np.full(rows, -1.0, np.float32)
        return self._overlap.hear(self._pcm.read(max(0, start - self._overlap.context_samples), end), rows)

    def _find_losses(
        self, samples: Float32Array, start: int, speech: Float32Array, measured: Float32Array
    ) -> Float32Array:
        """The column LOSS of the open hop; declared gaps are none."""
        rows = speech.shape[0]
        context = min(start, CONTEXT_SAMPLES)
        repeated = repeated_rows(self._pcm.read(start - context, start + rows * ROW_SAMPLES), context, speech)
        lost = losses(self._measures.cut_sound(samples, rows), repeated)
        lost[measured[:, GAP_INDEX] > 0] = 0.0
        return lost

    def _track(self, samples: Float32Array) -> None:
        for tracker in self._trackers:
            tracker.advance(samples, self._rate)

    def _window(self, first_hop: int, end: int, *, partial: bool) -> Window:
        # Hops that were advanced: a tail of a few samples may resample to nothing.
        hops = -(-self._pcm.end // CORE_RATE) - first_hop
        return Window(
            start_sample=first_hop * self._rate,
            end_sample=end,
            sample_rate=self._rate,
            partial=partial,
            rows=self._rows.window(first_hop * ROW_RATE),
            pcm=self._pcm.read(first_hop * CORE_RATE, self._pcm.end),
            carried_noise_db=self._rows.carried_noise_db,
            carried_peaks=self._rows.carried_peaks,
            echo=self._echo.window(hops),
            tracked={tracker.name: tracker.window(hops) for tracker in self._trackers},
        )

    def snapshot(self) -> tuple[dict[str, Any], Float32Array]:
        """(JSON-able memory at the end of the last whole hop, rows of its last 9 s)."""
        hop = max(self.hop, self.resume_hop)
        rows_state, rows = self._rows.snapshot()
        return {
            "hop": hop,
            "known_until": max(self._known_until, self._pcm.end),
            "gap_start": self._gaps.reaching(hop * self._rate),
            "gate": self._gate_at_hop,
            "rows": rows_state,
        }, rows

    def restore(self, state: dict[str, Any], rows: Float32Array) -> int:
        """Continue where ``snapshot`` was taken; the second at which the replay must begin.

        Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot.
        """
        hop, known, gap_start = count(state["hop"]), count(state["known_until"]), state["gap_start"]
        if hop < 0 or known < hop * CORE_RATE or int(state["rows"]["end"]) != hop * ROW_RATE:
            raise ValueError("its indices do not agree")
        self._resume_at = hop * CORE_RATE
        self._known_until = known
        self._gate.restore(state["gate"], self._resume_at)
        self._gate_at_hop = state["gate"]
        self._rows.restore(state["rows"], rows)
        if gap_start is not None:
            self._gaps.add(count(gap_start), hop * self._rate)
        self.hop = max(0, hop - WINDOW_S)
        self._pcm = Ring(WINDOW_S * CORE_RATE, start=self.hop * CORE_RATE)
        self._echo.start(self.hop)
        return self.hop
