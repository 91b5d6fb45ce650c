"""How often a key may ask, and how often an address may be wrong. Sans-IO; times in seconds of a monotonic clock."""

import ipaddress
from collections import OrderedDict
from typing import Protocol

from server.access.buckets import MAX_NAMES, Buckets
from server.errors import TooManyRequestsError

WRONG_AT_ONCE = 20
WRONG_EVERY_S = 3.0
"""After ``WRONG_AT_ONCE`` wrong keys an address has one more try in this time."""

TOKENS_PER_MINUTE = 60
"""Sockets of one kind for one session: each is written into the audit, which nobody can shorten."""


MESSAGES_AT_ONCE, MESSAGES_PER_S = 50, 10.0
"""Requests with what was said in one session, as many as a session takes (``server.live.transcript``)."""

MESSAGES = "messages"
"""In place of the scope of a token: requests that come many times with one token."""

LOOKS = "looks"
"""The same: what a page asks of its token before it opens anything with it."""


class Throttle:
    """Wrong keys are counted by address, requests by key, sockets by the session of their token. Sockets are not
    counted by address: a patient must not be shut out by whoever shares a hospital's address with them."""

    def __init__(self, requests_per_minute: int) -> None:
        self._requests = Buckets(requests_per_minute, requests_per_minute / 60)
        self._tokens = Buckets(TOKENS_PER_MINUTE, TOKENS_PER_MINUTE / 60)
        self._messages = Buckets(MESSAGES_AT_ONCE, MESSAGES_PER_S)
        self._wrong = Buckets(WRONG_AT_ONCE, 1 / WRONG_EVERY_S)
        self._told: OrderedDict[str, None] = OrderedDict()

    def wrong(self, address: str, now: float) -> bool:
        """The key was wrong. True if its address has to wait from now on: once, until it was heard of no more for so
        long that its bucket is full. Raises TooManyRequestsError if it had to wait already."""
        network = network_of(address)
        if self._wrong.full(network, now):
            self._told.pop(network, None)
        _take(self._wrong, network, now, "Too many wrong keys from this address; wait a little.")
        if network in self._told or not self._wrong.wait_s(network, now):
            return False
        self._told[network] = None
        if len(self._told) > MAX_NAMES:
            self._told.popitem(last=False)
        return True

    def key(self, key_id: str, now: float) -> None:
        """The key is valid. Raises TooManyRequestsError if it was used too often."""
        _take(self._requests, key_id, now, "This key is used too often; wait a little.")

    def token(self, scope: str, session_id: str, now: float) -> None:
        """The token is genuine. ``scope``: its own, MESSAGES or LOOKS. Raises TooManyRequestsError if too many sockets,
        or requests of such a kind, came with it."""
        if scope == MESSAGES:
            _take(self._messages, session_id, now, "Too many requests with this token; wait a little.")
        else:
            _take(self._tokens, f"{scope} {session_id}", now, "This link is opened too often; wait a little.")


class Throttling(Protocol):
    """A ``Throttle``, perhaps one that several processes share; times are those of the machine's monotonic clock."""

    async def wrong(self, address: str, now: float) -> bool:
        """See Throttle."""
        ...

    async def key(self, key_id: str, now: float) -> None:
        """See Throttle."""
        ...

    async def token(self, scope: str, session_id: str, now: float) -> None:
        """See Throttle."""
        ...


class OwnThrottling:
    """A ``Throttling`` of this process alone."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle

    async def wrong(self, address: str, now: float) -> bool:
        """See Throttle."""
        return self._throttle.wrong(address, now)

    async def key(self, key_id: str, now: float) -> None:
        """See Throttle."""
        self._throttle.key(key_id, now)

    async def token(self, scope: str, session_id: str, now: float) -> None:
        """See Throttle."""
        self._throttle.token(scope, session_id, now)


def _take(buckets: Buckets, name: str, now: float, refusal: str) -> None:
    wait_s = buckets.wait_s(name, now)
    if wait_s > 0:
        raise TooManyRequestsError(refusal, retry_after_s=wait_s)
    buckets.take(name, now)


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
