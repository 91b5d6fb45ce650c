"""The contracts as documents: JSON Schema of the wire and AsyncAPI of the sockets."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from server.api.problems import documented
from server.wire.schema import SchemaKind, render

router = APIRouter(tags=["contract"])


@router.get(
    "/v1/schema/{kind}",
    summary="JSON Schema (2020-12) of all messages, of one side's messages or of the result; or AsyncAPI",
    response_class=JSONResponse,
    responses=documented({422: "No such document."}),
)
async def schema(kind: SchemaKind) -> Response:
    """The same document that ``tingqing schema`` prints."""
    return Response(render(kind), media_type="application/json")
