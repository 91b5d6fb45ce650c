"""Places of sockets that have not begun a session yet: each may be silent for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.access.crowd import crowded
from server.access.principal import Principal, Role
from server.access.tally import OwnTally, Tally
from server.access.tokens import Claim
from server.live.handshake import capacity_error
from server.live.limits import LiveLimits
from server.wire.client import SessionStart

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

    def check_begun(self, address: str, start: SessionStart) -> None:
        """Whether ``address`` may begin one more session. Who comes back is always let in. Raises CapacityError."""
        most = self._limits.max_sessions_per_address
        if address and most is not None and start.resume is None and self._tally.of(f"begun {address}") >= most:
            raise crowded()

    @contextmanager
    def begun(self, address: str) -> Iterator[None]:
        """While the block runs, a patient of ``address`` has a session."""
        self._tally.add(f"begun {address}")
        try:
            yield
        finally:
            self._tally.remove(f"begun {address}")
