"""``GET /v1/batches/{id}/report``: a batch as one page, to be read, printed and passed on."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from server.access.audit import Act
from server.access.principal import Principal, Right
from server.api.assessments import NO_STORE
from server.api.batches import COMMON, found
from server.api.principals import needs, note
from server.api.problems import documented
from server.api.services import Wired
from server.batches.batch import FileRow
from server.errors import ConfigError
from server.rendering.page.document import POLICY, Document
from server.wire.result import ResultModel

router = APIRouter(tags=["batches"])

Caller = Annotated[Principal, needs(Right.BATCH)]

MOST_FILES = 1000
"""Of a page that a browser still shows: some 20 kB of each."""

SOME = 8
"""Files that are read at a time, with their results."""

PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
}


@router.get(
    "/v1/batches/{batch_id}/report",
    summary="A batch as a page",
    response_class=Response,
    responses=documented(COMMON | {422: f"The language is unknown, or there are more than {MOST_FILES} files."}) | PAGE,
)
async def report(
    request: Request,
    services: Wired,
    caller: Caller,
    batch_id: str,
    language: Annotated[Literal["zh", "en"], Query(description="Of the page.")] = "zh",
) -> Response:
    """A summary of all files that are settled, and a report of each; those that were refused, with the reason. It loads
    nothing, and prints on A4."""
    batch = await found(services, caller, batch_id)
    if batch.files > MOST_FILES:
        raise ConfigError(
            f"A page holds {MOST_FILES} files, and this batch has {batch.files}. Take /results?format=xlsx.",
            param="batch_id",
        )
    await note(request, caller, Act.BATCH_READ, batch.id)
    desk, records = services.batches, services.records
    assert desk is not None
    written: list[str] = []
    document, after = Document(language, written.append), 0
    while rows := await desk.store.rows(batch.id, after=after, limit=SOME, results=True):
        ids = [row.result_id for row in rows if row.result_id is not None]
        kept = {} if records is None else {one: await records.find(caller.site, one) for one in ids}
        levels = {one: record.levels for one, record in kept.items() if record is not None}
        await asyncio.to_thread(_add, document, rows, levels)
        after = rows[-1].position
    await asyncio.to_thread(document.finish)
    return Response("".join(written), headers={**NO_STORE, "Content-Security-Policy": POLICY}, media_type="text/html")


def _add(document: Document, rows: Sequence[FileRow], levels: dict[str, bytes | None]) -> None:
    for row in rows:
        text = row.result_text()
        if text is not None:
            document.add(
                ResultModel.model_validate_json(text), [-level for level in levels.get(row.result_id or "") or b""]
            )
        elif row.fault is not None:
            document.add_unread(row.name, row.fault.en, row.fault.zh)
