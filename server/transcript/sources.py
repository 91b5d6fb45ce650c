"""Sources of what was said: so far, a transcript read from a file; a speech recogniser can be another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.judge.labels import Label, LabelKind, LabelSet
from server.judge.said import Said
from server.transcript import Matcher, Topics
from server.transcript.conversation import Conversation
from server.transcript.speakers import Speaker
from server.values.notices import Notice, NoticeCode
from server.values.voices import Role, Voice, spoken


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line. Times in seconds of the recording. Kept in memory during the assessment: never stored, never logged."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """``topics``: those of the labels, by id; ``caregiver``: those of them about which others may speak for the
    patient. ``voices``: who was heard when, of whom a line is that names no speaker."""

    topics: frozenset[str] = frozenset()
    caregiver: frozenset[str] = frozenset()
    voices: Sequence[Voice] = ()

    def speaker_of(self, line: Utterance) -> str | None:
        """As the line says, else whose voice was heard most while it was said, if any was for half of the time."""
        if line.speaker is not None or line.start_s is None or line.end_s is None:
            return line.speaker
        heard = [(spoken(line.start_s, line.end_s, voice), voice.role) for voice in self.voices]
        seconds, role = max(heard, default=(0.0, Role.PATIENT))
        return SPEAKERS[role] if seconds >= MOSTLY * (line.end_s - line.start_s) else None


MOSTLY = 0.5
SPEAKERS = {Role.PATIENT: Speaker.PATIENT, Role.OTHER: Speaker.OTHER, Role.FAR_END: Speaker.DOCTOR}


def wanted_of(labels: LabelSet, voices: Sequence[Voice] = ()) -> Wanted:
    """What a transcript is searched for."""
    asked = content_labels(labels)
    caregiver = {
        label.transcript.topic for label in asked if label.transcript is not None and label.transcript.caregiver
    }
    return Wanted(frozenset(content_topics(labels).values()), frozenset(caregiver), voices)


class TranscriptSource(Protocol):
    """What was said in one recording or session, as far as it was heard.

    A source answers about topics and does not expose its text: a live source forgets its text and keeps a
    ``Conversation``, whose snapshot has none. A result lists ``name`` among its scorers and ``notices`` among its
    notices: messages for the person who supplied the transcript.
    """

    @property
    def name(self) -> str:
        """The source's name in a result."""
        ...

    def said(self, topics: Topics, wanted: Wanted, end_s: float) -> Mapping[str, Said]:
        """What was said before ``end_s``, by topic id, for those ``wanted`` topics that have rules. Can be called again
        with a later end."""
        ...

    def notices(self, end_s: float) -> Sequence[Notice]:
        """What a reader should know about the words up to ``end_s``."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenTranscript:
    """A source that is complete from the start: the lines of a file. Lines without times count as said at the start."""

    lines: tuple[Utterance, ...]
    name: str = "transcript"

    def heard_until(self, end_s: float) -> Sequence[Utterance]:
        """Lines, in order, that began before ``end_s``."""
        return [line for line in self.lines if line.start_s is None or line.start_s <= end_s]

    def said(self, topics: Topics, wanted: Wanted, end_s: float) -> Mapping[str, Said]:
        """See ``TranscriptSource``. Reads the lines anew each time."""
        conversation = Conversation(matcher_for(topics, wanted.topics), wanted.topics, caregiver=wanted.caregiver)
        for line in self.heard_until(end_s):
            conversation.add(line.text, speaker=wanted.speaker_of(line), start_s=line.start_s)
        return conversation.said()

    def notices(self, end_s: float) -> Sequence[Notice]:
        """A notice if lines begin after the end: they are left out."""
        late = len(self.lines) - len(self.heard_until(end_s))
        if not late:
            return ()
        zh = f"转写里有 {late} 行的时间在录音结束（{end_s:.1f} 秒）之后，没有采用；时间应以秒为单位，从录音开头算起"
        lines = "1 line of the transcript that begins" if late == 1 else f"{late} lines of the transcript that begin"
        en = f"left out: {lines} after the recording's end ({end_s:.1f} s); times are seconds from its beginning"
        return (Notice(zh, en, NoticeCode.LATE_TRANSCRIPT),)


def content_labels(labels: LabelSet) -> list[Label]:
    """Those of the set that a transcript can judge."""
    return [label for label in labels.labels if label.kind is LabelKind.CONTENT and label.transcript is not None]


def content_topics(labels: LabelSet) -> dict[str, str]:
    """Content labels of the set, with their topics."""
    return {label.id: label.transcript.topic for label in content_labels(labels) if label.transcript is not None}


def matcher_for(topics: Topics, wanted: Iterable[str]) -> Matcher:
    """A matcher of these topics only: the cost of building it grows with the number of terms."""
    return Matcher(topics.only(wanted))


def what_was_said(
    source: TranscriptSource, topics: Topics, labels: LabelSet, end_s: float, voices: Sequence[Voice] = ()
) -> dict[str, Said]:
    """By label id, for the labels whose topic has rules. ``voices``: who was heard when, for lines without speaker."""
    asked = content_topics(labels)
    said = source.said(topics, wanted_of(labels, voices), end_s)
    return {label_id: said[topic] for label_id, topic in asked.items() if topic in said}
