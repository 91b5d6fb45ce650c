"""What was said in one session, as it is handed over, and what its observers are told of it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from server.access.buckets import Bucket
from server.assessment.assessment import Assessment
from server.errors import TooManyChangesError
from server.judge.advice import is_missing
from server.judge.combine import content_score
from server.judge.labels import LabelSet
from server.live.clock import Clock
from server.transcript import Topics
from server.transcript.live import Line, LiveTranscript
from server.transcript.sources import Utterance, content_topics, what_was_said
from server.values.rounding import rounded, unit
from server.wire.transcript import SaidLabel, SaidMessage, Segment

BURST, PER_S = 50, 10.0
"""Messages of segments, from all who hand them over together: a recogniser corrects itself a few times a second."""

ENDLESS = float("inf")


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
        self._bucket = Bucket(BURST, PER_S, clock.now())
        self._turn = asyncio.Lock()

    async def hear(self, segments: Sequence[Segment]) -> None:
        """Take segments in their order, and tell observers what changed. Raises TooManyChangesError."""
        now = self._clock.now()
        if (wait_s := self._bucket.wait_s(now)) > 0:
            raise TooManyChangesError(
                "Segments come in too many messages; gather them.", param="segments", retry_after_s=round(wait_s, 1)
            )
        self._bucket.take(now)
        lines = [
            Line(one.id, Utterance(one.text, one.start_s, one.end_s, one.speaker)) for one in segments if one.final
        ]
        if not lines:
            return
        async with self._turn:
            # Grammar and homophones take milliseconds, and the first matcher a second or two.
            await asyncio.to_thread(self._take, lines)
            self._assessment().transcript = self._source
            await self.tell()

    def _take(self, lines: Sequence[Line]) -> None:
        self._source.take(lines, self._topics, content_topics(self._labels).values())

    async def tell(self) -> None:
        """What was said so far, to observers, if it is not what they know."""
        said = await asyncio.to_thread(self._message)
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
