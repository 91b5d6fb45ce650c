"""Who makes a request or opens a socket."""

from dataclasses import dataclass
from enum import StrEnum

LOCAL_SITE = "local"
"""The only site of a server without keys."""


class Role(StrEnum):
    """``ANYONE``: a server without keys does not identify its callers."""

    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Principal:
    """``who``: a name for the audit log, never a secret. ``site``: only its sessions are visible to them."""

    who: str
    role: Role
    site: str
