"""A transcript that is handed over while it is said: the last lines may still be corrected, of the others only findings
are kept."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.judge.said import Said
from server.transcript.conversation import NO_FINDINGS, Conversation, Findings
from server.transcript.matcher import Matcher
from server.transcript.sources import Utterance, Wanted, matcher_for
from server.transcript.speakers import is_doctor
from server.transcript.topics import Topics
from server.values.notices import Notice

RECENT = 2
"""Utterances whose text is in memory; older ones can no longer be corrected."""

MAX_IDS = 500
"""Segments whose id is remembered, as a digest, so that one that comes again is not heard twice."""

VERSION = 1


@dataclass(frozen=True, slots=True)
class Line:
    """``utterance`` under the name by which it can be replaced."""

    id: str
    utterance: Utterance


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one ``take`` leaves for readers. ``ids``: digests of the segments that it includes and that must not be
    heard again. ``characters``: of the recent lines."""

    findings: Findings = NO_FINDINGS
    ids: tuple[str, ...] = ()
    characters: int = 0


class LiveTranscript:
    """A ``TranscriptSource``. ``take`` runs on any thread, one at a time. Everything else answers from what the last
    one left, at once and on any thread, also meanwhile."""

    name = "transcript"

    def __init__(self, matcher_of: Callable[[frozenset[str]], Matcher] | None = None) -> None:
        """``matcher_of``: makes the matcher of some topics, or has it; by default each is built anew."""
        self._matcher_of = matcher_of
        self._conversation: Conversation | None = None
        self._wanted = Wanted()
        self._recent: dict[str, Line] = {}
        self._done: OrderedDict[str, None] = OrderedDict()
        self._now = _Heard()

    def take(self, lines: Sequence[Line], topics: Topics, wanted: Wanted) -> None:
        """Hear ``lines`` for the ``wanted`` topics: one with the id of a recent line takes its place, one with the id
        of an older line changes nothing."""
        conversation = self._of(topics, wanted)
        for line in lines:
            if _digest(line.id) in self._done:
                continue
            self._recent[line.id] = line
            if len(self._recent) > RECENT:
                oldest = min(self._recent.values(), key=_start)
                del self._recent[oldest.id]
                self._hear(conversation, oldest)
                self._done[_digest(oldest.id)] = None
                if len(self._done) > MAX_IDS:
                    self._done.popitem(last=False)
        self._now = self._heard(conversation.fork())

    def _heard(self, conversation: Conversation) -> _Heard:
        """With the recent lines as they are."""
        recent = sorted(self._recent.values(), key=_start)
        for line in recent:
            self._hear(conversation, line)
        findings = conversation.findings()
        # An unanswered question is text, which no snapshot holds: its id is left out, so that it is heard when it comes
        # again.
        answered = recent[:-1] if recent and is_doctor(self._wanted.speaker_of(recent[-1].utterance)) else recent
        ids = (*self._done, *(_digest(line.id) for line in answered))
        return _Heard(findings, ids, sum(len(line.utterance.text) for line in recent))

    def _hear(self, conversation: Conversation, line: Line) -> None:
        said = line.utterance
        conversation.add(said.text, speaker=self._wanted.speaker_of(said), start_s=said.start_s)

    @property
    def recent_characters(self) -> int:
        """Characters that the next ``take`` reads again."""
        return self._now.characters

    def said(self, topics: Topics, wanted: Wanted, end_s: float) -> Mapping[str, Said]:
        """See ``TranscriptSource``. A topic that was not wanted before is heard from the next ``take`` on."""
        return self._now.findings.said({one: topics.topics[one] for one in wanted.topics if one in topics.topics})

    def notices(self, end_s: float) -> Sequence[Notice]:
        """None: each segment has its time."""
        return ()

    def _of(self, topics: Topics, wanted: Wanted) -> Conversation:
        asked, before = wanted.topics, self._wanted
        self._wanted = wanted
        if self._conversation is None or (asked, wanted.caregiver) != (before.topics, before.caregiver):
            # Before the first ``take`` after a ``restore``, what is known now is all that was heard.
            heard = self._now.findings if self._conversation is None else self._conversation.findings()
            matcher = matcher_for(topics, asked) if self._matcher_of is None else self._matcher_of(asked)
            self._conversation = Conversation(matcher, asked, heard, caregiver=wanted.caregiver)
        return self._conversation

    def snapshot(self) -> dict[str, Any]:
        """JSON-able and without text: what the recent lines say counts as said, and they can no longer be corrected."""
        now = self._now
        return {"version": VERSION, "heard": now.findings.snapshot(), "ids": list(now.ids)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a ``snapshot``, before the first ``take``. Raises KeyError, TypeError, ValueError or
        SnapshotError for anything else."""
        if state["version"] != VERSION:
            raise ValueError("a transcript's snapshot of another version")
        ids = tuple(str(one) for one in state["ids"])[-MAX_IDS:]
        self._now = _Heard(Findings.restore(state["heard"]), ids)
        self._done = OrderedDict.fromkeys(ids)


def _digest(segment_id: str) -> str:
    return hashlib.blake2b(segment_id.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _start(line: Line) -> float:
    return line.utterance.start_s or 0.0
