"""``GET /v1/sessions``: which sessions a site has and had; one of them; and its deletion."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from server.access.audit import Act
from server.access.principal import Principal, Right
from server.api.principals import address_of, needs, note
from server.api.problems import documented
from server.api.record_rows import (
    EPOCH,
    MICROSECOND,
    OfLabels,
    OfReference,
    OfVerdict,
    Since,
    Until,
    cursor_after,
    place_in,
    records_of,
    wanted,
    with_result,
)
from server.api.services import Services, Wired
from server.errors import RecordUnknownError, SessionRunsError
from server.logs import about_session
from server.records.kept import KeptRecord, RecordKind
from server.records.ports import Wanted
from server.values.rounding import unit
from server.wire.sessions import ListedSession, SessionDetail, SessionList

router = APIRouter(tags=["sessions"])

Staff = Annotated[Principal, needs(Right.LIST)]
Reader = Annotated[Principal, needs(Right.READ)]
Eraser = Annotated[Principal, needs(Right.ERASE)]

LIST_PROBLEMS = documented(
    {
        401: "No key and no sign-in, or one that is not valid.",
        403: "A server without keys lists nothing; or refused because of Host or Origin.",
        422: "A filter, limit or cursor is out of range.",
        429: "The key was used too often; see Retry-After.",
        503: "No database; Retry-After says when to try again.",
    }
)
PROBLEMS = LIST_PROBLEMS | documented({404: "The site has no such session, or its result is not kept."})
DELETE_PROBLEMS = PROBLEMS | documented({409: "The session has not ended yet."})
NO_STORE = {"Cache-Control": "no-store"}


@router.get("/v1/sessions", summary="The sessions of the key's site", responses=LIST_PROBLEMS)
async def listed(
    request: Request,
    services: Wired,
    caller: Staff,
    state: Annotated[
        Literal["all", "running", "ended"], Query(description="running: expected ones too. ended: those that are kept.")
    ] = "all",
    since: Since = None,
    until: Until = None,
    verdict: OfVerdict = None,
    labels: OfLabels = None,
    reference: OfReference = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(pattern=r"^e?\d{1,17}-[0-9a-f]{8}$", description="next of the page before.")
    ] = None,
) -> SessionList:
    """First those that are expected and those that go on, the latest first; then those that have ended, the latest end
    first, where results are kept. `from`, `to`, `verdict` and `labels` choose among those that have ended."""
    await services.gate.looks(caller, address_of(request))
    asked = wanted(since, until, "session", verdict, labels, reference)
    page: list[ListedSession] = []
    only_ended = state == "ended" or any(one is not None for one in (since, until, verdict, labels))
    if not (only_ended or (cursor is not None and cursor.startswith("e"))):
        page, more = await _running(services, caller.site, reference, limit, cursor)
        if more:
            return SessionList(sessions=page, next="{}-{}".format(*_place(page[-1])))
        cursor = None
    if state == "running" or services.records is None:
        return SessionList(sessions=page, next=None)
    ended, following = await _ended(services, caller.site, asked, limit - len(page), cursor)
    return SessionList(sessions=page + ended, next=following)


async def _running(
    services: Services, site: str, reference: str | None, limit: int, cursor: str | None
) -> tuple[list[ListedSession], bool]:
    """A page, and whether there are more."""
    before = None if cursor is None else _place_in(cursor)
    found = sorted(await _of_all_workers(services, site), key=_place, reverse=True)
    left = [one for one in found if before is None or _place(one) < before]
    left = [one for one in left if reference in (None, one.reference)]
    return left[:limit], len(left) > limit


async def _ended(
    services: Services, site: str, asked: Wanted, limit: int, cursor: str | None
) -> tuple[list[ListedSession], str | None]:
    """A page, perhaps of none, and the cursor of the next."""
    records = records_of(services)
    after = place_in(cursor) if cursor is not None and cursor.startswith("e") else None
    found = await records.page(site, asked, limit + 1, after)
    page = found[:limit]
    if len(found) <= limit:
        return [_of(one) for one in page], None
    return [_of(one) for one in page], cursor_after(page) if page else FROM_THE_LATEST


FROM_THE_LATEST = f"e{'9' * 17}-{'f' * 8}"
"""The cursor of a page before which no ended session was shown."""


def _of(record: KeptRecord) -> ListedSession:
    return ListedSession.model_validate(
        {
            "id": record.id,
            "state": "ended",
            "since": record.started_at,
            "mode": record.mode,
            "reference": record.reference,
            "attempt_of": record.attempt_of,
            "grade": record.grade,
            "score": unit(record.score),
            "prompts": [],
            "observers": 0,
            "ended_at": record.ended_at,
            "verdict": record.verdict,
            "reason": record.reason,
        }
    )


@router.get(
    "/v1/sessions/{session_id}", summary="A session of the key's site", response_model=SessionDetail, responses=PROBLEMS
)
async def one(request: Request, services: Wired, caller: Reader, session_id: str) -> Response:
    """As in the list, with the result of one that has ended, where results are kept."""
    about_session(session_id)
    await note(request, caller, Act.RECORD_READ, session_id)
    for going_on in await _of_all_workers(services, caller.site):
        if going_on.id == session_id:
            text = SessionDetail(**going_on.model_dump()).model_dump_json()
            return Response(text, headers=NO_STORE, media_type="application/json")
    record = None if services.records is None else await services.records.find(caller.site, session_id)
    if record is None or record.kind is not RecordKind.SESSION:
        raise unknown()
    text = await asyncio.to_thread(lambda: with_result(_of(record).model_dump_json(), record))
    return Response(text, headers=NO_STORE, media_type="application/json")


@router.delete(
    "/v1/sessions/{session_id}",
    summary="Delete an ended session for good",
    status_code=204,
    responses=DELETE_PROBLEMS,
)
async def delete(request: Request, services: Wired, caller: Eraser, session_id: str) -> Response:
    """Its result is overwritten in the database and in its log, and no figure counts it any more."""
    about_session(session_id)
    records = records_of(services)
    await note(request, caller, Act.RECORD_DELETED, session_id)
    if any(one.id == session_id for one in await _of_all_workers(services, caller.site)):
        raise SessionRunsError("This session has not ended. End it first. 会话尚未结束，请先结束会话。")
    record = await records.find(caller.site, session_id)
    if record is None or record.kind is not RecordKind.SESSION or not await records.delete(caller.site, session_id):
        raise unknown()
    return Response(status_code=204)


def unknown() -> RecordUnknownError:
    """The same for what never was, what is gone, and what another site has."""
    return RecordUnknownError("There is no such session, or its result is not kept. 没有这个会话，或没有保存其结果。")


async def _of_all_workers(services: Services, site: str) -> list[ListedSession]:
    """Each once, also one that is just moving from one worker to another."""
    found = services.manager.listing.of(site)
    if services.routing is not None:
        found += [ListedSession.model_validate_json(text) for text in await services.routing.listed(site)]
    return list({one.id: one for one in found}.values())


def _place(one: ListedSession) -> tuple[int, str]:
    """Where it stands in the list. A cursor is in addresses, and so in logs of proxies: no whole id."""
    return (one.since - EPOCH) // MICROSECOND, one.id[:8]


def _place_in(cursor: str) -> tuple[int, str]:
    microseconds, _, digits = cursor.partition("-")
    return int(microseconds), digits
