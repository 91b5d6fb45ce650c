"""The format of a topic file (``labels/topics/*.toml``, docs/topics.md), converted to the matcher's dataclasses."""

import re
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from server.dictionaries.entries import FileModel, Identifier, TextEntry
from server.dictionaries.locate import file_error, line_of
from server.dictionaries.toml_text import parse_toml, read_text
from server.errors import LabelFileError
from server.transcript.topics import Lexicon, Topic, TopicRule, Topics

FOLDER = "topics"
MAX_EXPANSIONS = 5_000
"""Readings of one term: more is a mistake and would cost memory."""

Term = Annotated[str, Field(min_length=1, max_length=500)]
Group = Annotated[tuple[Term, ...], Field(min_length=1)]
_CHOICE = re.compile(r"\(([^()]*)\)")


class LexiconEntry(FileModel):
    """Ways to say one thing; ``ignore`` and the two ``not_`` lists name lookalikes that are not meant."""

    terms: tuple[Term, ...] = Field(min_length=1)
    ignore: tuple[Term, ...] = ()
    not_before: tuple[Term, ...] = ()
    not_after: tuple[Term, ...] = ()
    exact: bool = False

    @field_validator("terms", "ignore", "not_before", "not_after")
    @classmethod
    def readable(cls, terms: tuple[str, ...]) -> tuple[str, ...]:
        """Raises ValueError for a term that cannot be expanded."""
        for term in terms:
            expand(term)
        return terms

    def value(self) -> Lexicon:
        """As the matcher needs it: every term in all its readings."""
        return Lexicon(
            terms=expand_all(self.terms),
            ignore=expand_all(self.ignore),
            not_before=expand_all(self.not_before),
            not_after=expand_all(self.not_after),
            exact=self.exact,
        )


class RuleEntry(FileModel):
    """Words that state a topic if they are near enough to each other."""

    all: tuple[Group, ...] = Field(min_length=1)
    within: Literal["clause", "neighbour", "sentence", "near", "question"] = "clause"
    distance: int | None = Field(default=None, ge=0, le=50)
    after_question: bool = False
    unless: tuple[Term, ...] = ()
    rather: tuple[Term, ...] = ()

    @model_validator(mode="after")
    def readable(self) -> Self:
        """Raises ValueError for a term that cannot be expanded."""
        for term in (*self.unless, *self.rather, *(term for group in self.all for term in group)):
            expand(term)
        return self


class TopicEntry(FileModel):
    """What a transcript can tell, and by which rules, or by which other topics."""

    about: TextEntry
    rule: tuple[RuleEntry, ...] = ()
    needs: tuple[Identifier, ...] = ()
    asked: tuple[Group, ...] = ()
    negatable: bool = True
    whose: Literal["patient", "relative", "anyone"] = "patient"
    distinct: int = Field(default=1, ge=1, le=10)

    @model_validator(mode="after")
    def consistent(self) -> Self:
        """Raises ValueError where fields that are right alone do not fit each other."""
        if bool(self.rule) == bool(self.needs):
            raise ValueError("a topic needs either rules ([[topic.<id>.rule]]) or needs, not both")
        if any(rule.after_question for rule in self.rule) and not self.asked:
            raise ValueError("a rule with after_question needs the topic's asked: words of the doctor's question")
        return self


class TopicFile(FileModel):
    """A file of ``labels/topics``: lexicons, and topics made of them."""

    lexicon: dict[Identifier, LexiconEntry] = Field(default_factory=dict)
    topic: dict[Identifier, TopicEntry] = Field(default_factory=dict)


