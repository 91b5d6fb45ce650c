"""Voice and noise of a session by a denoiser: each second is parted once, and kept for as long as a window is."""

import base64
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from server.errors import ScoringError
from server.scoring.denoising import COLUMNS, TENTHS, UNKNOWN_LEVELS, Denoised, DenoiseRequest, Float16Array
from server.scoring.ports import Priority, Scoring
from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import ROW_RATE, BoolArray, Column, is_gap, is_silent, is_speech
from server.values.stored import count, number
from server.values.windows import WINDOW_S, Window

LIVE_WITHIN_S = 1.0
"""A live window waits so long at most; what is missing then is left out, and the other measures judge it."""
FILE_WITHIN_S = 120.0

AGAIN_S = 8
"""After a failure a live session asks again in one second of eight, each in its own: all at once would be too much
again."""

VOICE_DBFS = -26.0
"""Level that the voice is brought to (ITU-T P.56's usual nominal level). At 6 dB more or less the ratio of voice and
noise moves by 3 dB in one recording of ten, at -56 dBFS by 12 dB."""
LEAST_GAIN_DB, MOST_GAIN_DB = -20.0, 40.0
REGAIN_DB = 6.0
"""The gain stays while the voice is this near to its level: with another gain, the room has to be learned anew."""
LEAST_SPEECH_ROWS = 50

LEARNING_S = 4
"""A denoiser learns a room's noise in so many seconds, and takes away some of the words in them: they are heard
twice."""

MOST_SILENT = 0.5
"""A second with more digital silence or lost audio teaches nothing: after it the room is learned anew."""

_turns = itertools.count()


_Ask = Callable[[int, Float16Array | None], Awaitable[Denoised]]


@dataclass(frozen=True, slots=True)
class _FirstHearing:
    """Seconds ``begin`` to ``end``, with this gain and no memory before them, of windows that start at ``start``."""

    start: int
    begin: int
    end: int
    gain_db: float
    memory: Float16Array | None = field(repr=False)

    def goes_on(self, start: int, begin: int, end: int, gain_db: float) -> bool:
        """Whether a hearing of ``begin`` to ``end`` would pass through this one: also at its first second, which hears
        what a window holds before it."""
        same = (self.begin, self.gain_db) == (begin, gain_db)
        return same and self.end <= end and (start == self.start or start < begin)


