"""Receives a batch: its body to a folder, its archives unpacked, its manifest read."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from server.api.batch_parts import Parts, ReceivedFile
from server.api.uploads import GoneError, limited, no_room, too_large
from server.batches import faults
from server.batches.batch import NewFile
from server.batches.folder import LOCK, SPARE_BYTES, Coming, room
from server.batches.manifest import read_manifest, with_manifest
from server.batches.transcripts import name_in_folder, transcript_beside, transcripts_in
from server.batches.zips import BLOCK, Limits, is_zip, unpacked
from server.errors import CapacityError, MalformedMessageError
from server.scoring.until_done import to_thread_until_done

AT_ONCE = 4
"""Batches that are received at the same time; the next gets 503."""

RETRY_AFTER_S = 10.0


@dataclass(frozen=True, slots=True)
class ReceivedBatch:
    """``unmatched``: lines of the manifest that name no file. ``digest``: of everything that was sent."""

    fields: dict[str, str]
    files: list[NewFile]
    unmatched: int
    digest: str


class Doors:
    """How many batches come in at the same time."""

    def __init__(self) -> None:
        self._free = AT_ONCE

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Raises CapacityError."""
        if self._free <= 0:
            raise CapacityError(
                "Too many batches are being sent. Try again later.",
                zh="同时上传的批次太多。请稍后再试。",
                retry_after_s=RETRY_AFTER_S,
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


async def received(request: Request, coming: Coming, limits: Limits, timeout_s: float) -> ReceivedBatch:
    """Everything of the body, its files numbered in the folder.

    Raises PayloadTooLargeError, IdleTimeoutError, MalformedMessageError, ConfigError, NoRoomError, HTTPException 415,
    GoneError.
    """
    content_type = request.headers.get("content-type", "")
    kind, options = parse_options_header(content_type)
    if kind.lower() != b"multipart/form-data" or b"boundary" not in options:
        raise HTTPException(415, "Send multipart/form-data with recordings, or a ZIP of them, in fields 'file'.")
    declared = request.headers.get("content-length", "")
    coming_bytes = int(declared) if declared.isdecimal() else 0
    if coming_bytes > limits.whole:
        raise too_large(limits.whole)
    try:
        if shutil.disk_usage(coming.path).free < coming_bytes + SPARE_BYTES:
            raise OSError("the disk is nearly full")
        parts = Parts(options[b"boundary"], coming.path, limits.files, max(limits.file, limits.whole))
        try:
            await _fed(request, parts, limits.whole, timeout_s)
            files = await to_thread_until_done(_sorted_out, parts.files, coming.path, limits)
        finally:
            await to_thread_until_done(parts.close)
    except ClientDisconnect:
        raise GoneError from None
    except OSError as error:
        raise no_room(error) from error
    if not files:
        raise MalformedMessageError(
            "No recording came. Send each, or a ZIP of them, as a file in a field 'file'.",
            zh="没有收到录音。请把录音或其 ZIP 压缩包作为文件放在字段 file 里发送。",
            param="file",
        )
    said = {} if parts.manifest is None else await asyncio.to_thread(read_manifest, parts.manifest)
    named, unmatched = with_manifest(files, said)
    return ReceivedBatch(parts.fields, named, unmatched, parts.digest.hexdigest())


async def _fed(request: Request, parts: Parts, max_bytes: int, timeout_s: float) -> None:
    """In blocks of a megabyte: each goes to a thread."""
    gathered = bytearray()
    body = Request(request.scope, limited(request.receive, max_bytes, timeout_s)).stream()
    async for piece in body:
        gathered += piece
        if len(gathered) >= BLOCK:
            await to_thread_until_done(parts.feed, bytes(gathered))
            gathered.clear()
    await to_thread_until_done(parts.feed, bytes(gathered))
    await to_thread_until_done(parts.finish)


def _sorted_out(received_files: list[ReceivedFile], folder: Path, limits: Limits) -> list[NewFile]:
    """Archives unpacked, everything numbered from 1, and what is over a limit refused."""
    found: list[NewFile] = []
    used = 0
    for number, one in enumerate(received_files):
        left = replace(limits, files=limits.files - len(found), whole=limits.whole - used, room=partial(room, folder))
        if left.files <= 0:
            one.path.unlink(missing_ok=True)
            new = [NewFile(one.name, 0, fault=faults.too_many(limits.files))]
        elif one.kept and is_zip(_head(one.path)):
            with one.path.open("rb") as archive:
                new = list(unpacked(archive, folder, 10**6 * (number + 1), left, one.name))
            one.path.unlink()
        else:
            new = [_single(one, limits.file)]
        used += sum(each.size for each in new if each.fault is None)
        found += new
    return _numbered(folder, found)


def _numbered(folder: Path, found: list[NewFile]) -> list[NewFile]:
    """Recordings by their positions, transcripts beside them."""
    left, said = transcripts_in(found)
    used_paths = {*(each.path for each in left), *said.values(), LOCK}
    for path in folder.iterdir():
        if path.name not in used_paths:
            path.unlink()
    numbered = []
    for position, each in enumerate(left, 1):
        if each.path is None:
            numbered.append(each)
            continue
        transcript = said.get(each.path)
        name = name_in_folder(position, said=transcript is not None)
        (folder / each.path).rename(folder / name)
        if transcript is not None:
            (folder / transcript).rename(folder / str(transcript_beside(name)))
        numbered.append(replace(each, path=name))
    return numbered


def _single(one: ReceivedFile, most: int) -> NewFile:
    fault = None
    if not one.kept or one.size > most:
        fault = faults.too_large(most)
    elif not one.size:
        fault = faults.empty()
    if fault is not None:
        one.path.unlink(missing_ok=True)
        return NewFile(one.name, 0, fault=fault)
    return NewFile(one.name, one.size, one.path.name)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)
