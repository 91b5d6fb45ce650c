"""Which addresses a webhook may reach, checked where the connection is made: what a name meant before does not count.

Without this an endpoint could make the server talk to itself, to its neighbours or to a cloud's metadata service
(server-side request forgery), by a private address, by a name that leads to one, or by one that changes (rebinding).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence

import httpcore
from httpcore import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""

INNER = tuple(
    ipaddress.ip_network(one) for one in ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10", "3fff::/20")
)
"""Inner networks that ``is_global`` of some Python does not know: IPv4-compatible and IPv4-translated addresses (RFC
4291, 2765), NAT64 for local use (RFC 8215), site-local addresses (RFC 3879), documentation (RFC 9637)."""


class RefusedAddressError(Exception):
    """The name leads where webhooks may not go. Says nothing of the address: it may be of an inner network."""


class Reach:
    """``allowed``: networks of the operator to which webhooks go too, also without TLS; all else that is reached must
    be a public address, over TLS."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    @classmethod
    def of(cls, networks: Iterable[str]) -> "Reach":
        """``networks``: addresses and networks (CIDR), as the settings have checked them."""
        return cls([ipaddress.ip_network(one, strict=False) for one in networks])

    def permits(self, address: Address, *, encrypted: bool) -> bool:
        """Whether a webhook may go there. An IPv4 address within an IPv6 one counts as that address too."""
        forms = (address, *_within(address))
        if any(one in network for one in forms for network in self._allowed if one.version == network.version):
            return True
        return encrypted and all(_is_public(one) for one in forms)


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in INNER)


def _within(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


class GuardedBackend(AsyncNetworkBackend):
    """Resolves a name once, checks every address that it has, and connects to the first of these and nothing else."""

    def __init__(self, reach: Reach, *, encrypted: bool) -> None:
        """``encrypted``: whether TLS follows."""
        self._reach = reach
        self._encrypted = encrypted
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """See AsyncNetworkBackend. Raises RefusedAddressError, and OSError for a name that does not resolve."""
        addresses = await addresses_of(host, port)
        if not all(self._reach.permits(one, encrypted=self._encrypted) for one in addresses):
            raise RefusedAddressError
        return await self._plain.connect_tcp(
            str(addresses[0]), port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )

    async def sleep(self, seconds: float) -> None:
        """See AsyncNetworkBackend."""
        await self._plain.sleep(seconds)


async def addresses_of(host: str, port: int) -> list[Address]:
    """What a name means now. Raises OSError for one that does not resolve, UnicodeError for what cannot be a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
