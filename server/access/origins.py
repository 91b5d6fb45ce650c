"""Which pages may use the server, and by which names it may be called. Both are lists of the operator.

``Origin`` is what a browser adds and a page cannot forge; ``Host`` is what the page called the server.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.errors import ForbiddenError
from server.loopback import is_loopback

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")

_ROOT = re.compile(r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])+")

OUR_FOLDERS = frozenset({
    "audio", "check", "client", "clock", "docs", "doctor", "drawing", "elements", "healthz", "language", "meter",
    "pages", "protocol", "readyz", "transport", "v1", "visit",
})  # fmt: skip
"""What the server serves at its own top level. A prefix of such a name would make its own addresses ambiguous."""

MAX_NAME = 253
"""Characters of a name in the DNS (RFC 1035, 2.3.4)."""

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Outside:
    """``origins``: of pages of others, as ``plain_origin`` writes them. ``hosts``: names without a port, in lower case.

    ``insecure``: served without keys to other machines. ``own``: names that the server has in any case, those of
    ``--public-url`` and of its certificate; they rule out no other. ``own_origin``: that of ``--public-url``, as a
    browser sees our pages behind a proxy that tells us another ``Host``.
    """

    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    insecure: bool = False
    own: frozenset[str] = frozenset()
    own_origin: str | None = None

    def check_host(self, host: str, *, keyed: bool) -> None:
        """Raises ForbiddenError for a ``Host`` by which this server is not called.

        A page of another site whose name was rebound to our address sends its own name. Without keys that page could
        do whatever its visitor could; with keys it has none to show. An address cannot be rebound.
        """
        name = _name(host)
        if name is not None and (is_loopback(name) or name in self.hosts or name in self.own):
            return
        if keyed and not self.hosts:
            return
        if self.insecure and not keyed and name is not None and _is_address(name):
            return
        called = name if name is not None and _is_host(name) and len(name) <= MAX_NAME else None
        raise ForbiddenError(self._refusal(called, host if called else "NAME", keyed=keyed), param="host")

    def _refusal(self, name: str | None, authority: str, *, keyed: bool) -> str:
        shown = f"the name {name}" if name else "this name"
        given = name or "NAME"
        proxied = (
            f"If a proxy in front of it is called so, start it with --public-url https://{authority}; if the proxy "
            "already has another public address, let it pass on the Host, or trust it with --trust-proxy."
        )
        if keyed or self.insecure:
            return f"This server does not go by {shown}. If it should, start it with --allow-host {given}. {proxied}"
        return (
            f"Without keys this server answers this machine only, and not {shown}. Use http://127.0.0.1 or "
            f"http://localhost. {proxied}"
        )

    def check_own(self, origins: list[str], host: str, *, secure: bool = False) -> None:
        """Raises ForbiddenError unless a page of this very server asks: for what a browser's cookie opens, no other
        page may, listed or not. A program sends no ``Origin``, and has a key. ``secure``: as of ``check_origin``."""
        if not origins or not all(self._own(one, host, secure=secure) for one in origins):
            raise ForbiddenError("Only the pages of this server may do this.", param="origin")

    def _own(self, origin: str, host: str, *, secure: bool) -> bool:
        own = _same_authority(origin, host) and (origin.startswith("https:") or not secure)
        return own or origin == self.own_origin

    def check_origin(self, origins: list[str], host: str, *, secure: bool = False) -> None:
        """Raises ForbiddenError if there is an ``Origin`` that is neither this host and port nor on the list.

        ``secure``: the request came over TLS, so that our own page did too: one that came in the clear, anybody on
        the way may have written.
        """
        for origin in origins:
            if not self._own(origin, host, secure=secure) and origin not in self.origins:
                raise ForbiddenError(
                    "Pages from other origins may not use this server. Its operator can set --allow-origin, or, where "
                    "the page is this server's own behind a proxy, --public-url.",
                    param="origin",
                )


def plain_origin(text: str) -> str:
    """An origin as browsers write it: lower case, no default port, no path. Raises ValueError for anything else."""
    parts = urlsplit(text.strip().lower())
    if parts.scheme not in ("http", "https") or parts.hostname is None or not _is_host(parts.hostname):
        raise ValueError("write https://name or https://name:port; other alphabets as punycode")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("an origin has no path: https://name or https://name:port")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = parts.port in (None, DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{name}" if default else f"{parts.scheme}://{name}:{parts.port}"


def plain_host(text: str) -> str:
    """A host name in lower case. Raises ValueError if it has a port, a path or a scheme."""
    name = text.strip().lower()
    if not _is_host(name):
        raise ValueError("write a host name alone, without port and scheme")
    return name


def plain_network(text: str) -> str:
    """An address or network (CIDR) as ``ipaddress`` writes it. Raises ValueError for names and wildcards."""
    try:
        return str(ipaddress.ip_network(text.strip()) if "/" in text else ipaddress.ip_address(text.strip()))
    except ValueError as error:
        raise ValueError(f"write an address or a network, 10.0.0.2 or 10.0.0.0/24 ({error})") from None


def plain_root(text: str) -> str:
    """A prefix of paths: with a slash before it and none behind it; empty for none. Raises ValueError."""
    root = text.strip().rstrip("/")
    if root and _ROOT.fullmatch(root) is None:
        raise ValueError("write a path like /tingqing: letters, digits, '.', '_', '~', '-'")
    if root.split("/")[1:2] and root.split("/")[1] in OUR_FOLDERS:
        raise ValueError(f"the server itself has addresses under /{root.split('/')[1]}; choose another name")
    return root


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_host(name: str) -> bool:
    return _NAME.fullmatch(name) is not None or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_authority(origin: str, host: str) -> bool:
    try:
        asked, served = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS[asked.scheme]
        return asked.hostname is not None and (asked.hostname, asked.port or default) == (
            served.hostname,
            served.port or default,
        )
    except (ValueError, KeyError):  # an invalid port, or not a web scheme ("null" has none)
        return False
