"""The matcher: takes one utterance and answers for each topic: stated, denied or not heard.

Pure and stateless: the same utterance always gives the same findings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from server.judge.said import SaidState
from server.transcript.answers import bare_answer, last_question, last_sentence
from server.transcript.context import ParsedUtterance
from server.transcript.rules import asks_of_else, held, said_alone
from server.transcript.scanner import Hit, Scanner
from server.transcript.slips import Slips
from server.transcript.tokens import Tokens, has_han, tokenise
from server.transcript.topics import GRAMMAR_LEXICONS, NOT_HEARD, SYMPTOMS, Mention, Topic, TopicFinding, Topics

WRITTEN = 0.95
RESERVED = 0.85
"""Compared, doubly negated, or an answer to a question: said, but not explicitly."""
HEARD = 0.75
"""Found only by homophones."""


class Matcher:
    """Built once from the topics of all files. ``match`` costs well under a millisecond for a long utterance."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics.topics
        self._scanner = Scanner(topics.lexicons)
        self._slips: Slips | None = None

    @property
    def topics(self) -> Mapping[str, Topic]:
        """By id: the topics that have rules."""
        return self._topics

    def match(
        self, text: str, before: str | None = None, *, topics: Iterable[str] | None = None
    ) -> dict[str, TopicFinding]:
        """What a patient's ``text`` says about each topic (default: all). ``before``: what the doctor said immediately
        before, as context, never as a statement. Unknown topics are left out."""
        asked_for = list(self._topics) if topics is None else [one for one in topics if one in self._topics]
        found = self.mentions(text, before, topics=asked_for)
        return {topic_id: self._finding(topic_id, found) for topic_id in asked_for}

    def mentions(
        self, text: str, before: str | None = None, *, topics: Iterable[str] | None = None
    ) -> dict[str, list[Mention]]:
        """Every place that mentions a topic with rules, in the order of the text."""
        asked_for = list(self._topics) if topics is None else [one for one in topics if one in self._topics]
        wanted = dict.fromkeys(one for asked in asked_for for one in (self._topics[asked].needs or (asked,)))
        reading = self._read(text, before)
        question = self._read(last_sentence(before)) if before else None
        subject = self._read(last_question(before)) if before else None
        doctor = self._scanner.scan(self._tokenised(before)) if before else {}
        found: dict[str, list[Mention]] = {}
        for topic_id in wanted:
            topic = self._topics[topic_id]
            asked = bool(topic.asked) and all(any(doctor.get(name) for name in group) for group in topic.asked)
            mentions = _mentions(topic, reading, asked=asked, question=question, subject=subject)
            if not mentions and question is not None and topic.negatable and question.is_question():
                mentions = _answered(topic, reading, question)
            found[topic_id] = mentions
        return found

    def _read(self, text: str, before: str | None = None) -> ParsedUtterance:
        tokens = self._tokenised(text)
        return ParsedUtterance(tokens, self._scanner.scan(tokens), before or "")

    def _tokenised(self, text: str) -> Tokens:
        if not has_han(text):
            return tokenise(text)
        self._slips = self._slips or Slips()
        return tokenise(self._slips.mended(text))

    def _finding(self, topic_id: str, mentions: Mapping[str, Sequence[Mention]]) -> TopicFinding:
        topic = self._topics[topic_id]
        if not topic.needs:
            return combined(mentions[topic_id])
        parts = [combined(mentions[need]) for need in topic.needs]
        if any(part.state is not SaidState.STATED for part in parts):
            return NOT_HEARD
        return TopicFinding(SaidState.STATED, min(part.strength for part in parts))


def combined(mentions: Sequence[Mention]) -> TopicFinding:
    """Stated if any place states it, else denied, else not heard; with the strength of the strongest place."""
    for state in (SaidState.STATED, SaidState.DENIED):
        strengths = [mention.strength for mention in mentions if mention.state is state]
        if strengths:
            return TopicFinding(state, max(strengths))
    return NOT_HEARD


