"""``GET /v1/batches``: the batches of a site, page by page."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from server.access.gate import utc_now
from server.access.principal import Principal, Right
from server.api.batches import COMMON, batch_model, no_batches
from server.api.principals import needs
from server.api.problems import documented
from server.api.record_rows import EPOCH, MICROSECOND
from server.api.services import Wired
from server.batches.batch import Batch, BatchPlace, BatchState
from server.wire.batches import BatchList

router = APIRouter(tags=["batches"])

Caller = Annotated[Principal, needs(Right.BATCH)]

PROBLEMS = documented(COMMON | {404: "This server has no data folder.", 422: "state, limit or cursor is out of range."})


@router.get("/v1/batches", summary="The batches of the key's site", responses=PROBLEMS)
async def listed(
    services: Wired,
    caller: Caller,
    state: Annotated[
        Literal["all", "waiting", "judging", "done"],
        Query(description="waiting: none of its files was taken yet. judging: some are settled. done: all are."),
    ] = "all",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(pattern=r"^\d{1,17}-[0-9a-f]{8}$", description="next of the page before.")
    ] = None,
) -> BatchList:
    """The latest first. Those of other sites are not there, nor those that were deleted or whose days are over."""
    desk = services.batches
    if desk is None:
        raise no_batches()
    chosen = None if state == "all" else BatchState(state)
    after = None if cursor is None else _place_in(cursor)
    found = await desk.store.page(caller.site, chosen, limit + 1, after)
    now, page = utc_now(), found[:limit]
    following = _cursor(page[-1]) if len(found) > limit else None
    return BatchList(batches=[batch_model(one, now) for one in page], next=following)


def _cursor(last: Batch) -> str:
    """Cursors are in addresses, and so in logs of proxies: no whole id."""
    return f"{(last.created_at - EPOCH) // MICROSECOND}-{last.id[:8]}"


def _place_in(cursor: str) -> BatchPlace:
    """As ``_cursor`` wrote it."""
    microseconds, _, digits = cursor.partition("-")
    return BatchPlace(_time(int(microseconds)), digits)


def _time(microseconds: int) -> datetime:
    return EPOCH + microseconds * MICROSECOND
