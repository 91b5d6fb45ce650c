"""What doctors said of sessions by one click, heard or not (听得清, 听不清): the last word of each counts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DoctorsWords:
    """How many could hear the patient, and how many could not."""

    clear: int = 0
    unclear: int = 0

    @property
    def heard(self) -> bool | None:
        """Whether the patient could be heard; ``None`` where they differ, or nobody said anything."""
        if bool(self.clear) == bool(self.unclear):
            return None
        return self.clear > 0
