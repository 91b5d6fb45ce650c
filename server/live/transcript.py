"""What was said in one session, as it is handed over, and what its observers are told of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from server.access.buckets import Bucket
from server.assessment.assessment import Assessment
from server.errors import TingqingError, TooManyChangesError
from server.judge.advice import is_missing
from server.judge.combine import content_score
from server.judge.labels import LabelSet
from server.live.clock import Clock
from server.scoring.until_done import to_thread_until_done
from server.transcript import Topics
from server.transcript.live import Line, LiveTranscript
from server.transcript.sources import Utterance, wanted_of, what_was_said
from server.values.rounding import rounded, unit
from server.wire.transcript import SaidLabel, SaidMessage, Segment

BURST, PER_S = 50, 10.0
"""Messages of segments, from all who hand them over together: a recogniser corrects itself a few times a second."""

CHARACTERS_BURST, CHARACTERS_PER_S = 20_000.0, 2_000.0
"""Characters that are read, those of the recent lines with each message again. Speech has 5 to 15 per second; reading
2,000 costs 0.04 s of one core, and holds the interpreter from other sessions."""

LINE = 20
"""Characters that a line counts at least, however short it is."""

ENDLESS = float("inf")

Save = Callable[[], Awaitable[None]]


class SessionTranscript:
    """``said``: what observers were told last; ``None`` until something was handed over."""

    def __init__(self, tell: Callable[[SaidMessage], None], clock: Clock, assessment: Callable[[], Assessment]) -> None:
        """``tell``: to observers. ``assessment``: that of the session, which may change; its content labels are judged
        by what is handed over."""
        self.said: SaidMessage | None = None
        self._tell = tell
        self._clock = clock
        self._assessment = assessment
        self._source = LiveTranscript(assessment().engine.dictionaries.matcher)
        self._messages = Bucket(BURST, PER_S, clock.now())
        self._characters = Bucket(CHARACTERS_BURST, CHARACTERS_PER_S, clock.now())
        self._turn, self._saving = asyncio.Lock(), asyncio.Lock()
        self._heard = self._saved = 0
        self._waiting: asyncio.Queue[list[Line]] = asyncio.Queue(BURST)

    async def hear(self, segments: Sequence[Segment], save: Save) -> None:
        """Take segments in their order, tell observers what changed, and return once ``save`` has kept them. Raises
        TooManyChangesError."""
        self._count_message()
        if lines := _final(segments):
            await self._hear(lines)
            await self._keep(save)

    def offer(self, segments: Sequence[Segment]) -> None:
        """The same from the patient's socket, whose audio must not wait: taken by ``run``. Raises TooManyChangesError,
        also if too much waits."""
        self._count_message()
        if lines := _final(segments):
            try:
                self._waiting.put_nowait(lines)
            except asyncio.QueueFull:
                raise _too_many("Segments come faster than they can be read.", 1.0) from None

    async def run(self, save: Save, refused: Callable[[TingqingError], None]) -> None:
        """Take what is offered, until cancelled; what is left then is taken by the next call. ``refused``: is told of
        TooManyChangesError."""
        while True:
            lines = await self._waiting.get()
            try:
                await self._hear(lines)
            except TooManyChangesError as error:
                refused(error)
            finally:
                self._waiting.task_done()
            await self._keep(save)

    async def all_heard(self) -> None:
        """Wait until ``run`` has taken everything that was offered."""
        await self._waiting.join()

    def _count_message(self) -> None:
        now = self._clock.now()
        if (wait_s := self._messages.wait_s(now)) > 0:
            raise _too_many("Segments come in too many messages; gather them.", wait_s)
        self._messages.take(now)

    async def _hear(self, lines: Sequence[Line]) -> None:
        async with self._turn:
            now = self._clock.now()
            amount = sum(max(LINE, len(line.utterance.text)) for line in lines) + self._source.recent_characters
            if (wait_s := self._characters.wait_s(now, amount)) > 0:
                raise _too_many("Segments have too much text for their time.", wait_s)
            self._characters.take(now, amount)
            try:
                # Grammar and homophones take milliseconds, and the first matcher a second or two. Cut off, the thread
                # still goes on: nobody else may take segments before it is done.
                wanted = wanted_of(self._labels, self._assessment().voices_of_lines())
                await to_thread_until_done(self._source.take, lines, self._topics, wanted)
            finally:
                self._heard += 1
                self._assessment().transcript = self._source
                self._tell_change()

    async def _keep(self, save: Save) -> None:
        """Of those who wait at once, one saves for all."""
        heard = self._heard
        async with self._saving:
            if self._saved < heard:
                self._saved = self._heard
                await save()

    def _tell_change(self) -> None:
        said = self._message()
        if said != self.said:
            self.said = said
            self._tell(said)

    def _message(self) -> SaidMessage:
        labels = self._labels
        said = what_was_said(self._source, self._topics, labels, ENDLESS)
        asked = [label for label in labels.shown() if label.id in said]
        return SaidMessage(
            labels={
                label.id: SaidLabel(
                    state=said[label.id].state.value,
                    strength=unit(said[label.id].strength) or 0.0,
                    heard_at_s=rounded(said[label.id].heard_at_s),
                )
                for label in asked
            },
            missing=[label.id for label in asked if is_missing(label, content_score(said[label.id]))],
        )

    @property
    def _labels(self) -> LabelSet:
        return self._assessment().labels_asked_for

    @property
    def _topics(self) -> Topics:
        return self._assessment().engine.dictionaries.topics

    def snapshot(self) -> dict[str, Any] | None:
        """JSON-able, without text; ``None`` if nothing was handed over."""
        return None if self.said is None else {"source": self._source.snapshot(), "said": self.said}

    def restore(self, state: Any) -> None:
        """Continue from a ``snapshot``, once the session has its assessment. Raises LookupError, TypeError or
        ValueError for anything else."""
        if state is not None:
            self._source.restore(state["source"])
            self.said = SaidMessage.model_validate(state["said"])
            self._assessment().transcript = self._source


def _final(segments: Sequence[Segment]) -> list[Line]:
    return [Line(one.id, Utterance(one.text, one.start_s, one.end_s, one.speaker)) for one in segments if one.final]


def _too_many(why: str, wait_s: float) -> TooManyChangesError:
    return TooManyChangesError(why, param="segments", retry_after_s=round(wait_s, 1))
