"""The progress of a batch as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from server.access.gate import utc_now
from server.api.services import Services
from server.batches.batch import Batch, FileRow

LOOK_S = 0.5
BEAT_S = 15.0
"""A comment at least so often, by which both ends and what is between them know that the line lives."""

LONGEST_S = 3600.0
"""Then it ends, and the browser comes again with its last id."""

RETRY_MS = 3000
SOME = 200


async def events_response(request: Request, services: Services, batch: Batch) -> Response:
    """Until the batch is done, deleted, or the server stops."""
    given = request.headers.get("last-event-id", "")
    after = int(given) if given.isdecimal() and len(given) < 10 else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(services, batch, after), media_type="text/event-stream", headers=headers)


async def _events(services: Services, batch: Batch, after: int) -> AsyncIterator[str]:
    desk, loop = services.batches, asyncio.get_running_loop()
    assert desk is not None
    began = spoke = loop.time()
    yield f"retry: {RETRY_MS}\n\n"
    while loop.time() - began < LONGEST_S and not services.manager.draining:
        # The batch first: what it counts as settled is then among the rows.
        now = await desk.store.find(batch.site, batch.id)
        rows = await desk.store.settled_since(batch.id, after, SOME)
        for row in rows:
            after = row.settled or after
            yield _event("file", _file(row), after)
        if now is None:
            return
        if rows:
            yield _event("progress", _progress(now, utc_now()))
            spoke = loop.time()
        if now.finished_at is not None and len(rows) < SOME and after >= now.files:
            yield _event("done", now.counts)
            return
        if len(rows) == SOME:
            continue
        if loop.time() - spoke >= BEAT_S:
            yield ": \n\n"
            spoke = loop.time()
        await asyncio.sleep(LOOK_S)


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
