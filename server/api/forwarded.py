"""What a proxy says of its client: address (``X-Forwarded-For``), scheme (``-Proto``) and ``Host`` (``-Host``).

Anyone can send these headers, so they count from addresses alone that the operator named (``--trust-proxy``).
"""

import ipaddress
import logging
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

logger = logging.getLogger(__name__)

HEADERS = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")

TOLD_AT_MOST = 20
"""Proxies that are logged as not trusted, each once."""


class Forwarded:
    """ASGI middleware. Client and scheme are uvicorn's work, sockets included; ``Host`` is added here.

    Of several addresses in ``X-Forwarded-For`` the last one that is not a trusted proxy counts: what stands before it
    the client may have written.
    """

    def __init__(self, app: ASGIApp, *, trusted: Sequence[str]) -> None:
        """``trusted``: addresses and networks, as ``server.access.origins.plain_network`` writes them."""
        self._proxied = ProxyHeadersMiddleware(app, _both_families(trusted))  # type: ignore[arg-type]  # its own types
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] in ("http", "websocket"):
            peer = scope["client"][0] if scope.get("client") else ""
            if peer in self._proxied.trusted_hosts:
                _take_host(scope)
            else:
                self._tell(peer, Headers(scope=scope))
        await self._proxied(scope, receive, send)  # type: ignore[arg-type]  # its own types

    def _tell(self, peer: str, headers: Headers) -> None:
        if peer in self._told or len(self._told) >= TOLD_AT_MOST or not any(name in headers for name in HEADERS):
            return
        self._told.add(peer)
        logger.warning(
            "%s forwards requests and is not trusted: its X-Forwarded-… headers do not count, and all its clients have "
            "its address. If it is your proxy: --trust-proxy %s",
            peer,
            peer,
        )


def _take_host(scope: Scope) -> None:
    """The first of a list is what the client asked for; later ones are what each proxy was called by the one before."""
    given = Headers(scope=scope).getlist("x-forwarded-host")
    host = given[-1].split(",")[0].strip() if given else ""
    if HOST.fullmatch(host):
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name != b"host"),
            (b"host", host.encode("ascii")),
        ]


def _both_families(trusted: Sequence[str]) -> list[str]:
    """A socket for both families reports IPv4 peers as IPv6 addresses (RFC 4291, 2.5.5.2)."""
    mapped = [
        f"::ffff:{each.network_address}/{each.prefixlen + 96}"
        for each in map(ipaddress.ip_network, trusted)
        if isinstance(each, ipaddress.IPv4Network)
    ]
    return [*trusted, *mapped]
