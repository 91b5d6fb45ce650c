"""API keys: what they look like, what is kept of them, and the store that keeps it."""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from server.access.principal import Principal, Role
from server.errors import SettingsError

PREFIX = "tq_"
"""Lets secret scanners find keys that were committed or pasted."""

KEY_BYTES = 32
_KEY = re.compile(r"tq_[A-Za-z0-9_-]{43}")
_SITE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; the key itself is not kept. ``id`` names it in lists and logs and is no secret.

    Times are in UTC. ``expires_at`` and ``revoked_at``: ``None`` for never.
    """

    id: str
    site: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid(self, now: datetime) -> bool:
        """Whether it opens anything at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Who holds it."""
        return Principal(f"key {self.id}", self.role, self.site, self.id)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Signs tokens. ``kid`` names it in a token's head; the newest signs, older ones still verify."""

    kid: str
    secret: bytes = field(repr=False)
    created_at: datetime


class KeyStore(Protocol):
    """Every method raises StoreError if the store does not answer."""

    async def add(self, key: ApiKey, digest: str) -> None:
        """Keep ``key`` under the ``digest`` of its text. Both ``id`` and digest are new."""
        ...

    async def find(self, digest: str) -> ApiKey | None:
        """The key with this digest, whether it is valid or not."""
        ...

    async def listed(self) -> list[ApiKey]:
        """All keys that were ever created, the oldest first."""
        ...

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """False if there is no such key. One that was already revoked keeps its time."""
        ...

    async def any(self) -> bool:
        """Whether a key was ever created: revoking the last one must not open the server."""
        ...

    async def get(self, key_id: str) -> ApiKey | None:
        """The key with this id."""
        ...

    async def signing_keys(self) -> list[SigningKey]:
        """The newest first."""
        ...

    async def replace_signing_keys(self, new: SigningKey, dropped: Collection[str]) -> None:
        """Add ``new`` and forget those with a ``kid`` in ``dropped``, at once or not at all."""
        ...


class MemoryKeys:
    """The keys of one process, for a server without a data folder."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._signing: list[SigningKey] = []

    async def add(self, key: ApiKey, digest: str) -> None:
        """See KeyStore."""
        self._keys[digest] = key

    async def find(self, digest: str) -> ApiKey | None:
        """See KeyStore."""
        return self._keys.get(digest)

    async def listed(self) -> list[ApiKey]:
        """See KeyStore."""
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """See KeyStore."""
        for digest, key in self._keys.items():
            if key.id == key_id:
                self._keys[digest] = ApiKey(
                    key.id, key.site, key.role, key.created_at, key.expires_at, key.revoked_at or at
                )
                return True
        return False

    async def any(self) -> bool:
        """See KeyStore."""
        return bool(self._keys)

    async def get(self, key_id: str) -> ApiKey | None:
        """See KeyStore."""
        return next((key for key in self._keys.values() if key.id == key_id), None)

    async def signing_keys(self) -> list[SigningKey]:
        """See KeyStore."""
        return list(self._signing)

    async def replace_signing_keys(self, new: SigningKey, dropped: Collection[str]) -> None:
        """See KeyStore."""
        self._signing = [new, *(key for key in self._signing if key.kid not in dropped)]


async def create_key(
    store: KeyStore,
    site: str,
    role: Role,
    now: datetime,
    expires_at: datetime | None = None,
    *,
    noted: Callable[[ApiKey], Awaitable[None]] | None = None,
) -> tuple[str, ApiKey]:
    """A new key: its text, which nobody can read again, and what is kept of it.

    ``noted`` is awaited before the key opens anything; what it raises leaves no key. Raises SettingsError for a site
    that is not a plain name.
    """
    if not _SITE.fullmatch(site):
        raise SettingsError(
            f"--site: use up to 64 lower-case letters, digits, '.', '_' and '-', not {site!r}.", param="--site"
        )
    text = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    key = ApiKey(secrets.token_hex(4), site, role, now, expires_at)
    if noted is not None:
        await noted(key)
    await store.add(key, digest_of(text))
    return text, key


def looks_like_key(text: str) -> bool:
    """Whether it is worth asking the store."""
    return _KEY.fullmatch(text) is not None


def digest_of(text: str) -> str:
    """SHA-256, in hex. 256 random bits need no salt and no slow hash: they cannot be guessed.

    A look-up by digest tells nothing by its timing: nobody can choose a key by the digits of its digest.
    """
    return hashlib.sha256(text.encode()).hexdigest()
