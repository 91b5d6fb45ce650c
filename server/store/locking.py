"""Waiting for each other in a database that lets several write at a time.

SQLite lets one write at a time, so whoever reads and then writes in one transaction is alone. PostgreSQL is not like
that: what must not happen twice at once takes a lock by name, until the end of the transaction.
"""

import hashlib

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

_lock = select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)))


def key_of(name: str) -> int:
    """A number of 64 bits, with a sign, as PostgreSQL names advisory locks."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


async def alone(connection: AsyncConnection, kind: str, *names: str) -> None:
    """Wait until no other transaction has these. One ``kind`` for each work; all names of it at once, which are taken
    in one order, so that two never wait for each other. Waits for ``lock_timeout`` at most."""
    if connection.dialect.name != "postgresql":
        return
    for key in sorted({key_of(f"{kind} {name}") for name in names or ("",)}):
        await connection.execute(_lock, {"key": key})
