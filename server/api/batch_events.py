"""The progress of a batch as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from server.access.gate import utc_now
from server.access.principal import Principal, Right
from server.api.batch_watches import Watch
from server.api.principals import principal_of
from server.api.services import Services
from server.batches.batch import Batch, BatchStore, FileRow
from server.errors import CapacityError, ForbiddenError, StoreError, TooManyRequestsError, UnauthorizedError

RECHECK_S = 60.0
"""A key that is revoked or runs out ends what was opened with it so much later, at most."""

BEAT_S = 15.0
"""A comment at least so often, by which both ends and what is between them know that the line lives."""

LONGEST_S = 3600.0
"""Then it ends, and the browser comes again with its last id."""

RETRY_MS = 3000
SOME = 200


async def events_response(request: Request, services: Services, caller: Principal, batch: Batch) -> Response:
    """Until the batch is done, deleted, the caller's key is over, or the server stops. Raises CapacityError."""
    given = request.headers.get("last-event-id", "")
    after = int(given) if given.isdecimal() and len(given) < 10 else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    desk = services.batches
    assert desk is not None
    desk.watches.check(caller, batch)
    events = _events(request, services, caller, batch, after)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(
    request: Request, services: Services, caller: Principal, batch: Batch, after: int
) -> AsyncIterator[str]:
    desk = services.batches
    assert desk is not None
    yield f"retry: {RETRY_MS}\n\n"
    line = _Line(request, services)
    try:
        async with desk.watches.watching(desk.store, caller, batch) as watch:
            while line.open:
                # The batch first: what it counts as settled is then among the rows.
                now = watch.batch
                rows = await _news(desk.store, now, after)
                for row in rows:
                    after = row.settled or after
                    yield _event("file", _file(row), after)
                if now is None:
                    return
                if rows or line.silent:
                    yield _event("progress", _progress(now, utc_now())) if rows else ": \n\n"
                    line.spoke()
                if now.finished_at is not None and len(rows) < SOME and after >= now.files:
                    yield _event("done", now.counts)
                    return
                if len(rows) < SOME:
                    await line.rest(watch)
    except (CapacityError, StoreError):  # it has begun: the browser comes again, and is told then
        return


class _Line:
    """``open``: whether more may be told; ``silent``: whether the other end has heard nothing for too long."""

    def __init__(self, request: Request, services: Services) -> None:
        self._request = request
        self._manager = services.manager
        self._now = asyncio.get_running_loop().time
        self._began = self._spoke = self._asked = self._now()
        self._closed = False

    @property
    def open(self) -> bool:
        return not self._closed and not self._manager.draining and self._now() - self._began < LONGEST_S

    @property
    def silent(self) -> bool:
        return self._now() - self._spoke >= BEAT_S

    def spoke(self) -> None:
        self._spoke = self._now()

    async def rest(self, watch: Watch) -> None:
        """Until the batch was looked at once more."""
        await watch.next()
        if self._now() - self._asked >= RECHECK_S:
            self._asked = self._now()
            self._closed = not await _still(self._request)
        self._closed = self._closed or watch.failed


async def _news(store: BatchStore, batch: Batch | None, after: int) -> Sequence[FileRow]:
    """Files that were settled since; the database is asked only if there are some."""
    if batch is None or batch.judged + batch.refused <= after:
        return ()
    return await store.settled_since(batch.id, after, SOME)


async def _still(request: Request) -> bool:
    """Whether the key, or the sign-in, is good still."""
    try:
        await principal_of(request, Right.BATCH)
    except (UnauthorizedError, ForbiddenError):
        return False
    except (StoreError, TooManyRequestsError):  # it cannot be told now
        return True
    return True


def _event(name: str, data: dict[str, Any], number: int | None = None) -> str:
    line = "" if number is None else f"id: {number}\n"
    return f"{line}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _file(row: FileRow) -> dict[str, Any]:
    return {
        "position": row.position,
        "file": row.name,
        "reference": row.reference,
        "state": row.state.value,
        "verdict": row.verdict,
        "result_id": row.result_id,
        "error": None if row.fault is None else {"code": row.fault.code, "en": row.fault.en, "zh": row.fault.zh},
    }


def _progress(batch: Batch, now: datetime) -> dict[str, Any]:
    left_s = batch.left_s(now)
    return batch.counts | {"waiting": batch.waiting, "left_s": None if left_s is None else round(left_s, 1)}
