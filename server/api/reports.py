"""``GET /v1/assessments/{id}/report``: a kept result as a page, to be read, printed and passed on."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from server.access.audit import Act
from server.access.principal import Principal, Right
from server.api.assessments import NO_STORE, PROBLEMS, unknown
from server.api.principals import needs, note
from server.api.record_rows import records_of
from server.api.services import Wired
from server.records.making import unpacked
from server.rendering.page.document import POLICY, Document
from server.wire.result import ResultModel

router = APIRouter(tags=["records"])

Reader = Annotated[Principal, needs(Right.READ)]


@router.get(
    "/v1/assessments/{record_id}/report",
    summary="A kept result as a page",
    response_class=Response,
    responses={**PROBLEMS, 200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def report(
    request: Request,
    services: Wired,
    caller: Reader,
    record_id: str,
    language: Annotated[Literal["zh", "en"], Query(description="Of the page.")] = "zh",
) -> Response:
    """Of a session or a file: verdict, what cannot be used, voices, when each label failed, measures, advice. It loads
    nothing, and prints on A4."""
    records = records_of(services)
    await note(request, caller, Act.RECORD_READ, record_id)
    record = await records.find(caller.site, record_id)
    if record is None or record.body is None:
        raise unknown()
    page = await asyncio.to_thread(_page, record.body, record.levels, language)
    return Response(page, headers={**NO_STORE, "Content-Security-Policy": POLICY}, media_type="text/html")


def _page(body: bytes, levels: bytes | None, language: str) -> str:
    written: list[str] = []
    document = Document(language, written.append)
    document.add(ResultModel.model_validate_json(unpacked(body)), [-level for level in levels or b""])
    document.finish()
    return "".join(written)
