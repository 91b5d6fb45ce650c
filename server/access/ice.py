"""Servers through which browsers find each other where no direct way leads: STUN (RFC 8489) and TURN (RFC 8656)."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field, SecretStr, field_serializer, field_validator
from pydantic_settings import NoDecode

LASTS = timedelta(hours=6)
"""A relay's credential: longer than a call."""

_SERVER = re.compile(r"(stun|stuns|turn|turns):[A-Za-z0-9.:\[\]-]{1,253}(\?transport=(udp|tcp))?")


def plain_ice_server(text: str) -> str:
    """A URI of RFC 7064 or RFC 7065. Raises ValueError."""
    if _SERVER.fullmatch(text) is None:
        raise ValueError("write stun:name:3478 or turn:name:3478?transport=udp")
    return text


class CallSettings(BaseModel):
    """The settings of calls; a part of ``server.settings.Settings``."""

    ice_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="STUN and TURN servers for calls: stun:name:3478, turn:name:3478?transport=udp."
    )
    turn_secret: SecretStr | None = Field(default=None, description="Secret that the TURN servers share with this one.")

    @field_serializer("turn_secret", when_used="json")
    def _secret_handed_on(self, value: SecretStr | None) -> str | None:
        """To a worker of this server, through a pipe: nothing else turns settings into JSON."""
        return None if value is None else value.get_secret_value()

    @field_validator("ice_servers", mode="before")
    @classmethod
    def _servers(cls, value: object) -> object:
        """A variable holds several, separated by commas or spaces."""
        given = value.replace(",", " ").split() if isinstance(value, str) else value
        return tuple(plain_ice_server(str(one)) for one in given) if isinstance(given, (list, tuple)) else given


@dataclass(frozen=True, slots=True)
class IceServers:
    """``urls``: of the operator. ``secret``: that of the TURN servers; never leaves this process."""

    urls: tuple[str, ...] = ()
    secret: str | None = None

    @classmethod
    def of(cls, settings: CallSettings) -> "IceServers":
        """As the operator set them."""
        secret = settings.turn_secret
        return cls(settings.ice_servers, None if secret is None else secret.get_secret_value())

    def for_call(self, session_id: str, now: datetime) -> list[dict[str, Any]]:
        """For one side of one call. A TURN server's credential is for this call, and is over by itself: the user name
        is the moment of its end, the password its HMAC-SHA-1 (draft-uberti-behave-turn-rest-00, coturn's
        ``use-auth-secret``)."""
        relays = [url for url in self.urls if url.startswith("turn")]
        open_to_all = [url for url in self.urls if url not in relays]
        made: list[dict[str, Any]] = [{"urls": open_to_all}] if open_to_all else []
        if relays and self.secret is not None:
            name = f"{int((now + LASTS).timestamp())}:{session_id[:8]}"
            digest = hmac.digest(self.secret.encode(), name.encode(), hashlib.sha1)
            made.append({"urls": relays, "username": name, "credential": base64.b64encode(digest).decode()})
        return made
