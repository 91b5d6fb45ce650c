"""How many connections one address has open. Sans-IO."""

import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto

from server.access.tally import OwnTally, Tally
from server.access.throttle import network_of
from server.errors import CapacityError
from server.loopback import is_loopback

MOST = 512
"""A ward of 64 patients behind one address: a browser has six connections for files, and one for the socket."""

ANSWERED = 16
"""Connections beyond the limit that one address may hold while it is told so; further ones are closed unheard."""

RETRY_AFTER_S = 10.0

Peer = tuple[str, int]
"""Address and port."""


class Standing(Enum):
    """What becomes of a new connection."""

    WELCOME = auto()
    REFUSED = auto()
    DROPPED = auto()


class Crowd:
    """Counts by address, IPv6 by /64. A connection counts until it is closed. A proxy's connections are those of many:
    its clients are counted instead, by their requests and sockets, while they run.

    This machine and the proxies themselves are exempt.
    """

    def __init__(self, most: int = MOST, trusted: Sequence[str] = (), tally: Tally | None = None) -> None:
        """``trusted``: addresses and networks of proxies, as ``server.access.origins.plain_network`` writes them.
        ``tally``: where it is counted; by default in this process alone."""
        self._most = most
        self._trusted = [ipaddress.ip_network(one) for one in trusted]
        self._tally = tally or OwnTally()
        self._open: dict[Peer, Standing] = {}

    @property
    def busy(self) -> int:
        """How many connections, requests and sockets are counted now."""
        return self._tally.here

    def counted(self, address: str) -> str:
        """The name under which ``address`` is counted; empty where it is exempt."""
        network = network_of(address)
        if not network or is_loopback(network) or network == _LOOPBACK_6:
            return ""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return network
        plain = getattr(found, "ipv4_mapped", None) or found
        return "" if any(plain in one for one in self._trusted) else network

    def connect(self, peer: Peer) -> Standing:
        """A new connection. Call ``disconnect`` once it is closed, whatever the answer is."""
        name = self.counted(peer[0])
        if not name:
            return Standing.WELCOME
        has = self._tally.of(name)
        if has >= self._most + ANSWERED:
            return Standing.DROPPED
        standing = Standing.WELCOME if has < self._most else Standing.REFUSED
        self._tally.add(name)
        self._open[peer] = standing
        return standing

    def disconnect(self, peer: Peer) -> None:
        """The connection is closed."""
        if self._open.pop(peer, None) is not None:
            self._tally.remove(self.counted(peer[0]))

    @contextmanager
    def inside(self, client: Peer) -> Iterator[None]:
        """A request or socket of ``client``, for as long as the block runs. Raises CapacityError."""
        standing = self._open.get(client)
        name = "" if standing is not None else self.counted(client[0])
        if standing is Standing.REFUSED or (name and self._tally.of(name) >= self._most):
            raise crowded()
        if name:
            self._tally.add(name)
        try:
            yield
        finally:
            if name:
                self._tally.remove(name)


_LOOPBACK_6 = network_of("::1")


def crowded() -> CapacityError:
    """For an address that has too much open. People may read it, so it is in both languages."""
    return CapacityError(
        "Too many connections from this address; close some, or try again later. "
        "来自此地址的连接过多，请关闭一些，或稍后再试。",
        retry_after_s=RETRY_AFTER_S,
    )
