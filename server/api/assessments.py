"""``/v1/assessments``: results that are kept, of sessions and files."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from server.access.audit import Act
from server.access.principal import Principal, Right
from server.api.exports import csv_response, json_response, xlsx_response
from server.api.principals import address_of, needs, note
from server.api.problems import documented
from server.api.record_rows import (
    CURSOR,
    OfDepartment,
    OfKind,
    OfLabels,
    OfReference,
    OfVerdict,
    Since,
    Until,
    cursor_after,
    place_in,
    records_of,
    row_of,
    wanted,
    with_result,
)
from server.api.services import Wired
from server.errors import RecordUnknownError
from server.wire.records import AssessmentDetail, AssessmentPage, AssessmentRow

router = APIRouter(tags=["records"])

Reader = Annotated[Principal, needs(Right.READ)]
Eraser = Annotated[Principal, needs(Right.ERASE)]

NO_STORE = {"Cache-Control": "no-store"}
PROBLEMS = documented(
    {
        401: "No key and no sign-in, or one that is not valid.",
        403: "A server without keys shows no results; or refused because of Host, Origin or the key's role.",
        404: "No such result is kept for this site, or this server keeps none.",
        422: "A filter, limit or cursor is out of range.",
        429: "The key was used too often; see Retry-After.",
        503: "No database; Retry-After says when to try again.",
    }
)

EXPORTS: dict[str, Any] = {
    "description": "A page; or, with format, all that is wanted as a file.",
    "content": {
        "application/json": {},
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
            "schema": {"type": "string", "format": "binary"}
        },
    },
}


@router.get(
    "/v1/assessments",
    summary="Kept results of the key's site, as a page or a file",
    response_model=AssessmentPage | list[AssessmentRow],
    responses={**PROBLEMS, 200: EXPORTS},
)
async def listed(
    request: Request,
    services: Wired,
    caller: Reader,
    since: Since = None,
    until: Until = None,
    kind: OfKind = None,
    verdict: OfVerdict = None,
    labels: OfLabels = None,
    reference: OfReference = None,
    department: OfDepartment = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=CURSOR, description="next of the page before.")] = None,
    form: Annotated[
        Literal["json", "csv", "xlsx"] | None,
        Query(alias="format", description="All that is wanted as one file, instead of a page."),
    ] = None,
) -> Response:
    """The latest end first. Filters are joined by *and*. With `format` everything that is wanted comes as one file, in
    the same order; `limit` and `cursor` do not count then."""
    records = records_of(services)
    asked = wanted(since, until, kind, verdict, labels, reference, department)
    if form is not None:
        await note(request, caller, Act.RECORDS_EXPORTED)
        make = {"json": json_response, "csv": csv_response, "xlsx": xlsx_response}[form]
        return await make(records, caller.site, asked)
    await services.gate.reads(caller, address_of(request))
    found = await records.page(caller.site, asked, limit + 1, None if cursor is None else place_in(cursor))
    page = found[:limit]
    following = cursor_after(page) if len(found) > limit else None
    told = AssessmentPage(assessments=[row_of(one) for one in page], next=following)
    return Response(told.model_dump_json(), headers=NO_STORE, media_type="application/json")


@router.get(
    "/v1/assessments/{record_id}",
    summary="A kept result in full",
    response_model=AssessmentDetail,
    responses=PROBLEMS,
)
async def one(request: Request, services: Wired, caller: Reader, record_id: str) -> Response:
    """With the result as it was sent, also after its session is forgotten elsewhere."""
    records = records_of(services)
    await note(request, caller, Act.RECORD_READ, record_id)
    record = await records.find(caller.site, record_id)
    if record is None:
        raise unknown()
    text = await asyncio.to_thread(lambda: with_result(row_of(record).model_dump_json(), record))
    return Response(text, headers=NO_STORE, media_type="application/json")


@router.delete(
    "/v1/assessments/{record_id}",
    summary="Delete a kept result for good",
    status_code=204,
    responses=PROBLEMS,
)
async def delete(request: Request, services: Wired, caller: Eraser, record_id: str) -> Response:
    """It is overwritten in the database and in its log, and no figure counts it any more. The audit says who did it."""
    records = records_of(services)
    await note(request, caller, Act.RECORD_DELETED, record_id)
    if services.routing is None:
        services.engine.checked_voices.forget(record_id, caller.site)
    else:
        await services.routing.voices.forget(record_id, caller.site)
    if not await records.delete(caller.site, record_id):
        raise unknown()
    return Response(status_code=204)


def unknown() -> RecordUnknownError:
    """The same for what never was, what is gone, and what another site has."""
    return RecordUnknownError("No such result is kept. 没有保存这个结果。")
