"""How often a key may ask, and how often an address may be wrong. Sans-IO; times in seconds of a monotonic clock."""

import ipaddress
from collections import OrderedDict

from server.errors import TooManyRequestsError

WRONG_AT_ONCE = 20
WRONG_EVERY_S = 3.0
"""After ``WRONG_AT_ONCE`` wrong keys an address has one more try in this time."""

MAX_NAMES = 10_000
"""Of more names the one that was not heard of for longest is forgotten, and begins with a full bucket."""

MAX_GOOD = 1000


class Buckets:
    """A token bucket per name (ITU-T I.371, leaky bucket as a meter): ``burst`` at once, then ``per_s`` per second."""

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str, now: float) -> float:
        """Seconds until ``take`` may be called for ``name``; 0 for now."""
        return max(0.0, (1 - self._now_left(name, now)) / self._per_s)

    def take(self, name: str, now: float) -> None:
        """Take one, if one is left."""
        self._left[name] = (max(0.0, self._now_left(name, now) - 1), now)
        self._left.move_to_end(name)
        if len(self._left) > MAX_NAMES:
            self._left.popitem(last=False)

    def _now_left(self, name: str, now: float) -> float:
        left, since = self._left.get(name, (self._burst, now))
        return min(self._burst, left + (now - since) * self._per_s)


class Throttle:
    """Wrong keys are counted by address, requests by key. Tokens are not counted: a patient must not be shut out by
    whoever shares a hospital's address with them, and a signature cannot be guessed."""

    def __init__(self, requests_per_minute: int) -> None:
        self._requests = Buckets(requests_per_minute, requests_per_minute / 60)
        self._wrong = Buckets(WRONG_AT_ONCE, 1 / WRONG_EVERY_S)
        self._good: OrderedDict[str, None] = OrderedDict()

    def before(self, digest: str, address: str, now: float) -> None:
        """Before a key is looked up. One that was right a while ago may be, whatever others at its address do.

        Raises TooManyRequestsError.
        """
        wait_s = self._wrong.wait_s(network_of(address), now)
        if wait_s > 0 and digest not in self._good:
            raise TooManyRequestsError("Too many wrong keys from this address; wait a little.", retry_after_s=wait_s)

    def wrong(self, digest: str, address: str, now: float) -> bool:
        """The key was wrong. True if its address has to wait from now on."""
        self._good.pop(digest, None)
        network = network_of(address)
        had_to_wait = self._wrong.wait_s(network, now) > 0
        self._wrong.take(network, now)
        return not had_to_wait and self._wrong.wait_s(network, now) > 0

    def right(self, digest: str, key_id: str, now: float) -> None:
        """The key is valid. Raises TooManyRequestsError if it was used too often."""
        self._good[digest] = None
        self._good.move_to_end(digest)
        if len(self._good) > MAX_GOOD:
            self._good.popitem(last=False)
        wait_s = self._requests.wait_s(key_id, now)
        if wait_s > 0:
            raise TooManyRequestsError("This key is used too often; wait a little.", retry_after_s=wait_s)
        self._requests.take(key_id, now)


def network_of(address: str) -> str:
    """The address; of IPv6 the /64, all of which one household has (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
