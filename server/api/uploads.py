"""Reads a multipart upload within limits: counts its size as it streams, times out, and notices disconnects."""

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Coroutine
from typing import TypeVar

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from server.errors import IdleTimeoutError, MalformedMessageError, NoRoomError, PayloadTooLargeError

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_FILES = 2
"""The recording, and what was said in it."""

MAX_FIELDS = 16
MAX_FIELD_BYTES = 64 * 1024

CHARSETS = (b"utf-8", b"utf8", b"us-ascii")

MIN_BYTES_PER_S = 1000
"""Slower than any usable connection. Without a minimum, a client that sends a byte now and then would hold a slot for
ever.
"""


ROOM_AFTER_S = 60.0


class GoneError(Exception):
    """The client has disconnected; there is nobody to answer."""


async def read_form(request: Request, max_bytes: int, timeout_s: float) -> FormData:
    """The form of a ``multipart/form-data`` request; its file is spooled to disk and closed with the form.

    Raises PayloadTooLargeError, IdleTimeoutError, MalformedMessageError, NoRoomError, HTTPException 415, GoneError.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(415, "Send multipart/form-data with the recording in the field 'file'.")
    _, options = parse_options_header(request.headers["content-type"])
    if options.get(b"charset", b"utf-8").lower() not in CHARSETS:
        # Python looks codecs up by any name, remembers each for ever, and some of them fail in their own ways.
        raise HTTPException(415, "The text fields of the form are UTF-8; leave out the charset.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large(max_bytes)
    within = Request(request.scope, limited(request.receive, max_bytes, timeout_s))
    try:
        return await within.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    except ClientDisconnect:
        raise GoneError from None
    except HTTPException as error:
        raise MalformedMessageError(f"The multipart body cannot be read: {error.detail}", param="file") from None
    except OSError as error:
        raise no_room(error) from error


def no_room(error: Exception) -> NoRoomError:
    """The upload could not be kept in a temporary file; the log says why."""
    why = getattr(error, "strerror", None) or type(error).__name__
    log.error("nothing can be kept in %s: %s", tempfile.tempdir or "the temporary folder", why)
    return NoRoomError(
        "The server has no room for the upload. Try again later; its operator must make room for temporary files.",
        zh="服务器的磁盘空间不足，无法接收上传。请稍后再试；管理员需要清理临时文件所在的磁盘。",
        param="file",
        retry_after_s=ROOM_AFTER_S,
    )


async def read_body(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    """A short body. Raises PayloadTooLargeError, IdleTimeoutError, GoneError."""
    try:
        return await Request(request.scope, limited(request.receive, max_bytes, timeout_s)).body()
    except ClientDisconnect:
        raise GoneError from None


def file_of(form: FormData) -> UploadFile:
    """The field ``file``. Raises MalformedMessageError if it is missing or is text."""
    given = form.getlist("file")
    if len(given) > 1:
        raise MalformedMessageError("There is more than one recording. Send each alone, or a batch.", param="file")
    upload = given[0] if given else None
    if not isinstance(upload, UploadFile):
        raise MalformedMessageError("The recording is missing. Send it as a file in the field 'file'.", param="file")
    return upload


async def unless_gone(request: Request, work: Coroutine[None, None, T]) -> T:
    """Do ``work``, but cancel it if the client disconnects. Raises GoneError then, or what ``work`` raises."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_until_gone(request.receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise GoneError
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait({working, leaving})


def limited(receive: Receive, max_bytes: int, timeout_s: float) -> Receive:
    """``receive``, which raises PayloadTooLargeError past ``max_bytes``, and IdleTimeoutError for a body that stalls or
    crawls."""
    taken = 0
    now = asyncio.get_running_loop().time
    began = now()

    async def within() -> Message:
        nonlocal taken
        patience_s = began + timeout_s + taken / MIN_BYTES_PER_S - now()
        message = await _in_time(receive(), min(timeout_s, max(0.0, patience_s)))
        taken += len(message.get("body", b""))
        if taken > max_bytes:
            raise too_large(max_bytes)
        return message

    return within


async def _in_time(waiting: Awaitable[Message], timeout_s: float) -> Message:
    try:
        async with asyncio.timeout(timeout_s):
            return await waiting
    except TimeoutError:
        raise IdleTimeoutError("The upload stalled or was too slow. Send it again.", param="file") from None


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def too_large(max_bytes: int) -> PayloadTooLargeError:
    """Of a body with more bytes than that."""
    return PayloadTooLargeError(
        f"The upload is over {max_bytes / 1e6:g} MB. Send less.",
        zh=f"上传超过 {max_bytes / 1e6:g} MB。请减少内容后再发送。",
        param="file",
    )
