"""Tokens: what lets a page open one socket of one session, without a key.

JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256. The key that asked for one is named in it, so that revoking the
key ends its tokens too.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import jwt
from jwt.types import Options

from server.access.keys import KeyStore, SigningKey
from server.errors import InvalidTokenError

ALGORITHM = "HS256"
AUDIENCE = "tingqing.v1"
MAX_CHARS = 2048
LEEWAY = timedelta(seconds=30)
"""Clocks of several servers differ; a token that one of them made must not have expired at another."""

ROTATED_STAYS = timedelta(days=1)
"""For so long after a rotation the old key verifies: far longer than any token lasts."""

CHECKED_BY_LIBRARY: Options = {
    "require": ["exp", "sub", "aud"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
"""Signature, algorithm and audience. Times are compared with our own clock, which tests turn."""


class Scope(StrEnum):
    """``PUBLISH``: be the patient. ``OBSERVE``: watch. ``NUDGE``: watch, and send or mute prompts. ``TRANSCRIBE``: hand
    over what was said."""

    PUBLISH = "publish"
    OBSERVE = "observe"
    NUDGE = "nudge"
    TRANSCRIBE = "transcribe"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a genuine token says. ``live``: its time is not over, and the key that asked for it was not revoked.

    ``over``: it is of no use any more, not even to come back with.
    """

    scope: Scope
    session_id: str
    site: str
    live: bool
    over: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The session that a token names. Without ``live`` a patient cannot begin it, only resume it."""

    session_id: str
    live: bool = True
    scope: Scope = Scope.PUBLISH


class Tokens:
    """Issues and reads tokens with the signing keys of ``keys``. Every method raises StoreError."""

    def __init__(self, keys: KeyStore, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._now = now

    async def issue(
        self,
        scope: Scope,
        session_id: str,
        site: str,
        lasts: timedelta,
        *,
        key_id: str | None,
        resumes: timedelta = timedelta(),
    ) -> str:
        """``key_id``: of the key that asks; ``None`` on a server without keys. ``resumes``: for so long after ``lasts``
        its holder may come back to what it began."""
        now = self._now()
        claims: dict[str, Any] = {
            "aud": AUDIENCE,
            "sub": session_id,
            "site": site,
            "scope": scope,
            "iat": int(now.timestamp()),
            "exp": int((now + lasts).timestamp()),
            "until": int((now + lasts + resumes).timestamp()),
            "key": key_id,
        }
        return await self.sign(claims)

    async def sign(self, claims: dict[str, Any]) -> str:
        """``claims`` with the newest key."""
        signing = await self._newest()
        return jwt.encode(claims, signing.secret, ALGORITHM, headers={"kid": signing.kid})

    async def read(self, text: str) -> Grant:
        """Raises InvalidTokenError for everything that this server did not sign, whatever is wrong with it."""
        claims = await self.verified(text)
        try:
            scope = Scope(claims["scope"])
            expires, key_id = int(claims["exp"]), claims["key"]
            now = self._now().timestamp() - LEEWAY.total_seconds()
            live = now < expires and not await self._revoked(key_id)
            return Grant(scope, claims["sub"], claims["site"], live, over=now >= int(claims["until"]))
        except (KeyError, ValueError, TypeError):  # signed by another version of this server
            raise _invalid() from None

    async def verified(self, text: str, audience: str = AUDIENCE) -> dict[str, Any]:
        """The claims of what this server signed for ``audience``, whatever their times. Raises InvalidTokenError."""
        if len(text) > MAX_CHARS:
            raise _invalid()
        try:
            kid = jwt.get_unverified_header(text).get("kid")
            signing = next((key for key in await self._keys.signing_keys() if key.kid == kid), None)
            if signing is None:
                raise _invalid()
            claims: dict[str, Any] = jwt.decode(
                text, signing.secret, [ALGORITHM], audience=audience, options=CHECKED_BY_LIBRARY
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise _invalid() from None
        return claims

    async def _revoked(self, key_id: str | None) -> bool:
        if key_id is None:
            return False
        key = await self._keys.get(key_id)
        return key is None or key.revoked_at is not None

    async def _newest(self) -> SigningKey:
        found = await self._keys.signing_keys()
        return found[0] if found else await rotate(self._keys, self._now())


async def rotate(
    keys: KeyStore,
    now: datetime,
    *,
    drop_old: bool = False,
    noted: Callable[[SigningKey], Awaitable[None]] | None = None,
) -> SigningKey:
    """A new key signs from now on. Tokens of the former ones stay valid, unless ``drop_old``; none is kept for longer
    than ``ROTATED_STAYS`` after its successor came. ``noted`` is awaited before anything changes."""
    found = await keys.signing_keys()
    newer = [now, *(key.created_at for key in found)]
    dropped = [
        key.kid
        for key, succeeded_at in zip(found, newer, strict=False)
        if drop_old or succeeded_at <= now - ROTATED_STAYS
    ]
    # Whatever the clock says, what was made last is the newest.
    at = max([now, *(key.created_at + timedelta(microseconds=1) for key in found)])
    new = SigningKey(secrets.token_hex(4), secrets.token_bytes(32), at)
    if noted is not None:
        await noted(new)
    await keys.replace_signing_keys(new, dropped)
    return new


def _invalid() -> InvalidTokenError:
    return InvalidTokenError("This token is not valid here. Ask for a new link.", param="token")
