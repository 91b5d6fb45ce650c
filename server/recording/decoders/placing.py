"""A recording under a name of ours, for programs that read files and not what Python has open."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from server.errors import NoRoomError


@contextmanager
def placed(source: Path | BinaryIO) -> Iterator[Path]:
    """A path to ``source``, gone after the block: whoever has opened it by then may read on.

    A path is linked to: its own name may look like an option or a number of an image. An open file, at its start, is
    copied. Raises OSError, and NoRoomError if it cannot be copied.
    """
    with _folder() as folder:
        plain = Path(folder, "audio")
        if isinstance(source, Path):
            plain.symlink_to(source.absolute())
        else:
            try:
                with plain.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            except OSError as error:
                raise _no_room() from error
            source.seek(0)
        yield plain


def _folder() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory()
    except OSError as error:
        raise _no_room() from error


def _no_room() -> NoRoomError:
    return NoRoomError(
        "There is no room for a copy of the recording. Try again later, or make room for temporary files.",
        zh="没有空间存放录音的副本。请稍后再试，或清理临时文件夹。",
        param="file",
    )