class DenoisedSeconds:
    """What a denoiser made of the last 10 s of one session or file. ``of`` for each window, in order, one at a time.

    ``inference_s``: how long the denoiser itself worked for the last ``of``, without the waiting for its turn.
    """

    def __init__(self, service: Scoring, priority: Priority, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._priority = priority
        self._clock = clock
        self._turn = next(_turns) % AGAIN_S
        self._failed = False
        self.inference_s = 0.0
        self._next = 0
        self._since = 0
        self._gain_db = 0.0
        self._memory: Float16Array | None = None
        self._first: _FirstHearing | None = None
        self._levels = np.zeros((0, COLUMNS), np.float32)

    async def of(self, window: Window) -> tuple[Float32Array, bool]:
        """Levels from the window's start to its last whole second, and whether some were due but missing.

        float32 ``(10 s, 3)`` as ``Denoised.levels``; empty without a denoiser. Never raises for one that fails.
        """
        self.inference_s = 0.0
        if not self._service.has_denoiser:
            return UNKNOWN_LEVELS, False
        start, end = int(window.start_s), int(window.end_s)
        if self._next < start:
            self._next, self._since, self._memory = start, start, None
        if self._next >= end:
            return self._shown(start, end), False
        if self._failed and self._priority is Priority.LIVE and end % AGAIN_S != self._turn:
            self._take(end, None, self._gain_db, self._next)
            return self._shown(start, end), True
        sounding = _sounding(window, end - start)
        since, gain_db = self._begin(sounding, start, end), self._gain_for(window)
        try:
            told = await self._parted(window, since, end, gain_db) if sounding[-1] else None
        except ScoringError:
            self._failed = True
            self._take(end, None, gain_db, end)
            return self._shown(start, end), True
        self._failed = False
        self._take(end, told, gain_db, since)
        return self._shown(start, end), False

    def _begin(self, sounding: BoolArray, start: int, end: int) -> int:
        """The second from which what is remembered has heard the stream: sound without a break up to ``end``."""
        silent = np.flatnonzero(~sounding)
        unbroken = start + (int(silent[-1]) + 1 if silent.size else 0)
        if self._memory is None:
            return max(unbroken, self._next - LEARNING_S)
        return max(unbroken, self._since)

    async def _parted(self, window: Window, since: int, end: int, gain_db: float) -> Denoised:
        """The seconds from ``since`` or ``_next`` on. Raises ScoringError."""
        until = self._clock() + (LIVE_WITHIN_S if self._priority is Priority.LIVE else FILE_WITHIN_S)

        async def ask(second: int, memory: Float16Array | None) -> Denoised:
            pcm = window.pcm[: (end - int(window.start_s)) * CORE_RATE]
            request = DenoiseRequest(second * CORE_RATE, end * CORE_RATE, pcm, gain_db, memory)
            told = await self._service.denoise(request, self._priority, max(0.0, until - self._clock()))
            self.inference_s += told.inference_s
            return told

        learned = self._next - since >= LEARNING_S
        if learned and self._memory is not None and gain_db == self._gain_db:
            return await ask(self._next, self._memory)
        if learned:
            told = await ask(self._next - LEARNING_S, None)
            return Denoised(told.levels[LEARNING_S * TENTHS :], told.memory)
        begin = max(since, int(window.start_s))
        self._first = await self._heard_first(ask, int(window.start_s), begin, end, gain_db)
        return await ask(begin, self._first.memory)

    async def _heard_first(self, ask: _Ask, start: int, begin: int, end: int, gain_db: float) -> _FirstHearing:
        """Goes on where the window before left it, where that gives the same: only the second hearing begins again."""
        known = self._first
        if known is None or not known.goes_on(start, begin, end, gain_db):
            return _FirstHearing(start, begin, end, gain_db, (await ask(begin, None)).memory)
        memory = known.memory if known.end == end else (await ask(known.end, known.memory)).memory
        return _FirstHearing(start, begin, end, gain_db, memory)

    def _take(self, end: int, told: Denoised | None, gain_db: float, since: int) -> None:
        """What is known up to ``end``; of seconds that were heard again, the newest."""
        new = np.full((0, COLUMNS), np.nan, np.float32) if told is None else told.levels
        missing = max(0, (end - self._next) * TENTHS - new.shape[0])
        kept = self._levels[: max(0, self._levels.shape[0] - max(0, new.shape[0] - (end - self._next) * TENTHS))]
        unknown = np.full((missing, COLUMNS), np.nan, np.float32)
        self._levels = np.concatenate((kept, unknown, new))[-WINDOW_S * TENTHS :]
        if told is None or end - since >= LEARNING_S:  # learned, or lost: the first hearing is needed no more
            self._first = None
        self._next, self._since, self._gain_db = end, since, gain_db
        self._memory = None if told is None else told.memory

    def _shown(self, start: int, end: int) -> Float32Array:
        """The levels of ``start`` to ``end``, NaN where they are no longer or not yet known."""
        wanted = (end - start) * TENTHS
        stop = max(0, self._levels.shape[0] - (self._next - end) * TENTHS)
        known = self._levels[max(0, stop - wanted) : stop]
        ahead = np.full((wanted - known.shape[0], COLUMNS), np.nan, np.float32)
        return np.concatenate((ahead, known))

    def _gain_for(self, window: Window) -> float:
        """Brings the window's voice near to the level that denoisers know; while nobody speaks, as before."""
        spoken = window.rows[is_speech(window.rows), Column.LEVEL_DB]
        if spoken.size < LEAST_SPEECH_ROWS:
            return self._gain_db
        voice_db = 10.0 * np.log10(np.mean(10.0 ** (spoken.astype(np.float64) / 10.0)))
        wanted = float(np.clip(VOICE_DBFS - voice_db, LEAST_GAIN_DB, MOST_GAIN_DB))
        return wanted if abs(wanted - self._gain_db) > REGAIN_DB else self._gain_db

    def snapshot(self) -> dict[str, Any]:
        """JSON-able, some 50 kB where a denoiser runs: what it remembers goes along, and no audio."""
        return {
            "next": self._next,
            "since": self._since,
            "gain_db": self._gain_db,
            "memory": None if self._memory is None else base64.b64encode(self._memory.tobytes()).decode("ascii"),
            "levels": [[None if np.isnan(one) else float(one) for one in row] for row in self._levels],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        self._next, self._since, self._gain_db = count(state["next"]), count(state["since"]), number(state["gain_db"])
        memory = state["memory"]
        self._memory = None if memory is None else np.frombuffer(base64.b64decode(memory), np.float16)
        rows = [[np.nan if one is None else number(one) for one in [*row, None][:COLUMNS]] for row in state["levels"]]
        self._levels = np.asarray(rows, np.float32).reshape(-1, COLUMNS)


def _sounding(window: Window, seconds: int) -> BoolArray:
    """Whether there is sound in each whole second of the window, bool ``(seconds,)``."""
    mute = (is_silent(window.rows) | is_gap(window.rows))[: seconds * ROW_RATE]
    padded = np.ones(seconds * ROW_RATE, np.bool_)
    padded[: mute.shape[0]] = mute
    return np.asarray(padded.reshape(seconds, ROW_RATE).mean(axis=1) <= MOST_SILENT)
