"""When to warn the patient. Sans-IO; each warning once per occasion and not again for a while."""

from typing import Any

from server.stream.events import Level
from server.values.audio import Capture
from server.values.stored import count
from server.wire.server import WarningCode

SILENT_DBFS = -119.9
"""Exact digital silence: a muted track or the wrong device. The quietest room is some 40 dB above."""
SILENT_AFTER_S = 3.0
CLIPPING_LEVELS = 3
"""This many levels (200 ms each) in a row, with few exceptions: one slammed door is no reason to warn."""
LAG_MS = 1000.0
AGAIN_AFTER_S = 10.0
LASTING: frozenset[WarningCode] = frozenset({"processing_enabled", "expiring", "silent_input", "not_what_was_declared"})
SHOWN_FOR_S = 10.0
"""How long a momentary warning stays in the snapshot for a new observer."""


class WarningWatch:
    """Tell it what happens; it returns the codes to send. ``now``: clock time; levels carry their own sample time."""

    def __init__(self, capture: Capture, sample_rate: int) -> None:
        self._processed = capture.processed
        self._rate = sample_rate
        self._silent_since: int | None = None
        self._silent = False
        self._clipping = 0
        self._last: dict[WarningCode, float] = {}

    def start(self, now: float) -> list[WarningCode]:
        """At the start of the session: a browser that processes the sound is reported at once."""
        return self._tell("processing_enabled", now) if self._processed else []

    def level(self, level: Level, now: float) -> list[WarningCode]:
        """After each level: lasting silence, and repeated clipping."""
        self._clipping = min(2 * CLIPPING_LEVELS, self._clipping + 1) if level.clipping else max(0, self._clipping - 1)
        if level.peak_dbfs > SILENT_DBFS:
            self._silent_since, self._silent = None, False
        elif self._silent_since is None:
            self._silent_since = level.end_sample
        elif not self._silent and level.end_sample - self._silent_since >= (SILENT_AFTER_S - 0.2) * self._rate:
            self._silent = True
            return self._tell("silent_input", now)
        if level.clipping and self._clipping >= CLIPPING_LEVELS:
            return self._tell("clipping", now)
        return []

    def gap(self, now: float) -> list[WarningCode]:
        """After samples that the client had to drop."""
        self._silent_since = None  # lost samples do not count as silence of the microphone
        return self._tell("audio_gap", now)

    def scored(self, lag_ms: float, now: float) -> list[WarningCode]:
        """After each update, with its delay from when the window's last sample was due."""
        return self._tell("scoring_lag", now) if lag_ms > LAG_MS else []

    def replaced(self, now: float) -> list[WarningCode]:
        """After a window that was replaced by a newer one."""
        return self._tell("scoring_lag", now)

    def expiring(self, now: float) -> list[WarningCode]:
        """Shortly before the maximum duration of a session; reported once."""
        return [] if "expiring" in self._last else self._tell("expiring", now)

    def misdeclared(self, now: float) -> list[WarningCode]:
        """After bytes that cannot be what was declared; reported once."""
        return [] if self.wrong_samples else self._tell("not_what_was_declared", now)

    @property
    def wrong_samples(self) -> bool:
        """Whether the bytes are not what was declared: what is judged is not what the patient said."""
        return "not_what_was_declared" in self._last

    def active(self, now: float) -> list[WarningCode]:
        """The warnings for a new observer."""
        shown = [code for code, at in self._last.items() if code in LASTING or now - at <= SHOWN_FOR_S]
        return [code for code in shown if code != "silent_input" or self._silent]

    def snapshot(self, now: float) -> dict[str, Any]:
        """JSON-able; for ``restore`` with another clock."""
        return {
            "silent_since": self._silent_since,
            "silent": self._silent,
            "clipping": self._clipping,
            "told_s": {code: now - at for code, at in self._last.items()},
        }

    def restore(self, state: dict[str, Any], now: float) -> None:
        """Raises KeyError, TypeError or ValueError for anything but a ``snapshot``."""
        since = state["silent_since"]
        self._silent_since = None if since is None else count(since)
        self._silent, self._clipping = bool(state["silent"]), count(state["clipping"])
        self._last = {code: now - float(told_s) for code, told_s in state["told_s"].items()}

    def _tell(self, code: WarningCode, now: float) -> list[WarningCode]:
        last = self._last.get(code)
        if last is not None and now - last < AGAIN_AFTER_S:
            return []
        self._last[code] = now
        return [code]
