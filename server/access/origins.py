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

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Outside:
    """``origins``: of pages of others, as ``plain_origin`` writes them. ``hosts``: names without a port, in lower case.

    ``insecure``: served without keys to other machines.
    """

    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    insecure: bool = False

    def check_host(self, host: str, *, keyed: bool) -> None:
        """Raises ForbiddenError for a ``Host`` by which this server is not called.

        A page of another site whose name was rebound to our address sends its own name. Without keys that page could
        do whatever its visitor could; with keys it has none to show. An address cannot be rebound.
        """
        name = _name(host)
        if name is not None and (is_loopback(name) or name in self.hosts):
            return
        if keyed and not self.hosts:
            return
        if self.insecure and not keyed and name is not None and _is_address(name):
            return
        if keyed or self.insecure:
            raise ForbiddenError(
                "This server does not go by this name. Its operator can set --allow-host.", param="host"
            )
        raise ForbiddenError(
            "Without keys this server answers this machine only. Use http://127.0.0.1 or http://localhost.",
            param="host",
        )

    def check_origin(self, origins: list[str], host: str) -> None:
        """Raises ForbiddenError if there is an ``Origin`` that is neither this host and port nor on the list."""
        for origin in origins:
            if origin not in self.origins and not _same_authority(origin, host):
                raise ForbiddenError(
                    "Pages from other origins may not use this server. Its operator can set --allow-origin.",
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