def _mentions(
    topic: Topic,
    reading: ParsedUtterance,
    *,
    asked: bool,
    question: ParsedUtterance | None = None,
    subject: ParsedUtterance | None = None,
    as_question: bool = False,
) -> list[Mention]:
    found: dict[tuple[int, int], Mention] = {}
    for rule in topic.rules:
        if rule.after_question and not asked:
            continue
        if subject is not None and not reading.hits_of(SYMPTOMS) and asks_of_else(rule, subject):
            continue
        alone = rule.within == "question"
        for hit, others in said_alone(rule, reading, question) if alone else held(rule, reading):
            if not as_question and not topic.negatable and not all(_is_had(topic, reading, other) for other in others):
                continue
            mention = _judged(topic, reading, hit, others, as_question=as_question)
            if mention is None:
                continue
            if rule.after_question:
                mention = replace(mention, strength=min(mention.strength, RESERVED))
            place = (mention.start, mention.end)
            if place not in found or mention.strength > found[place].strength:
                found[place] = mention
    return _outermost(found.values())


def _outermost(mentions: Iterable[Mention]) -> list[Mention]:
    """In the order of the text, without hits inside other hits."""
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda one: (one.start, -one.end, -one.strength)):
        if not kept or mention.end > kept[-1].end:
            kept.append(mention)
    return kept


def _judged(
    topic: Topic, reading: ParsedUtterance, hit: Hit, others: list[Hit], *, as_question: bool
) -> Mention | None:
    """``as_question``: the doctor's words, read for what they ask. Topics share the judged hits."""
    exact = hit.exact and all(other.exact for other in others)
    grammatical = hit.lexicon in GRAMMAR_LEXICONS
    key = (hit.start, hit.end, exact, grammatical, topic.negatable, topic.whose, as_question)
    if key not in reading.judged:
        reading.judged[key] = _judgement(topic, reading, hit, exact=exact, as_question=as_question)
    return reading.judged[key]


def _judgement(topic: Topic, reading: ParsedUtterance, hit: Hit, *, exact: bool, as_question: bool) -> Mention | None:
    if not as_question and not _is_claim(topic, reading, hit):
        return None
    strength = WRITTEN if exact else HEARD
    denied = False
    if topic.negatable and not as_question:
        denied, reserved = reading.denied(hit)
        strength = min(strength, RESERVED) if reserved else strength
    wide = reading.widest(hit)
    return Mention(
        SaidState.DENIED if denied else SaidState.STATED,
        strength,
        wide.start,
        wide.end,
        "".join(reading.tokens.keys[wide.start : wide.end]),
    )


def _is_had(topic: Topic, reading: ParsedUtterance, other: Hit) -> bool:
    """Whether the symptom to which a time belongs is one that the patient has."""
    if other.lexicon not in GRAMMAR_LEXICONS:
        return True
    return reading.owner(other) == topic.whose and not reading.denied(other)[0]


def _is_claim(topic: Topic, reading: ParsedUtterance, hit: Hit) -> bool:
    """Whether the word is about the topic's person, and neither asked nor supposed."""
    if reading.is_asked(hit, yes_or_no=topic.negatable) or reading.is_supposed(hit):
        return False
    return topic.whose == "anyone" or reading.owner(hit) == topic.whose


def _answered(topic: Topic, reading: ParsedUtterance, question: ParsedUtterance) -> list[Mention]:
    """An answer is completed from the question before it: a bare yes or no, or 不疼 in reply to 肚子疼吗？"""
    asked = [one for one in _mentions(topic, question, asked=False, as_question=True) if question.asks_about(one)]
    if not asked:
        return []
    answer = bare_answer(reading.tokens)
    if answer is not None:
        return [replace(one, state=answer, strength=min(RESERVED, one.strength), start=0, end=0) for one in asked]
    anchors = reading.hits_of(
        frozenset[str]().union(*(rule.groups[0] for rule in topic.rules if not rule.after_question))
    )
    echoes = [_judged(topic, reading, hit, [], as_question=False) for hit in anchors]
    return [replace(one, strength=min(RESERVED, one.strength)) for one in echoes if one is not None]
