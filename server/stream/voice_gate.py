"""The VAD gate: frames, levelling, the detector, and speech started and stopped with hysteresis."""

from typing import Any

import numpy as np

from server.stream.events import Detector
from server.stream.far_end import FarEnd
from server.stream.gaps import Gaps
from server.stream.levelling import Levelling
from server.stream.ring import Ring
from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import ROW_RATE
from server.values.stored import amount, count

ONSET_P = 0.5
"""A frame of at least this probability is speech (Silero's own default)."""

OFFSET_P = 0.35
"""While the gate is open a frame must fall below this to count as silence (Silero's own: 0.15 under the first)."""

MIN_SPEECH_S = 0.06
"""This much speech in a row opens the gate: two frames of either detector; a click does not."""

MIN_SILENCE_S = 0.6
"""This much silence in a row closes it: it stays open through the pauses between words."""

_ROW = CORE_RATE // ROW_RATE

Transition = tuple[bool, int, int]
"""(started, 16 kHz sample where speech began or ended, 16 kHz sample at which this was known)."""


class VoiceGate:
    """Runs the detector on the 16 kHz stream. Frames lie on multiples of the frame length.

    Call ``advance`` for every stretch of samples, in order, and ``hop_speech`` once at the end of each hop. A frame in
    an idle gap (see Gaps) is silence, and the detector does not get it. While the far end speaks, the detector listens
    on, but the gate, which is the patient's, hears silence.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._levelling = Levelling()
        self._frame = detector.frame_samples
        self._next = 0
        self._open = False
        self._run = 0
        self._before_hop = 0.0
        self._ends: list[int] = []
        self._probabilities: list[float] = []

    @property
    def speaking(self) -> bool:
        """Whether the gate is open: speech, or a pause too short to close it."""
        return self._open

    def advance(self, ring: Ring, gaps: Gaps, far_end: FarEnd) -> list[Transition]:
        """Take the complete frames up to ``ring.end``; return the speech starts and stops in them."""
        n = (ring.end - self._next) // self._frame
        if n <= 0:
            return []
        transitions: list[Transition] = []
        start, self._next = self._next, self._next + n * self._frame
        ends = range(start + self._frame, self._next + 1, self._frame)
        probabilities = self._hear(ring.read(start, self._next), ends, gaps)
        self._ends.extend(ends)
        self._probabilities.extend(probabilities)
        for end, p in zip(ends, probabilities, strict=True):
            transition = self._weigh(0.0 if far_end.touches(end - self._frame, end) else p, end)
            if transition is not None:
                transitions.append(transition)
        return transitions

    def _hear(self, pcm: Float32Array, ends: range, gaps: Gaps) -> list[float]:
        """What the detector says of each frame; 0 for those that it does not get."""
        frames = pcm.reshape(len(ends), self._frame)
        heard = [not gaps.idle(end - self._frame, end) for end in ends]
        if not all(heard):
            frames = frames[heard]
        told = iter(self._detector.push(self._levelling.apply(frames)).tolist() if frames.shape[0] else ())
        return [next(told) if one else 0.0 for one in heard]

    def _weigh(self, p: float, end: int) -> Transition | None:
        """Count frames that contradict the gate's state; switch it after enough in a row."""
        against = p < OFFSET_P if self._open else p >= ONSET_P
        self._run = self._run + self._frame if against else 0
        if self._run < (MIN_SILENCE_S if self._open else MIN_SPEECH_S) * CORE_RATE:
            return None
        began = end - self._run
        self._open = not self._open
        self._run = 0
        return self._open, began, end

    def stop(self, end: int) -> int | None:
        """End the stream at ``end``: where the current speech stops, or ``None``."""
        if not self._open:
            return None
        self._open = False
        return self._next - self._run if self._run else end

    def hop_speech(self, hop_start: int, rows: int) -> Float32Array:
        """Speech probabilities for the rows of the hop that just ended, float32 ``(rows,)``; forgets its frames.

        A row has the probability of the last frame that ended at or before the row's end; 0 before the first.
        """
        row_ends = hop_start + _ROW * np.arange(1, rows + 1)
        at = np.searchsorted(np.asarray(self._ends, np.int64), row_ends, side="right")
        speech = np.asarray([self._before_hop, *self._probabilities], np.float32)[at]
        if self._probabilities:
            self._before_hop = self._probabilities[-1]
        self._ends.clear()
        self._probabilities.clear()
        return speech

    def skip_to(self, position: int) -> None:
        """Continue at ``position`` of the 16 kHz stream; all frames that end before it were in an idle gap."""
        self._next = position - position % self._frame
        self._before_hop = 0.0
        self._ends.clear()
        self._probabilities.clear()

    def snapshot(self) -> dict[str, Any]:
        """The memory at the end of a hop, JSON-able."""
        assert not self._ends, "frames of a hop are forgotten at its end"
        return {
            "name": self._detector.name,
            "detector": self._detector.snapshot(),
            "levelling": self._levelling.snapshot(),
            "open": self._open,
            "run": self._run,
            "before_hop": self._before_hop,
        }

    def restore(self, state: dict[str, Any], position: int) -> None:
        """Continue at ``position``, the end of a hop. Raises KeyError, TypeError or ValueError for a bad state."""
        if state["name"] != self._detector.name:
            raise ValueError(f"taken with the detector {state['name']!r}, not {self._detector.name!r}")
        self._detector.restore(state["detector"])
        self._levelling.restore(state["levelling"])
        self._next = position - position % self._frame
        self._open = bool(state["open"])
        self._run = count(state["run"])
        self._before_hop = amount(state["before_hop"])
