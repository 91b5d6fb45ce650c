"""The contracts as documents: JSON Schema of the wire and AsyncAPI of the sockets."""

import json
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.api.addresses import socket_base_of
from server.api.problems import documented
from server.wire.schema import SchemaKind, render

router = APIRouter(tags=["contract"])


@router.get(
    "/v1/schema/{kind}",
    summary="JSON Schema (2020-12) of all messages, of one side's messages or of the result; or AsyncAPI",
    response_class=JSONResponse,
    responses=documented({422: "No such document."}),
)
async def schema(request: Request, kind: SchemaKind) -> Response:
    """The same document that ``tingqing schema`` prints; AsyncAPI names this server."""
    if kind != "asyncapi":
        return Response(render(kind), media_type="application/json")
    document = json.loads(render(kind))
    here = urlsplit(socket_base_of(request))
    document["servers"] = {"this": {"host": here.netloc, "protocol": here.scheme}}
    if here.path:
        document["servers"]["this"]["pathname"] = here.path
    return JSONResponse(document)
