"""Finds the hits of an utterance for which a rule holds."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from server.transcript.context import ParsedUtterance
from server.transcript.scanner import Hit
from server.transcript.topics import SYMPTOMS, TopicRule

_NEIGHBOURS = 4
"""On either side: more than can overlap an anchor."""


def held(rule: TopicRule, reading: ParsedUtterance) -> Iterable[tuple[Hit, list[Hit]]]:
    """Hits of the rule's first group, each with the nearest hit in reach of every other group."""
    anchors = reading.hits_of(rule.groups[0])
    if not anchors:
        return
    rest = [reading.hits_of(group) for group in rule.groups[1:]]
    if not all(rest):
        return
    for anchor in anchors:
        others: list[Hit] = []
        for hits in rest:
            near = [hit for hit in _nearest(hits, anchor) if _in_reach(rule, reading, anchor, hit)]
            if not near:
                break
            others.append(min(near, key=lambda hit: _distance(anchor, hit)))
        else:
            if not _barred(rule, reading, anchor, others):
                yield anchor, others


def _barred(rule: TopicRule, reading: ParsedUtterance, anchor: Hit, others: list[Hit]) -> bool:
    barred = reading.clauses_with(rule.unless) if rule.unless else None
    if barred:
        held = [reading.tokens.clause[hit.start] for hit in (anchor, *others)]
        if not barred.isdisjoint(range(min(held), max(held) + 1)):
            return True
    if not rule.rather:
        return False
    sentence = reading.tokens.sentence
    far = max((_distance(anchor, other) for other in others), default=0)
    return any(
        sentence[hit.start] == sentence[anchor.start] and _distance(anchor, hit) <= far
        for hit in _nearest(reading.hits_of(rule.rather), anchor)
    )


def _nearest(hits: Sequence[Hit], anchor: Hit) -> Sequence[Hit]:
    """A few hits on either side: if none of them is in reach, no other is. Keeps long utterances linear."""
    place = bisect_left(hits, anchor.start, key=lambda hit: hit.start)
    return hits[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]


def said_alone(
    rule: TopicRule, reading: ParsedUtterance, question: ParsedUtterance | None
) -> Iterable[tuple[Hit, list[Hit]]]:
    """First-group hits that make up the whole utterance, if the question has a hit of every other group."""
    if question is None or not all(question.hits_of(group) for group in rule.groups[1:]):
        return
    for hit in reading.hits_of(rule.groups[0]):
        if reading.is_alone(hit):
            yield hit, []


def _in_reach(rule: TopicRule, reading: ParsedUtterance, anchor: Hit, hit: Hit) -> bool:
    if anchor.start < hit.end and hit.start < anchor.end:
        return False
    if rule.distance is not None and _distance(anchor, hit) > rule.distance:
        return False
    tokens = reading.tokens
    if rule.within in ("sentence", "near"):
        return abs(tokens.sentence[anchor.start] - tokens.sentence[hit.start]) <= (rule.within == "near")
    apart = abs(tokens.clause[anchor.start] - tokens.clause[hit.start])
    return apart <= (1 if rule.within == "neighbour" else 0)


def _distance(left: Hit, right: Hit) -> int:
    return max(left.start - right.end, right.start - left.end, 0)


def asks_of_else(rule: TopicRule, question: ParsedUtterance) -> bool:
    """Whether the question names something that excludes the rule before it names any symptom."""
    bars, symptoms = question.hits_of(rule.unless | rule.rather), question.hits_of(SYMPTOMS)
    return bool(bars) and (not symptoms or bars[0].start < symptoms[0].start)
