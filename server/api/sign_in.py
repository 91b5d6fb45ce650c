"""``/v1/sign-in``: a person at one of our pages shows a viewer's, doctor's or admin's key, and leaves again."""

import logging

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException

from server.access.audit import Act
from server.access.principal import Right
from server.api.bodies import json_body
from server.api.cookies import cookie_of, drop_cookies, set_cookie
from server.api.principals import address_of, note, own_page, principal_of
from server.api.problems import client_gone, config_error, documented
from server.api.services import Wired, services_of
from server.api.uploads import GoneError, read_body
from server.errors import ForbiddenError, StoreError, TooManyRequestsError, UnauthorizedError
from server.wire.base import WireModel

router = APIRouter(tags=["pages"])
log = logging.getLogger(__name__)

MAX_BYTES = 4096
BODY_S = 10.0
NO_STORE = {"Cache-Control": "no-store"}


class SignInRequest(WireModel):
    """The key, as ``tingqing keys create`` printed it, of the role ``viewer``, ``doctor`` or ``admin``."""

    key: str = Field(min_length=1, max_length=200)


class SignInState(WireModel):
    """``needed``: the server has keys. ``site``: whose sessions the browser may watch, null if nobody signed in.
    ``invites``: whether it may also announce new ones. ``uploads``: whether it may have recordings judged.
    ``webhooks``: whether it may see which webhooks could not be delivered."""

    needed: bool
    site: str | None = None
    invites: bool = False
    uploads: bool = False
    webhooks: bool = False


@router.get("/v1/sign-in", summary="Whether a page must sign in, and has")
async def state(request: Request, response: Response, services: Wired) -> SignInState:
    """For our pages, which cannot read the cookie."""
    response.headers.update(NO_STORE)
    if not await services.gate.keyed():
        return SignInState(needed=False, invites=True, uploads=True)
    try:
        who = await principal_of(request, Right.OBSERVE) if cookie_of(request) else None
    except UnauthorizedError:
        who = None
    if who is None:
        return SignInState(needed=True)
    return SignInState(
        needed=True,
        site=who.site,
        invites=who.may(Right.INVITE),
        uploads=who.may(Right.ASSESS),
        webhooks=who.may(Right.WEBHOOKS),
    )


PROBLEMS = documented(
    {
        401: "This key is not valid.",
        403: "Not a viewer's, doctor's or admin's key, no keys at all, or not asked by a page of this server.",
        415: "The body is not JSON.",
        422: "The body has no key.",
        429: "Many wrong keys came from this address; see Retry-After.",
        503: "The database does not answer.",
    }
)


@router.post(
    "/v1/sign-in",
    summary="Sign in with a viewer's, doctor's or admin's key",
    status_code=204,
    responses=PROBLEMS,
    openapi_extra=json_body(SignInRequest),
)
async def sign_in(request: Request, services: Wired) -> Response:
    """The answer sets a cookie, with which pages of this server watch the sessions of the key's site."""
    own_page(request)  # or another site could sign a visitor in as somebody else
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send application/json.")
    try:
        asked = SignInRequest.model_validate_json(await read_body(request, MAX_BYTES, BODY_S) or b"{}")
    except GoneError:
        return client_gone()
    except ValidationError as error:
        raise config_error(error) from None
    if not await services.gate.keyed():
        raise ForbiddenError("This server has no keys; its pages need no sign-in.", param="key")
    who = await services.gate.caller(f"Bearer {asked.key}", address_of(request))
    cookie = await services.gate.sign_ins.issue(who)
    await note(request, who, Act.PAGE_SIGNED_IN)
    response = Response(status_code=204, headers=NO_STORE)
    set_cookie(request, response, cookie, int(services.gate.sign_ins.lasts.total_seconds()))
    return response


@router.delete(
    "/v1/sign-in",
    summary="Sign out",
    status_code=204,
    responses=documented({403: "Not asked by a page of this server."}),
)
async def sign_out(request: Request) -> Response:
    """The browser forgets the cookie. Sockets that are open stay until they close."""
    own_page(request)
    cookie, gate = cookie_of(request), services_of(request).gate
    try:
        if cookie and await gate.keyed():
            await note(request, await gate.signing_out(cookie), Act.PAGE_SIGNED_OUT)
    except UnauthorizedError:
        pass  # it was over anyway
    except (StoreError, TooManyRequestsError) as error:
        log.warning("a page signed out, which the audit does not say: %s", error.message)
    response = Response(status_code=204, headers=NO_STORE)
    drop_cookies(request, response)
    return response
