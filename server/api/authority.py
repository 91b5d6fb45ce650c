"""``GET /ca.crt``: what a device has to trust, where the server's certificate is by an authority of its own."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from server.api.services import Wired

router = APIRouter()

MEDIA_TYPE = "application/x-x509-ca-cert"
"""At which iOS offers a profile, and Android and desktops a certificate, to install."""


@router.get("/ca.crt", include_in_schema=False)
async def authority(services: Wired) -> Response:
    """The certificate in DER; 404 where a public authority issued the server's, or a proxy has it."""
    found = None if services.tls is None else services.tls.authority()
    if found is None:
        raise HTTPException(404, "This server's certificate is not by an authority of its own.")
    return Response(found, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})
