"""The contracts as documents: JSON Schema of the wire, and AsyncAPI of the sockets."""

from fastapi import APIRouter
from starlette.responses import Response

from server.wire.schema import SchemaKind, render

router = APIRouter(tags=["contract"])


@router.get("/v1/schema/{kind}", summary="JSON Schema (2020-12) of all messages, one side's, or the result; AsyncAPI")
async def schema(kind: SchemaKind) -> Response:
    return Response(render(kind), media_type="application/json")
