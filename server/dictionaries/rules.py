"""One ``[[rule]]`` of a label file, converted to the judgement's dataclasses."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from server.dictionaries.conditions import check_moment, parse_condition
from server.dictionaries.entries import FileModel, Identifier, TextEntry
from server.judge.rules import Moment, Rule

MAX_RULES = 50
"""Of one file."""

EventName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=64)]


class RuleEntry(FileModel):
    """One ``[[rule]]``: when its condition holds, the webhook ``rule.matched`` says so, once per recording."""

    id: Identifier
    """Final, unique in its file: results and integrations refer to it."""
    label: Identifier
    """The label that it looks at: one of this file, its own or an included one."""
    when: str
    """'score < 0.7' (or <=, >, >=), 'state == "stated"' (or "denied", "not_heard"), 'passed == false' (or true), joined
    by and. What is null is neither."""
    event: EventName
    """The name of what happens, such as triage.chest_pain. Other systems subscribe to it."""
    at: Moment = Moment.END
    """live: as soon as it holds, once per session. end: in the result."""
    title: TextEntry | None = None
    """For whoever is told."""

    @field_validator("when")
    @classmethod
    def readable(cls, when: str) -> str:
        """Raises ConditionError, a ValueError."""
        parse_condition(when)
        return when

    @model_validator(mode="after")
    def timely(self) -> Self:
        """Raises ConditionError, a ValueError."""
        check_moment(parse_condition(self.when), self.at)
        return self

    def value(self, dictionary: str) -> Rule:
        """As the judgement has it. ``dictionary``: the name of its file."""
        title = None if self.title is None else self.title.value()
        return Rule(dictionary, self.id, self.label, parse_condition(self.when), self.event, self.at, title)
