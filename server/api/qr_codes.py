"""``POST /v1/qr-code``: a link as a QR code, for the camera of a phone."""

import asyncio
import itertools
from typing import Annotated

import segno
from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError

from server.access.principal import Principal, Right
from server.api.bodies import json_body
from server.api.principals import needs
from server.api.problems import client_gone, config_error, documented
from server.api.uploads import GoneError, read_body
from server.wire.base import WireModel

router = APIRouter(tags=["pages"])

Caller = Annotated[Principal, needs(Right.INVITE)]

MAX_BYTES = 8 * 1024
BODY_S = 10.0
LONGEST = 2_000
"""Characters of a link, all ASCII. A QR code holds 2,953 bytes at the error correction L (ISO/IEC 18004),
which is enough on a screen, and has the largest modules."""


class QrCodeRequest(WireModel):
    """``text``: the link. It is in the body, for it may have a token, and kept nowhere."""

    text: str = Field(min_length=1, max_length=LONGEST, pattern=r"^[!-~]+$")


class QrCode(WireModel):
    """Draw ``path`` in dark on light, in a box of ``size`` by ``size``."""

    size: int = Field(description="Modules of a side, with a quiet zone of four on each.")
    path: str = Field(description="The dark modules, as the d of an SVG path.")


PROBLEMS = documented(
    {
        401: "No key and no sign-in, or one that is not valid.",
        403: "A key of another role, or refused because of Host or Origin.",
        408: "The body stalled.",
        413: "The body is over 8 KiB.",
        422: "The body has no text, or one that is too long for a QR code.",
        429: "The key was used too often; see Retry-After.",
    }
)


@router.post(
    "/v1/qr-code", summary="A link as a QR code", response_model=QrCode, responses=PROBLEMS,
    openapi_extra=json_body(QrCodeRequest),
)  # fmt: skip
async def qr_code(request: Request, caller: Caller) -> Response:
    """For a page that shows a patient's link. Not an address of a picture: that would put the token into logs."""
    try:
        asked = QrCodeRequest.model_validate_json(await read_body(request, MAX_BYTES, BODY_S) or b"{}")
    except GoneError:
        return client_gone()
    except ValidationError as error:
        raise config_error(error) from None
    drawn = await asyncio.to_thread(drawing_of, asked.text)
    return Response(drawn.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


def drawing_of(text: str) -> QrCode:
    """``text`` at the error correction L, as one horizontal bar per run of dark modules."""
    code = segno.make_qr(text, error="l", boost_error=False)
    border = code.default_border_size
    bars: list[str] = []
    for y, row in enumerate(code.matrix):
        x = 0
        for dark, run in itertools.groupby(row):
            width = len(list(run))
            if dark:
                bars.append(f"M{x + border} {y + border}h{width}v1h-{width}z")
            x += width
    return QrCode(size=len(code.matrix) + 2 * border, path="".join(bars))
