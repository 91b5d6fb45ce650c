"""Whose voice is heard in a session: asked every five seconds about the last five, and remembered.

The seconds before go along, so that voices are known by more than a word. The stretches are the same live and offline,
whatever the chunks, and an answer counts from the second after its stretch on.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from server.assessment.mos import end_second
from server.errors import ScoringError
from server.judge.together import SpokenTogether
from server.judge.voices import VoiceBook
from server.scoring.ports import Priority, Scoring
from server.scoring.talking import NOBODY_ASKED, Talk, TalkRequest
from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import ROW_RATE, SPEECH_THRESHOLD, Column, is_far_end, is_gap
from server.values.stored import count
from server.values.voices import HeardRows
from server.values.windows import Window

EVERY_S = 5
HEARD_S = 9
"""Seconds that are heard for each answer: one less than a window, so that the window after can still ask."""
ANEW_S = 15
"""Every third stretch knows its voices anew, even those that go on: nobody drifts into another."""
LIVE_WITHIN_S, FILE_WITHIN_S = 1.0, 120.0
"""A live window waits so long at most for what was asked a second before; then nobody is known of that stretch."""
_ROW = CORE_RATE // ROW_RATE


@dataclass(slots=True)
class _Asked:
    """``rows``: the new ones, as the book must know them; ``end``: the row after them. ``answer``: ``None`` where
    nobody speaks. ``taken``: the book knows the answer, or will never."""

    end: int
    rows: HeardRows
    answer: "asyncio.Task[Talk] | None" = None
    taken: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


class TalkedStretches:
    """Call ``expect`` for every window that becomes ready, ``settle`` for each that is judged, ``close`` at the end.

    ``book``: the voices so far. ``missed``: an answer that counts from the last window on was due, but missing.
    """

    def __init__(self, service: Scoring, priority: Priority) -> None:
        self.book = VoiceBook()
        self.missed = False
        self._together = SpokenTogether()
        self._service = service
        self._within_s = LIVE_WITHIN_S if priority is Priority.LIVE else FILE_WITHIN_S
        self._priority = priority
        self._next = 0  # row from which nothing was asked yet
        self._asked: list[_Asked] = []
        self._last: Window | None = None

    def expect(self, window: Window) -> None:
        """Ask about what is due. Never waits; a second call changes nothing."""
        if not self._service.has_talkers:
            return
        self._last = window
        end = end_second(window)
        if end is None:
            return
        # A window that was replaced may have been due.
        due = end // EVERY_S * EVERY_S * ROW_RATE
        if due > self._next:
            self._ask(window, due)

    def _ask(self, window: Window, end: int) -> None:
        first = round(window.start_s * ROW_RATE)
        start = max(first, end - HEARD_S * ROW_RATE)
        new = max(self._next, start)
        self._next = end
        if end - start < ROW_RATE or end <= new:
            return
        rows = window.rows[start - first : end - first]
        pcm = window.pcm[(start - first) * _ROW : (end - first) * _ROW]
        request = TalkRequest(pcm, end - new, rows[:, Column.SYLLABLE_DB].copy())
        if request.pcm.shape[0] != rows.shape[0] * _ROW:
            return
        fresh = rows[new - start :]
        heard = HeardRows(
            new,
            fresh[:, Column.LEVEL_DB].copy(),
            fresh[:, Column.SYLLABLE_DB].copy(),
            ~is_gap(fresh),
            is_far_end(fresh),
            np.zeros(end - new, np.bool_),
        )
        before = self._asked[-1] if self._asked else None
        asked = _Asked(end, heard)
        self._asked.append(asked)
        if not (fresh[:, Column.SPEECH] >= SPEECH_THRESHOLD).any() and not heard.far_end.any():
            return
        task = asyncio.create_task(self._talk(request, start, new, before))
        # Nobody may be left to hear of its failure.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        asked.answer = task

    async def _talk(self, request: TalkRequest, start: int, new: int, before: _Asked | None) -> Talk:
        """Ask with the voices that are known after the stretch before, however late its windows are judged."""
        if before is not None:
            await before.taken.wait()
        if (new + request.new) % (ANEW_S * ROW_RATE) != 0:
            request = replace(request, spoke=tuple(one.spoke(start, new) for one in self.book.tracks))
        return await self._service.talk(request, self._priority, self._within_s)

    @property
    def until_s(self) -> float | None:
        """Second up to which it is known who spoke; ``None`` where voices are not told apart."""
        if not self._service.has_talkers:
            return None
        return (self._asked[0].rows.start if self._asked else self._next) / ROW_RATE

    async def settle(self, window: Window) -> Float32Array:
        """Wait for answers that count from ``window`` on: those about stretches that end before it does.
        ``together`` of it, by the answers so far."""
        self.missed = False
        await self._wait(round(window.end_s * ROW_RATE))
        return self.together(window)

    def together(self, window: Window) -> Float32Array:
        """As ``ScoreRequest.together``, by the answers so far."""
        if not self._service.has_talkers:
            return NOBODY_ASKED
        return self._together.rows(round(window.start_s * ROW_RATE), window.rows.shape[0])

    async def _wait(self, before: int) -> None:
        while self._asked and self._asked[0].end < before:
            asked = self._asked[0]
            try:
                # Shielded: a window that is cancelled asks again.
                talk = await asyncio.shield(asked.answer) if asked.answer else _nobody(asked.end - asked.rows.start)
            except ScoringError:
                self.missed = True
            else:
                self._take(asked.rows, talk)
            self._asked.pop(0).taken.set()

    def _take(self, rows: HeardRows, talk: Talk) -> None:
        together = self.book.add(rows.with_nuclei(talk.nuclei), talk.talkers)
        self._together.add(rows.start, together, rows.present)

    async def conclude(self) -> None:
        """After the last window: what came after the last stretch, and what was not answered yet."""
        if self._last is not None and self._service.has_talkers:
            end = round(self._last.start_s * ROW_RATE) + self._last.pcm.shape[0] // _ROW
            if end > self._next:
                self._ask(self._last, end)
            await self._wait(end + 1)
            self._last = None

    def close(self) -> None:
        """Withdraw what was asked and release audio."""
        for asked in self._asked:
            if asked.answer is not None:
                asked.answer.cancel()
        self._asked.clear()
        self._last = None

    def snapshot(self) -> dict[str, Any]:
        """JSON-able. What was asked and not answered yet is asked again by the next window."""
        waiting = [asked.rows.start for asked in self._asked]
        return {
            "next": min([self._next, *waiting]),
            "book": self.book.snapshot(),
            "together": self._together.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        self._next = count(state["next"])
        self.book = VoiceBook.restore(state["book"])
        self._together = SpokenTogether.restore(state["together"])


def _nobody(rows: int) -> Talk:
    return Talk((), np.zeros(rows, np.float32), np.zeros(rows, np.bool_))
