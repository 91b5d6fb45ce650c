"""``/v1/batches``: many recordings at once; how far they are, what came out, and their end."""

import asyncio
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field, ValidationError
from starlette.responses import Response

from server.access.audit import Act
from server.access.gate import utc_now
from server.access.principal import Principal, Right
from server.api.assess import AssessForm
from server.api.batch_events import events_response
from server.api.batch_exports import Format, exported, page
from server.api.batch_upload import ReceivedBatch, received
from server.api.idempotency import PARAMETER, turn
from server.api.principals import needs, note
from server.api.problems import client_gone, config_error, documented
from server.api.services import Services, Wired
from server.api.uploads import GoneError
from server.batches.batch import Batch, Options
from server.batches.folder import Coming
from server.errors import CapacityError, NoBatchesError, UnknownBatchError
from server.wire.batches import BatchModel

router = APIRouter(tags=["batches"])

Caller = Annotated[Principal, needs(Right.BATCH)]

ID_BYTES = 16


class BatchForm(AssessForm):
    """The text fields sent with the files; those of ``POST /v1/assess`` hold for each file."""

    windows: Any = Field(default="none", pattern=r"^(thinned|all|none)$")


BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": "Recordings, and ZIP archives of recordings. Bytes decide what a file is. A "
                        "file of JSON lines of a recording's name, visit.amr.jsonl or visit.jsonl for visit.amr, is "
                        "its transcript, as for POST /v1/assess.",
                    },
                    "manifest": {
                        "type": "string",
                        "format": "binary",
                        "description": "References by file name: CSV with the columns file, reference, attempt_of, or "
                        "JSON, [{file, reference}] or {file: reference}.",
                    },
                    "reference": {"type": "string", "description": "Of the batch, repeated, never logged."},
                    "labels": {"type": "string", "description": "As for POST /v1/assess, for each file."},
                    "mode": {"type": "string", "enum": ["recording", "visit"], "default": "recording"},
                    "source": {"type": "string", "enum": ["file", "line", "telephone"], "default": "file"},
                    "channels": {"type": "string", "description": "As for POST /v1/assess, for each file."},
                    "raw": {"type": "string", "description": "As for POST /v1/assess, for each file."},
                    "windows": {
                        "type": "string",
                        "enum": ["none", "thinned", "all"],
                        "default": "none",
                        "description": "Of how many windows each result tells.",
                    },
                },
            },
        }
    },
}

COMMON = {
    401: "No key, or one that is not valid.",
    403: "Refused because of Host, Origin or the key's role.",
    404: "There is no such batch of this site, or this server has no data folder.",
    429: "The key was used too often; see Retry-After.",
    503: "Too many batches or files wait, no database, or shutting down; Retry-After says when to try again.",
}
POSTED = COMMON | {
    400: "The multipart body is malformed or has no file.",
    408: "The upload stalled.",
    409: "The first request with this Idempotency-Key is still being answered.",
    413: "The body is too large, or has too many files.",
    415: "The body is not multipart.",
    422: "A field or the manifest is invalid, the labels cannot be resolved, or the Idempotency-Key came with another "
    "body before.",
    507: "No room on the disk; Retry-After says when to try again.",
}


STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events `file`, `progress`, `done`."}
}
PAGES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of results; or all of them, as a file.",
        "content": {
            "application/json": {},
            "text/csv": {},
            "application/x-ndjson": {},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {},
        },
    }
}


@router.post(
    "/v1/batches",
    summary="Send many recordings",
    status_code=202,
    response_model=BatchModel,
    responses=documented(POSTED),
    openapi_extra={"requestBody": BODY, "parameters": [PARAMETER]},
)
async def post(request: Request, services: Wired, caller: Caller) -> Response:
    """Up to 500 files, plain or in ZIP archives. They are judged one after another, after live sessions and beside
    single uploads, and each is deleted as soon as it is judged. A file that is refused says why; the others go on."""
    desk = services.batches
    if desk is None:
        raise no_batches()
    await note(request, caller, Act.BATCH_SENT)
    try:
        async with desk.doors.entered():
            coming = await asyncio.to_thread(desk.folders.coming)
            try:
                got = await received(request, coming, desk.limits, services.uploads.timeout_s)
                return await _added(services, request, caller, coming, got)
            finally:
                await asyncio.to_thread(coming.drop)
    except GoneError:
        return client_gone()


