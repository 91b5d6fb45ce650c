"""The outcome of one file."""

from dataclasses import dataclass, field
from typing import Any

from server.assessment.result import Result


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A file that was judged."""

    result: Result


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be judged; ``code`` is for programs, ``message`` for people."""

    name: str
    code: str
    message: str

    def as_json(self) -> dict[str, Any]:
        """The error as JSON; ``source`` has the same form as in a result."""
        return {
            "source": {"kind": "file", "name": self.name},
            "error": {"code": self.code, "message": self.message},
        }


Outcome = JudgedFile | Unread


@dataclass(slots=True)
class OutcomeTally:
    """Counts that decide the exit code; the results themselves are not kept."""

    all_passed: bool = True
    unread: list[Unread] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Take one file into account, for the exit code and the last sentence."""
        if isinstance(outcome, Unread):
            self.unread.append(outcome)
        elif not outcome.result.overall.passed:
            self.all_passed = False
