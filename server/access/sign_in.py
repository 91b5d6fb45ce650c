"""Signing in: a person at one of our pages shows a viewer's, doctor's or admin's key once; the browser keeps a signed
cookie.

The cookie names the key and not the person. It is signed as tokens are (JSON Web Token, RFC 7519), by the same keys of
the store, which rotate; another audience keeps each from being taken for the other.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from server.access.keys import ApiKey, KeyStore
from server.access.principal import Principal, Role
from server.access.tokens import Tokens
from server.errors import ForbiddenError, InvalidTokenError, UnauthorizedError

AUDIENCE = "tingqing.pages"
LASTS = timedelta(hours=12)
"""One shift."""

AT_PAGES = {Role.VIEWER: Role.VIEWER, Role.DOCTOR: Role.DOCTOR, Role.ADMIN: Role.OPERATOR}
"""Whose keys sign in, and as what: a page needs no more, and a cookie goes along with whatever the browser sends."""


class SignIns:
    """Makes and reads the cookies. Every method raises StoreError."""

    def __init__(
        self,
        keys: KeyStore,
        tokens: Tokens,
        now: Callable[[], datetime],
        lasts: timedelta = LASTS,
        passing: Callable[[], datetime] | None = None,
    ) -> None:
        """``now``: the date, by which keys expire. ``passing``: by which cookies do; no jump of the date moves it."""
        self.lasts = lasts
        self._passing = passing or now
        self._keys = keys
        self._tokens = tokens
        self._now = now

    async def issue(self, who: Principal) -> str:
        """The cookie of who holds a key of ``AT_PAGES``. Raises ForbiddenError for any other."""
        if who.role not in AT_PAGES or who.key_id is None:
            raise ForbiddenError(
                "Sign in with a key of role viewer, doctor or admin; others are for programs.", param="key"
            )
        now = self._passing()
        claims: dict[str, Any] = {
            "aud": AUDIENCE,
            "sub": who.key_id,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lasts).timestamp()),
        }
        return await self._tokens.sign(claims)

    async def read(self, cookie: str) -> Principal:
        """Who signed in. Raises UnauthorizedError for a cookie that is not ours, is over, or whose key is."""
        key, until = await self._found(cookie)
        if key is None or key.role not in AT_PAGES or not key.valid(self._now()) or self._passing() >= until:
            raise UnauthorizedError("You are not signed in any more. Sign in again.", param="cookie")
        return Principal(f"key {key.id} at a page", AT_PAGES[key.role], key.site, key.id)

    async def _found(self, cookie: str) -> tuple[ApiKey | None, datetime]:
        now = self._now()
        try:
            claims = await self._tokens.verified(cookie, AUDIENCE)
            return await self._keys.get(str(claims["sub"])), datetime.fromtimestamp(int(claims["exp"]), now.tzinfo)
        except (InvalidTokenError, ValueError, OverflowError, OSError):
            return None, now
