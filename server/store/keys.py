"""API keys in the database."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from server.access.keys import ApiKey, SigningKey
from server.access.principal import Role
from server.store.database import Database
from server.store.tables import api_keys, signing_keys


class StoredKeys:
    """A ``KeyStore``. Every process that opens the same folder has the same keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey, digest: str) -> None:
        """See KeyStore."""
        row = {
            "id": key.id,
            "digest": digest,
            "site": key.site,
            "role": str(key.role),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        }
        async with self._database.writing() as connection:
            await connection.execute(insert(api_keys).values(row))

    async def find(self, digest: str) -> ApiKey | None:
        """See KeyStore."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(api_keys).where(api_keys.c.digest == digest))).one_or_none()
        return None if row is None else _key(row)

    async def listed(self) -> list[ApiKey]:
        """See KeyStore."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        async with self._database.reading() as connection:
            return [_key(row) for row in await connection.execute(query)]

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """See KeyStore."""
        change = (
            update(api_keys)
            .where(api_keys.c.id == key_id)
            .values(revoked_at=func.coalesce(api_keys.c.revoked_at, at, type_=api_keys.c.revoked_at.type))
        )
        async with self._database.writing() as connection:
            return (await connection.execute(change)).rowcount == 1

    async def any(self) -> bool:
        """See KeyStore."""
        async with self._database.reading() as connection:
            return (await connection.execute(select(api_keys.c.id).limit(1))).first() is not None

    async def get(self, key_id: str) -> ApiKey | None:
        """See KeyStore."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(api_keys).where(api_keys.c.id == key_id))).one_or_none()
        return None if row is None else _key(row)

    async def signing_keys(self) -> list[SigningKey]:
        """See KeyStore."""
        query = select(signing_keys).order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid)
        async with self._database.reading() as connection:
            return [SigningKey(row.kid, row.secret, row.created_at) for row in await connection.execute(query)]

    async def replace_signing_keys(self, new: SigningKey, dropped: Collection[str]) -> None:
        """See KeyStore."""
        row = {"kid": new.kid, "secret": new.secret, "created_at": new.created_at}
        async with self._database.writing() as connection:
            await connection.execute(delete(signing_keys).where(signing_keys.c.kid.in_(dropped)))
            await connection.execute(insert(signing_keys).values(row))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.site, Role(row.role), row.created_at, row.expires_at, row.revoked_at)
