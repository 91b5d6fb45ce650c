"""What other processes have that share this machine's port with this one, as far as a newcomer's admission asks."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Elsewhere(Protocol):
    """Answers at once, by what the others told last."""

    def room(self) -> bool:
        """Whether another process would let a newcomer in."""
        ...

    def announced(self) -> int:
        """Sessions that were announced in others and have no socket yet."""
        ...

    def live(self, site: str) -> int:
        """Sessions of ``site`` that others have, with those that wait for their patient."""
        ...

    def tells(self, site: str) -> AbstractContextManager[None]:
        """While the block runs, others know of a session of ``site`` that is here."""
        ...


class Nowhere:
    """An ``Elsewhere`` where this process is alone."""

    def room(self) -> bool:
        """See Elsewhere."""
        return False

    def announced(self) -> int:
        """See Elsewhere."""
        return 0

    def live(self, site: str) -> int:
        """See Elsewhere."""
        return 0

    def tells(self, site: str) -> AbstractContextManager[None]:
        """See Elsewhere."""
        return nullcontext()