def expand(term: str) -> tuple[str, ...]:
    """Every reading of ``(a|b|)``. Raises ValueError for unbalanced brackets or too many readings."""
    pieces = _CHOICE.split(term)
    if any("(" in piece or ")" in piece for piece in pieces):
        raise ValueError(f"{term!r}: write choices as (a|b), not nested")
    choices = [piece.split("|") if index % 2 else [piece] for index, piece in enumerate(pieces)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_EXPANSIONS:
        raise ValueError(f"{term!r}: more than {MAX_EXPANSIONS} readings")
    readings = (" ".join("".join(parts).split()) for parts in product(*choices))
    return tuple(dict.fromkeys(reading for reading in readings if reading))


def expand_all(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Every reading of every term once, in their order."""
    return tuple(dict.fromkeys(reading for term in terms for reading in expand(term)))


def load_topics(folder: Path) -> Topics:
    """Read all topic files under ``folder/topics``. They are optional: without any, no content label can be heard.

    Raises LabelFileError with file and line for a fault in a file, an id in two files, or an unknown name.
    """
    paths = sorted((folder / FOLDER).glob("*.toml"))
    return compile_topics({path: parse_topics(read_text(path), str(path)) for path in paths})


def parse_topics(source: str, path: str) -> TopicFile:
    """Parse one topic file; error messages start with ``path``. Raises LabelFileError."""
    data = parse_toml(source, path)
    try:
        return TopicFile.model_validate(data)
    except ValidationError as error:
        raise file_error(error, source, path) from None


def compile_topics(files: dict[Path, TopicFile]) -> Topics:
    """Resolve the names of all files. Raises LabelFileError for a duplicate id or an unknown name."""
    topics: dict[str, Topic] = {}
    lexicons: dict[str, Lexicon] = {}
    for path, file in files.items():
        twice = sorted((lexicons.keys() & file.lexicon.keys()) | (topics.keys() & file.topic.keys()))
        if twice:
            raise LabelFileError(f"{twice[0]!r} is already defined in another file", path=str(path))
        lexicons |= {name: entry.value() for name, entry in file.lexicon.items()}
        for topic_id, entry in file.topic.items():
            topics[topic_id] = _topic(topic_id, entry, lexicons)
    for path, file in files.items():
        _check_names(path, file, topics, lexicons)
    return Topics(topics, lexicons)


def _topic(topic_id: str, entry: TopicEntry, lexicons: dict[str, Lexicon]) -> Topic:
    rules = tuple(
        TopicRule(
            groups=tuple(
                _names(f"{topic_id}.{index}.{place}", group, lexicons) for place, group in enumerate(rule.all)
            ),
            within=rule.within,
            distance=rule.distance,
            after_question=rule.after_question,
            unless=_names(f"{topic_id}.{index}.unless", rule.unless, lexicons),
            rather=_names(f"{topic_id}.{index}.rather", rule.rather, lexicons),
        )
        for index, rule in enumerate(entry.rule)
    )
    return Topic(
        id=topic_id,
        rules=rules,
        needs=entry.needs,
        asked=tuple(_names(f"{topic_id}.asked.{place}", group, lexicons) for place, group in enumerate(entry.asked)),
        negatable=entry.negatable,
        whose=entry.whose,
        distinct=entry.distinct,
    )


def _names(own: str, group: tuple[str, ...], lexicons: dict[str, Lexicon]) -> frozenset[str]:
    """The lexicons of a group; terms in the rule itself become a lexicon named ``own``."""
    names = {term[1:] for term in group if term.startswith("@")}
    terms = tuple(term for term in group if not term.startswith("@"))
    if terms:
        lexicons[own] = Lexicon(expand_all(terms))
        names.add(own)
    return frozenset(names)


def _check_names(path: Path, file: TopicFile, topics: dict[str, Topic], lexicons: dict[str, Lexicon]) -> None:
    for topic_id in file.topic:
        topic = topics[topic_id]
        missing = sorted(f"@{name}" for name in topic.lexicons() - lexicons.keys())
        missing += [need for need in topic.needs if need not in topics or topics[need].needs]
        if missing:
            message = f"topic {topic_id!r}: {missing[0]!r} is neither a lexicon nor a topic with rules"
            line = line_of(_source(path), ("topic", topic_id))
            raise LabelFileError(message, path=str(path), line=line)


def _source(path: Path) -> str:
    return read_text(path) if path.is_file() else ""
