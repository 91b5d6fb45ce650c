"""Where events of a site go, and the port to the store that keeps it."""

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from server.errors import ConfigError
from server.notify.events import SUBSCRIBABLE, EventType, of_rule

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # pragma: allowlist secret
"""Standard Webhooks: 24 to 64 random bytes, base64 after this prefix."""

OVERLAP = timedelta(days=1)
"""For so long after a rotation each delivery is signed with the former secret too."""

MAX_URL = 2000
MAX_EVENTS = 400
"""Characters of the events of one endpoint, as they are kept."""
MAX_ENDPOINTS = 20
"""Of one site."""


_RULE_EVENT = re.compile(re.escape(of_rule("")) + r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``events``: those that it is told, types or ``rule.matched:EVENT``. ``former_secret``: signs too until
    ``former_until``. ``paused``: it answered 410 Gone, and is told nothing more until the operator resumes it."""

    id: str
    site: str
    url: str
    events: frozenset[str]
    secret: str
    created_at: datetime
    former_secret: str | None = None
    former_until: datetime | None = None
    paused: bool = False

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """Those that sign at ``now``, the newest first."""
        former = self.former_secret
        if former is None or self.former_until is None or now >= self.former_until:
            return (self.secret,)
        return self.secret, former


class EndpointStore(Protocol):
    """Every method raises StoreError."""

    async def add(self, endpoint: Endpoint) -> bool:
        """False if its site has ``MAX_ENDPOINTS`` already."""
        ...

    async def listed(self, site: str | None = None) -> list[Endpoint]:
        """Of one site or of all, the oldest first."""
        ...

    async def get(self, endpoint_id: str) -> Endpoint | None:
        """``None``: there is none."""
        ...

    async def rotate(self, endpoint_id: str, secret: str, until: datetime) -> bool:
        """``secret`` signs from now on, the one so far until ``until`` too. False: there is no such endpoint."""
        ...

    async def pause(self, endpoint_id: str, paused: bool) -> bool:
        """Tell it nothing, or go on with what waited. False: there is no such endpoint."""
        ...

    async def remove(self, endpoint_id: str) -> bool:
        """With everything that waits for it. False: there was none."""
        ...


def new_secret() -> str:
    """As Standard Webhooks writes secrets."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_endpoint(site: str, url: str, events: Iterable[str], now: datetime) -> Endpoint:
    """With a new id and secret. Raises ConfigError for an address or an event that cannot be."""
    return Endpoint(f"wh_{secrets.token_hex(6)}", site, checked_url(url), _chosen(events), new_secret(), now)


def _chosen(events: Iterable[str]) -> frozenset[str]:
    chosen = frozenset(str(name) for name in events)
    for name in sorted(chosen):
        if name not in SUBSCRIBABLE and not _RULE_EVENT.fullmatch(name):
            known = ", ".join(SUBSCRIBABLE)
            raise ConfigError(
                f"There is no event {name!r}. There are: {known}; one event of rules alone: {of_rule('EVENT')}.",
                param="events",
            )
    if len(" ".join(chosen)) > MAX_EVENTS:
        raise ConfigError(
            f"At most {MAX_EVENTS} characters of events; {EventType.RULE_MATCHED} takes all of rules.", param="events"
        )
    return chosen


def checked_url(url: str) -> str:
    """Raises ConfigError unless it is an http(s) address of a host, without user, password or fragment. Where it leads
    is checked with each delivery."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fits = urlsplit(""), False
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL
    at_host = parts.hostname and parts.username is None and parts.password is None and not parts.fragment
    if parts.scheme not in ("http", "https") or not (plain and at_host and port_fits):
        raise ConfigError("The address must be https://HOST/PATH, without user, password or fragment.", param="url")
    return url