async def _added(
    services: Services, request: Request, caller: Principal, coming: Coming, got: ReceivedBatch
) -> Response:
    desk = services.batches
    assert desk is not None
    async with turn(services.repeats, request, caller.site, got.digest) as here:
        if here.answered is not None:
            return here.answered
        form = _form(got.fields)
        form.roles(), form.raw_format()
        await asyncio.to_thread(services.engine.dictionaries.resolve, form.label_query())
        options = Options(form.label_query(), form.mode.value, form.source, form.channels, form.raw, form.windows)
        batch_id = here.work_id or secrets.token_hex(ID_BYTES)
        if here.work_id and (made := await desk.store.find(caller.site, batch_id)) is not None:
            return here.keep(_accepted(made, got))
        refused = sum(each.fault is not None for each in got.files)
        new = Batch(batch_id, caller.site, form.reference, utc_now(), options, len(got.files), refused=refused)
        new = new if new.waiting else replace(new, finished_at=new.created_at)
        answer = _accepted(new, got)
        await asyncio.to_thread(desk.folders.remove, new.id)  # of a process that died before it was written down
        await asyncio.to_thread(coming.keep, new.id)
        try:
            await desk.store.add(new, got.files, desk.most_waiting, desk.most_bytes, here.beforehand(answer))
        except CapacityError:  # refused: surely not written down
            await asyncio.to_thread(desk.folders.remove, new.id)
            raise
        # After any other fault it may be written down, and needs its files; if it is not, the sweep removes them.
        desk.wake()
        return here.keep(answer)


def _accepted(batch: Batch, got: ReceivedBatch) -> Response:
    model = batch_model(batch, utc_now(), got.unmatched)
    headers = {"Location": f"/v1/batches/{batch.id}"}
    return Response(model.model_dump_json(), 202, headers, "application/json")


def _form(fields: dict[str, str]) -> BatchForm:
    try:
        return BatchForm.model_validate(fields)
    except ValidationError as error:
        raise config_error(error) from None


def batch_model(batch: Batch, now: datetime, unmatched: int | None = None) -> BatchModel:
    """As it is answered."""
    left_s = batch.left_s(now)
    return BatchModel(
        id=batch.id,
        reference=batch.reference,
        state=batch.state.value,
        created_at=batch.created_at,
        finished_at=batch.finished_at,
        waiting=batch.waiting,
        left_s=None if left_s is None else round(left_s, 1),
        manifest_unmatched=unmatched,
        **batch.counts,
    )


async def found(services: Services, caller: Principal, batch_id: str) -> Batch:
    """Raises UnknownBatchError, NoBatchesError, StoreError."""
    if services.batches is None:
        raise no_batches()
    batch = await services.batches.store.find(caller.site, batch_id)
    if batch is None:
        raise UnknownBatchError("There is no such batch.", zh="没有这个批次。")
    return batch


def no_batches() -> NoBatchesError:
    """What to do where there are none."""
    return NoBatchesError(
        "This server has no data folder, which batches need. Serve with --data-dir.",
        zh="此服务器没有数据目录，无法接收批次。请使用 --data-dir 启动。",
    )


@router.get("/v1/batches/{batch_id}", summary="How far a batch is", responses=documented(COMMON))
async def get(services: Wired, caller: Caller, batch_id: str) -> BatchModel:
    """Counts by state and verdict, and the seconds that it is likely to take."""
    return batch_model(await found(services, caller, batch_id), utc_now())


@router.get(
    "/v1/batches/{batch_id}/events",
    summary="The progress of a batch, as server-sent events",
    response_class=Response,
    responses=STREAM | documented(COMMON),
)
async def events(request: Request, services: Wired, caller: Caller, batch_id: str) -> Response:
    """`file` for each file that is judged or refused, in that order, its number as the event's id; `progress` after
    some of them; `done` in the end. `Last-Event-ID` goes on after the file of that number."""
    return await events_response(request, services, caller, await found(services, caller, batch_id))


@router.get(
    "/v1/batches/{batch_id}/results",
    summary="The results of a batch",
    response_class=Response,
    responses=PAGES | documented(COMMON | {422: "limit, cursor or format is out of range."}),
)
async def results(
    request: Request,
    services: Wired,
    caller: Caller,
    batch_id: str,
    format_: Annotated[Format, Query(alias="format")] = "json",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,9}$", description="next of the page before.")] = None,
) -> Response:
    """In the order in which the files were sent; those that wait are listed too. A page may have fewer than `limit` if
    results are large. `csv`, `jsonl` and `xlsx` give all of them, streamed."""
    batch = await found(services, caller, batch_id)
    await note(request, caller, Act.BATCH_READ, batch.id)
    desk = services.batches
    assert desk is not None
    if format_ != "json":
        return await exported(desk.store, batch, format_)
    return await page(desk.store, batch, int(cursor or 0), limit)


@router.delete("/v1/batches/{batch_id}", summary="Delete a batch", status_code=204, responses=documented(COMMON))
async def delete(request: Request, services: Wired, caller: Caller, batch_id: str) -> Response:
    """Its files and results, at once. What is being judged is let go, and nothing of it is kept."""
    batch = await found(services, caller, batch_id)
    await note(request, caller, Act.BATCH_DELETED, batch.id)
    desk = services.batches
    assert desk is not None
    await desk.store.delete(caller.site, batch.id)
    await asyncio.to_thread(desk.folders.remove, batch.id)
    return Response(status_code=204)
