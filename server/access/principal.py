"""Who stands behind a socket or a request."""

from dataclasses import dataclass
from enum import StrEnum

LOCAL_SITE = "local"
"""The one site of a server without keys."""


class Role(StrEnum):
    """``ANYONE``: a server without keys asks nobody who they are."""

    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Principal:
    """``who``: a name for the audit, never a secret. ``site``: whose sessions they may see; all others are unknown."""

    who: str
    role: Role
    site: str
