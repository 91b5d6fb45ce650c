"""What an output of ``assess`` is."""

from abc import ABC, abstractmethod

from server.cli.outcomes import Told


class Output(ABC):
    """Call ``add`` for each file in their order, then ``finish`` once."""

    writes_to_terminal_meanwhile = False

    @abstractmethod
    def add(self, one: Told) -> None:
        """Take the next file's outcome; line formats write it at once."""

    def finish(self) -> None:  # noqa: B027 - lines are written already
        """Write what is pending; call once, at the end."""
