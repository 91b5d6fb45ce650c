"""``Idempotency-Key``: a request that is sent again gets the answer of the first, for a day.

As https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ describes it. A key belongs to a site and
a route. Only answers that settle something are kept: after an error the same key tries again. What a request makes is
written with its answer, and has an id that the key decides: where nothing was written, it is made again with the same.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from server.access.gate import utc_now
from server.batches.repeats import LASTS, Answered, Kept, RepeatStore, work_of
from server.errors import ConfigError, RepeatedKeyError, RepeatUnderWayError
from server.scoring.until_done import to_thread_until_done

HEADER = "Idempotency-Key"
FORM = re.compile(r"[\x21-\x7e]{1,255}")
AGAIN_S = 2.0
BLOCK = 1024 * 1024
REPEATED = "Idempotency-Replayed"
"""Of an answer that was given before."""

PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "A new one for each request, such as a UUID. Sent again within 24 h with the same body, it gets the "
    "same answer and nothing is done twice; with another body, 422.",
    "example": "0b5c6f9e-6a0e-4a54-8c2b-0a3f7f1f8e11",
}


@dataclass(slots=True)
class Turn:
    """``answered``: what was answered to the same request before, if it was. ``keep`` the answer of this one.

    ``work_id``: of what the request makes. Where the same work is taken up again, it is the same: what was made then is
    not made twice. ``digest``: of the key. Both are ``None`` without a key.
    """

    answered: Response | None
    work_id: str | None = None
    digest: str | None = None
    kept: Kept | None = None

    def beforehand(self, response: Response) -> Answered | None:
        """For what can be written with its answer in one transaction; ``keep`` the answer afterwards all the same."""
        return None if self.digest is None else Answered(self.digest, Kept(response.status_code, bytes(response.body)))

    def keep(self, response: Response) -> Response:
        """It will be given again."""
        if 200 <= response.status_code < 300:
            self.kept = Kept(response.status_code, bytes(response.body))
        return response


def key_of(request: Request) -> str | None:
    """The header; ``None`` without one. Raises ConfigError."""
    given = request.headers.get(HEADER)
    if given is not None and FORM.fullmatch(given) is None:
        raise ConfigError(f"{HEADER}: 1 to 255 visible ASCII characters.", param=HEADER)
    return given


async def body_digest(form: FormData) -> str:
    """Of names and contents of all fields, whatever the boundary was; for ``turn``, where there is a key."""

    def digest() -> str:
        found = hashlib.sha256()
        for name, value in sorted(form.multi_items(), key=lambda item: item[0]):
            found.update(f"\0{name}\0{value.filename if isinstance(value, UploadFile) else ''}\0".encode())
            if isinstance(value, UploadFile):
                value.file.seek(0)
                while block := value.file.read(BLOCK):
                    found.update(block)
                value.file.seek(0)
            else:
                found.update(value.encode())
        return found.hexdigest()

    return await to_thread_until_done(digest)


@asynccontextmanager
async def turn(store: RepeatStore, request: Request, site: str, body: str) -> AsyncIterator[Turn]:
    """The block does the work unless it was ``answered``. ``body``: digest of what was sent.

    Raises ConfigError; RepeatedKeyError if the key came with another body; RepeatUnderWayError while the first is
    being answered.
    """
    key = key_of(request)
    if key is None:
        yield Turn(None)
        return
    digest = hashlib.sha256(f"{site}\0{request.url.path}\0{key}".encode()).hexdigest()
    begun = await store.begin(digest, site, body, utc_now(), utc_now() - LASTS)
    if begun.body != body:
        raise RepeatedKeyError(
            "This Idempotency-Key came with another body. Use a new one.",
            zh="这个 Idempotency-Key 已用于另一个请求。请换一个新的。",
            param=HEADER,
        )
    if begun.kept is not None:
        yield Turn(Response(begun.kept.answer, begun.kept.status, {REPEATED: "true"}, "application/json"))
        return
    if not begun.mine:
        raise RepeatUnderWayError(
            "The first of these requests is still being answered.",
            zh="同一个请求的第一次还在处理中。请稍后再试。",
            retry_after_s=AGAIN_S,
        )
    here = Turn(None, work_of(digest, body, begun.since), digest)
    try:
        yield here
    finally:
        await store.end(digest, here.kept)
