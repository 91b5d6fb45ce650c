"""What became of one file."""

from dataclasses import dataclass
from typing import Any

from server.judge.labels import LabelSet
from server.wire.result import Result


@dataclass(frozen=True, slots=True)
class Judged:
    """A result, with the labels it was asked for (``flat`` needs their titles and order)."""

    result: Result
    labels: LabelSet


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be judged; ``code`` is for programs, ``message`` for people."""

    name: str
    code: str
    message: str

    def as_json(self) -> dict[str, Any]:
        """``source`` has the form that it has in a result."""
        return {
            "source": {"kind": "file", "name": self.name},
            "error": {"code": self.code, "message": self.message},
        }


Outcome = Judged | Unread
