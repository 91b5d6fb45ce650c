"""The statements on answers that are given again. Each works in the caller's transaction."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.batches.repeats import MOST_BYTES, Answered, Kept, fair_share, work_of
from server.store.checkpoint_parts import LEVEL
from server.store.locking import alone
from server.store.tables import idempotency_keys

table = idempotency_keys.c

NOBODY = ""
"""Owner of a key whose request came to an end without an answer."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An answer as it is kept."""

    status: int
    answer: bytes


def packed(kept: Kept) -> Packed:
    """Takes milliseconds: call it on a thread."""
    return Packed(kept.status, zlib.compress(kept.answer, LEVEL))


def all_packed(answered: Sequence[Answered]) -> list[tuple[str, Packed]]:
    """By the digests of their keys. Call it on a thread."""
    return [(one.digest, packed(one.kept)) for one in answered]


async def write_answer(connection: AsyncConnection, digest: str, answer: Packed, owner: str | None = None) -> None:
    """``owner``: only if the request is that process's."""
    where = [table.digest == digest, table.answer.is_(None), *([] if owner is None else [table.owner == owner])]
    change = update(idempotency_keys).where(*where).values(status=answer.status, answer=answer.answer)
    await connection.execute(change)


async def write_answers(connection: AsyncConnection, answers: Sequence[tuple[str, Packed]], owner: str) -> None:
    """Those of ``owner``'s requests, and no more in all than is kept. The last lock of a transaction."""
    if not answers:
        return
    await alone(connection, "repeats")
    for digest, answer in answers:
        await write_answer(connection, digest, answer, owner)
    await bound(connection)


async def forget_works(connection: AsyncConnection, site: str, ids: Collection[str]) -> None:
    """What these requests made was deleted on request, and their answers, which tell of it, go too. The last lock of a
    transaction."""
    await alone(connection, "repeats")
    columns = (table.digest, table.body, table.created_at)
    query = select(*columns).where(table.site == site, table.answer.is_not(None))
    theirs = [
        row.digest for row in await connection.execute(query) if work_of(row.digest, row.body, row.created_at) in ids
    ]
    if theirs:
        change = update(idempotency_keys).where(table.digest.in_(theirs))
        await connection.execute(change.values(status=None, answer=None, owner=NOBODY))


async def bound(connection: AsyncConnection) -> None:
    """Beyond ``MOST_BYTES`` the oldest answers of the sites that have most are forgotten; that there was one, and of
    which work, is not."""
    sizes = select(table.site, func.sum(func.length(table.answer))).where(table.answer.is_not(None))
    of_sites: dict[str, int] = {site: int(size) for site, size in await connection.execute(sizes.group_by(table.site))}
    share = fair_share(of_sites.values(), MOST_BYTES)
    greedy = [site for site, size in of_sites.items() if size > share]
    if not greedy:
        return
    newer = func.sum(func.length(table.answer)).over(
        partition_by=table.site, order_by=(table.created_at.desc(), table.digest)
    )
    theirs = and_(table.answer.is_not(None), table.site.in_(greedy))
    running = select(table.digest, newer.label("size")).where(theirs).subquery()
    beyond = select(running.c.digest).where(running.c.size > share)
    change = update(idempotency_keys).where(table.digest.in_(beyond))
    await connection.execute(change.values(status=None, answer=None, owner=NOBODY))
