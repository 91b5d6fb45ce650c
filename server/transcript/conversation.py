"""What a whole transcript says about each topic, and when: add lines in order, ask for findings at any time."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from server.errors import SnapshotError
from server.judge.said import Said, SaidState
from server.transcript.matcher import Matcher, combined
from server.transcript.speakers import Speaker, speaker_named
from server.transcript.topics import Mention, Topic
from server.values.stored import amount

VERSION = 1


@dataclass(frozen=True, slots=True)
class _TimedMention:
    """``mention.key`` is a digest here: it distinguishes words without keeping them."""

    mention: Mention
    at_s: float | None


NOTHING = Said(SaidState.NOT_HEARD, 0.0)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was heard of each topic, without text. Changes no more: any thread may read it."""

    heard: Mapping[str, tuple[_TimedMention, ...]]

    def said(self, topics: Mapping[str, Topic]) -> dict[str, Said]:
        """What was said of each of ``topics``, by id."""
        return {topic_id: self._said(topic) for topic_id, topic in topics.items()}

    def _said(self, topic: Topic) -> Said:
        if not topic.needs:
            return _first(self.heard.get(topic.id, ()), topic.distinct)
        parts = [_first(self.heard.get(need, ()), 1) for need in topic.needs]
        if any(part.state is not SaidState.STATED for part in parts):
            return NOTHING
        times = [part.heard_at_s for part in parts if part.heard_at_s is not None]
        return Said(SaidState.STATED, min(part.strength for part in parts), max(times, default=None))

    def snapshot(self) -> dict[str, Any]:
        """JSON-able, versioned: findings, times, and digests that distinguish words."""
        heard = {
            topic_id: [[str(one.mention.state), one.mention.strength, one.mention.key, one.at_s] for one in found]
            for topic_id, found in self.heard.items()
        }
        return {"version": VERSION, "heard": heard}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """What ``snapshot`` was made of. Raises SnapshotError for another version or bad data."""
        if state.get("version") != VERSION:
            raise SnapshotError("a conversation's snapshot of another version")
        try:
            return cls(
                {
                    str(topic_id): tuple(_remembered(*each) for each in found)
                    for topic_id, found in state["heard"].items()
                }
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise SnapshotError(f"not a conversation's snapshot ({error})") from error


NO_FINDINGS = Findings({})


class Conversation:
    """Call ``add`` for each line in order, ``said`` and ``snapshot`` at any time. Of each topic it keeps a few
    mentions, however long it lasts, and of the text only the doctor's last line."""

    def __init__(
        self,
        matcher: Matcher,
        topics: Iterable[str],
        before: Findings = NO_FINDINGS,
        *,
        caregiver: Collection[str] = (),
    ) -> None:
        """``before``: what was heard already. ``caregiver``: those of ``topics`` about which others than the patient
        may speak."""
        self._matcher = matcher
        self._topics = {one: matcher.topics[one] for one in topics if one in matcher.topics}
        self._caregiver = {one: topic for one, topic in self._topics.items() if one in caregiver}
        self._heard = dict(before.heard)
        self._question: str | None = None

    def add(self, text: str, *, speaker: str | None = None, start_s: float | None = None) -> None:
        """Take the next line. A doctor's line is the question to the next one and states nothing itself."""
        who = speaker_named(speaker)
        if who is Speaker.DOCTOR:
            self._question = text
            return
        topics = self._topics if who is Speaker.PATIENT else self._caregiver
        found = self._matcher.mentions(text, self._question, topics=topics) if topics else {}
        if topics:
            self._question = None
        for topic_id, mentions in found.items():
            if mentions:
                new = [
                    _TimedMention(replace(mention, start=0, end=0, key=_digest(mention.key)), start_s)
                    for mention in mentions
                ]
                known = self._heard.get(topic_id, ())
                self._heard[topic_id] = _deciding([*known, *new], self._matcher.topics[topic_id].distinct)

    def fork(self) -> "Conversation":
        """Another one that has heard the same, to try lines that may still change."""
        other = Conversation(self._matcher, self._topics, self.findings(), caregiver=self._caregiver)
        other._question = self._question
        return other

    def findings(self) -> Findings:
        """Those so far; what is added later does not change them."""
        return Findings(dict(self._heard))

    def said(self) -> Mapping[str, Said]:
        """The findings so far by topic id, for every topic that has rules."""
        return self.findings().said(self._topics)

    def snapshot(self) -> dict[str, Any]:
        """``Findings.snapshot``. The doctor's last line is text and is left out: if the snapshot is taken between a
        question and its answer, add the question again after ``restore``.
        """
        return self.findings().snapshot()

    @classmethod
    def restore(cls, state: Mapping[str, Any], matcher: Matcher, topics: Iterable[str]) -> Self:
        """Continue where ``snapshot`` was taken. Raises SnapshotError for another version or bad data."""
        return cls(matcher, topics, Findings.restore(state))


def _digest(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def _remembered(state: str, strength: float, key: str, at_s: float | None) -> _TimedMention:
    mention = Mention(SaidState(state), amount(strength), 0, 0, str(key))
    return _TimedMention(mention, None if at_s is None else amount(at_s))


def _deciding(heard: Sequence[_TimedMention], distinct: int) -> tuple[_TimedMention, ...]:
    """Those on which ``_first`` depends, in their order: of each state the first ``distinct`` different words, and the
    strongest. Whatever follows, it says the same of these as of all."""
    kept: set[int] = set()
    for state in (SaidState.STATED, SaidState.DENIED):
        places = [place for place, one in enumerate(heard) if one.mention.state is state]
        words: dict[str, int] = {}
        for place in places:
            words.setdefault(heard[place].mention.key, place)
        kept.update(list(words.values())[:distinct])
        if places:
            kept.add(max(places, key=lambda place: heard[place].mention.strength))
    return tuple(heard[place] for place in sorted(kept))


def _first(heard: Sequence[_TimedMention], distinct: int) -> Said:
    """``distinct``: stated only with at least this many different words; one denial is enough."""
    finding = combined([one.mention for one in heard])
    if finding.state is SaidState.NOT_HEARD:
        return NOTHING
    deciding = [one for one in heard if one.mention.state is finding.state]
    if finding.state is SaidState.STATED and len({one.mention.key for one in deciding}) < distinct:
        denials = [one for one in heard if one.mention.state is SaidState.DENIED]
        return _first(denials, 1)
    seen: set[str] = set()
    for one in deciding:
        seen.add(one.mention.key)
        if len(seen) >= distinct or finding.state is SaidState.DENIED:
            return Said(finding.state, finding.strength, one.at_s)
    raise AssertionError("as many different words as were counted")
