"""Tells who a caller is by what they bring."""

from collections.abc import Callable
from datetime import UTC, datetime

from server.access.keys import KeyStore, digest_of, looks_like_key
from server.access.principal import ANYONE, Principal
from server.errors import UnauthorizedError


def utc_now() -> datetime:
    """The wall clock: expiry dates outlive processes."""
    return datetime.now(UTC)


class Gate:
    """One per process. A server is keyed from its first key on, also while it runs, and for ever after."""

    def __init__(self, keys: KeyStore, now: Callable[[], datetime] = utc_now) -> None:
        self._keys = keys
        self._now = now
        self._keyed = False

    async def keyed(self) -> bool:
        """Whether callers must show a key or a token. Raises StoreError."""
        self._keyed = self._keyed or await self._keys.any()
        return self._keyed

    async def caller(self, authorization: str | None) -> Principal:
        """Who sends this ``Authorization`` header; anyone, where there are no keys.

        Raises UnauthorizedError. A key that is unknown, revoked or expired is answered alike: the answer must not tell
        whether a guess was ever a key.
        """
        if not await self.keyed():
            return ANYONE
        if authorization is None:
            raise UnauthorizedError("A key is needed: send 'Authorization: Bearer tq_…'.", param="authorization")
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        key = await self._keys.find(digest_of(text)) if looks_like_key(text) else None
        if scheme.lower() != "bearer" or key is None or not key.valid(self._now()):
            raise UnauthorizedError("This key is not valid.", param="authorization")
        return key.principal
