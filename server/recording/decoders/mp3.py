"""MP3, decoded in a separate process.

libmpg123, libsndfile's MP3 decoder, writes its remarks about a file ("Xing stream size off by more than 1%") to
standard error, and libsndfile has no switch for that. Standard error belongs to the process, so only another process
keeps them out of the log. It also contains a crash caused by a damaged file.
"""

from pathlib import Path
from typing import BinaryIO

from server.recording.decoders.limits import DecoderLimits
from server.recording.decoders.placing import placed
from server.recording.decoders.worker_file import WorkerFile

WORKER = Path(__file__).with_name("mp3_worker.py")
SUBTYPE = "MPEG_LAYER_III"


def open_mp3(source: Path | BinaryIO, name: str | None, limits: DecoderLimits) -> WorkerFile:
    """The file as its worker decodes it; an open file is copied.

    Raises RuntimeError if it cannot be decoded, OSError, and NoRoomError if it cannot be copied.

    libsndfile finds the frames behind a tag that it cannot read, such as cover art whose length is wrong, only if the
    name ends in .mp3: a tagged file without that name gets it in a second try.
    """
    name = source.name if isinstance(source, Path) else name
    with placed(source) as plain:
        named = plain.with_suffix(".mp3")
        named.symlink_to(plain)
        # Once the header is there the worker has opened the file, which may then lose its names.
        if name is not None and name.lower().endswith(".mp3"):
            return WorkerFile(WORKER, named, SUBTYPE, limits)
        try:
            return WorkerFile(WORKER, plain, SUBTYPE, limits)
        except RuntimeError:
            with plain.open("rb") as file:
                if not file.read(3) == b"ID3":
                    raise
        return WorkerFile(WORKER, named, SUBTYPE, limits)
