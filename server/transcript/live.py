"""A transcript that is handed over while it is said: the last lines may still be corrected, of the others only findings
are kept."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.judge.said import Said
from server.transcript.conversation import Conversation
from server.transcript.matcher import Matcher
from server.transcript.sources import Utterance, matcher_for
from server.transcript.topics import Topics
from server.values.notices import Notice

RECENT = 2
"""Utterances whose text is in memory; older ones can no longer be corrected."""

MAX_IDS = 10_000
"""Segments whose id is remembered, so that one that comes again is not heard twice."""

VERSION = 1


@dataclass(frozen=True, slots=True)
class Line:
    """``utterance`` under the name by which it can be replaced."""

    id: str
    utterance: Utterance


class LiveTranscript:
    """A ``TranscriptSource``. ``take`` and ``said`` may run on any thread, one at a time."""

    name = "transcript"

    def __init__(self, matcher_of: Callable[[frozenset[str]], Matcher] | None = None) -> None:
        """``matcher_of``: makes the matcher of some topics, or has it; by default each is built anew."""
        self._matcher_of = matcher_of
        self._conversation: Conversation | None = None
        self._wanted: frozenset[str] = frozenset()
        self._kept: dict[str, Any] | None = None
        self._recent: dict[str, Line] = {}
        self._done: OrderedDict[str, None] = OrderedDict()

    def take(self, lines: Sequence[Line], topics: Topics, wanted: Collection[str]) -> None:
        """Hear ``lines`` for the ``wanted`` topics: one with the id of a recent line takes its place, one with the id
        of an older line changes nothing."""
        conversation = self._of(topics, wanted)
        for line in lines:
            if line.id in self._done:
                continue
            self._recent[line.id] = line
            if len(self._recent) > RECENT:
                oldest = min(self._recent.values(), key=_start)
                del self._recent[oldest.id]
                _hear(conversation, oldest)
                self._done[oldest.id] = None
                if len(self._done) > MAX_IDS:
                    self._done.popitem(last=False)

    def said(self, topics: Topics, wanted: Collection[str], end_s: float) -> Mapping[str, Said]:
        """See ``TranscriptSource``. A topic that was not wanted before is heard from now on."""
        conversation = self._of(topics, wanted).fork()
        for line in sorted(self._recent.values(), key=_start):
            _hear(conversation, line)
        return conversation.said()

    def notices(self, end_s: float) -> Sequence[Notice]:
        """None: each segment has its time."""
        return ()

    def _of(self, topics: Topics, wanted: Collection[str]) -> Conversation:
        asked = frozenset(wanted)
        if self._conversation is None or asked != self._wanted:
            kept = self._kept if self._conversation is None else self._conversation.snapshot()
            matcher = matcher_for(topics, asked) if self._matcher_of is None else self._matcher_of(asked)
            fresh = Conversation(matcher, asked)
            self._conversation = fresh if kept is None else Conversation.restore(kept, matcher, asked)
            self._wanted, self._kept = asked, None
        return self._conversation

    def snapshot(self) -> dict[str, Any]:
        """JSON-able and without text: what the recent lines say counts as said, and they can no longer be corrected."""
        kept = self._kept
        if self._conversation is not None:
            conversation = self._conversation.fork()
            for line in sorted(self._recent.values(), key=_start):
                _hear(conversation, line)
            kept = conversation.snapshot()
        return {"version": VERSION, "heard": kept, "ids": [*self._done, *self._recent]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        if state["version"] != VERSION:
            raise ValueError("a transcript's snapshot of another version")
        self._kept = None if state["heard"] is None else dict(state["heard"])
        self._done = OrderedDict.fromkeys(str(one) for one in state["ids"])


def _start(line: Line) -> float:
    return line.utterance.start_s or 0.0


def _hear(conversation: Conversation, line: Line) -> None:
    said = line.utterance
    conversation.add(said.text, speaker=said.speaker, start_s=said.start_s)
