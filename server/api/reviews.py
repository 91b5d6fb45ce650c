"""``/v1/reviews``: recordings whose verdict is in doubt, and what people say who listened to them."""

import csv
import io
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from server.access.audit import Act
from server.access.gate import utc_now
from server.access.principal import Principal, Right
from server.api.assessments import unknown
from server.api.bodies import json_body
from server.api.exports import BOM, FORMULA, plain_cell
from server.api.principals import address_of, needs, note
from server.api.problems import client_gone, config_error, documented
from server.api.record_rows import records_of, row_of
from server.api.services import Wired
from server.api.uploads import GoneError, read_body
from server.records.kept import KeptRecord
from server.records.words import DoctorsWords
from server.values.rounding import unit
from server.wire.records import DoctorsModel, DoubtfulRow, ReviewList, ReviewRequest

router = APIRouter(tags=["records"])

Reviewer = Annotated[Principal, needs(Right.REVIEW)]

MAX_BYTES = 1024
BODY_S = 10.0
MOST = 100_000
"""Lines of a manifest."""

NO_STORE = {"Cache-Control": "no-store"}
PROBLEMS = documented(
    {
        401: "No key and no sign-in, or one that is not valid.",
        403: "A server without keys has no reviews; or refused because of Host, Origin or the key's role.",
        404: "No such result is kept for this site, or this server keeps none.",
        415: "The body is not JSON.",
        422: "limit is out of range, or the body does not say whether it was heard.",
        429: "The key was used too often; see Retry-After.",
        503: "No database; Retry-After says when to try again.",
    }
)
COLUMNS = ("path", "condition", "mode", "verdict", "heard")
VERDICTS = {True: "accept", False: "re-record|unusable", None: ""}
HEARD = {True: "1", False: "0", None: ""}


@router.get("/v1/reviews", summary="Recordings whose verdict is in doubt", responses=PROBLEMS)
async def doubtful(
    request: Request,
    services: Wired,
    caller: Reviewer,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    doctors: Annotated[
        Literal["all", "said"], Query(description="said: sessions alone of which a doctor said something.")
    ] = "all",
) -> ReviewList:
    """Those that nobody has reviewed, the nearest to the other verdict first, with what doctors said of them."""
    records, said = records_of(services), doctors == "said"
    await services.gate.reads(caller, address_of(request))
    found = await records.doubtful(caller.site, limit, said=said)
    left, reviewed = await records.reviews(caller.site, said=said)
    return ReviewList(doubtful=[_row(*one) for one in found], left=left, reviewed=reviewed)


def _row(record: KeptRecord, said: DoctorsWords) -> DoubtfulRow:
    return DoubtfulRow(
        **row_of(record).model_dump(),
        doubt=unit(record.doubt) or 0.0,
        failed=[label_id for label_id, passed in record.labels.items() if not passed],
        doctors=DoctorsModel(clear=said.clear, unclear=said.unclear),
    )


@router.get(
    "/v1/review-manifest",
    summary="Reviewed recordings as a manifest",
    response_class=Response,
    responses={**PROBLEMS, 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def manifest(request: Request, services: Wired, caller: Reviewer) -> Response:
    """The CSV file that `tingqing evaluate` reads, the latest reviewed first, at most 100,000: `path` is the file's
    name, or the reference of a session; put the manifest into the folder of the recordings. `heard` is what doctors
    said of a session, 1 or 0, empty where they differ; sessions of which they alone said something are there too."""
    records = records_of(services)
    await note(request, caller, Act.RECORDS_EXPORTED)
    written = io.StringIO(BOM)
    written.seek(0, io.SEEK_END)
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(COLUMNS)
    for record, heard, said in await records.reviewed(caller.site, MOST):
        department = plain_cell(_plain(record.department)) or "all"
        lines.writerow((_path(record), department, record.mode, VERDICTS[heard], HEARD[said.heard]))
    headers = NO_STORE | {"Content-Disposition": 'attachment; filename="manifest.csv"'}
    return Response(written.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


def _path(record: KeptRecord) -> str:
    """Within the folder of the manifest, and nothing that a spreadsheet computes."""
    name = _plain(record.name or record.reference or record.id)
    return f"./{name}" if name.startswith(FORMULA) else name


def _plain(text: str) -> str:
    return " ".join(text.split())


@router.put(
    "/v1/reviews/{record_id}",
    summary="Say whether a person can hear it",
    status_code=204,
    responses=PROBLEMS,
    openapi_extra=json_body(ReviewRequest),
)
async def review(request: Request, services: Wired, caller: Reviewer, record_id: str) -> Response:
    """`{"heard": true}`: what the patient says can be heard; `false`: it cannot; `null` takes back what was said."""
    records = records_of(services)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send application/json.")
    try:
        asked = ReviewRequest.model_validate_json(await read_body(request, MAX_BYTES, BODY_S) or b"{}")
    except GoneError:
        return client_gone()
    except ValidationError as error:
        raise config_error(error) from None
    await note(request, caller, Act.RECORD_REVIEWED, record_id)
    if not await records.review(caller.site, record_id, asked.heard, caller.who, utc_now()):
        raise unknown()
    return Response(status_code=204)
