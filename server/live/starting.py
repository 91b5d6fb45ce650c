"""Places of sockets that have not begun a session yet: each may be silent for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.access.crowd import crowded
from server.access.principal import Principal, Role
from server.access.tally import OwnTally, Tally
from server.access.tokens import Claim
from server.live.handshake import capacity_error
from server.live.limits import LiveLimits

ALL = "all"
AT_ONE_LINK = 4
"""A page that was opened twice, and each of them once more after a broken line."""


class StartingSockets:
    """Twice as many as there may be sessions, and ``AT_ONE_LINK`` with the token of one session. One address has
    ``max_starting_per_address`` of them, at most half.

    A site may take no more places than it leaves free (dynamic thresholds, Choudhury and Hahne 1998): one site at most
    half of them, a second half of the rest, and so on, so that a few cannot shut out the next.
    """

    def __init__(self, limits: LiveLimits, tally: Tally | None = None) -> None:
        """``tally``: where they are counted; by default in this process alone."""
        self._limits = limits
        self._tally = tally or OwnTally()
        self._here = 0

    def __len__(self) -> int:
        """Those of this process."""
        return self._here

    @contextmanager
    def place(self, principal: Principal, claim: Claim | None, address: str = "") -> Iterator[None]:
        """For as long as the block runs. ``address``: of whom is counted by it. Raises CapacityError."""
        free = 2 * self._limits.max_sessions - self._tally.of(ALL)
        places = {}
        if principal.role is not Role.ANYONE:  # alone on this server
            places[f"site {principal.site}"] = free
        if claim is not None:
            places[f"session {claim.session_id}"] = AT_ONE_LINK
        if address:
            most = min(self._limits.max_starting_per_address, self._limits.max_sessions)
            if self._tally.of(f"address {address}") >= most:
                raise crowded()
            places[f"address {address}"] = most
        if free <= 0 or any(self._tally.of(name) >= most for name, most in places.items()):
            raise capacity_error(self._limits)
        self._here += 1
        for name in (ALL, *places):
            self._tally.add(name)
        try:
            yield
        finally:
            self._here -= 1
            for name in (ALL, *places):
                self._tally.remove(name)

    @contextmanager
    def begins(self, address: str) -> Iterator["Begun"]:
        """While the block runs, what its socket begins counts for ``address``; a session that is kept counts on."""
        begun = Begun(self._limits.max_sessions_per_address, self._tally, f"begun {address}" if address else "")
        try:
            yield begun
        finally:
            if not begun.kept:
                begun.release()


class Begun:
    """The session of one socket, among those of its address. It counts from ``check`` to its end, also while it waits
    for its patient, where it began: who comes back from another address is let in, and counts where they were."""

    def __init__(self, most: int | None, tally: Tally, name: str) -> None:
        """``name``: under which it counts; empty: under none."""
        self._most = most
        self._tally = tally
        self._name = name
        self._counted = self.kept = False

    def check(self, *, again: bool) -> None:
        """Count one more, unless it comes ``again`` to a session that was counted. Raises CapacityError."""
        if not again:
            if self._name and self._most is not None and self._tally.of(self._name) >= self._most:
                raise crowded()
            self._count()

    def keep(self) -> None:
        """The session is here until ``release``, whether it began here or came from another process."""
        self._count()
        self.kept = True

    def _count(self) -> None:
        if self._name and not self._counted:
            self._tally.add(self._name)
            self._counted = True

    def release(self) -> None:
        """It has ended, has left, or was not begun."""
        if self._counted:
            self._tally.remove(self._name)
            self._counted = False
