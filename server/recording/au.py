"""Sun audio with a wrong length: who writes into a pipe, or is stopped, cannot go back to fill it in."""

import os
from typing import BinaryIO

from server.recording.wav import Patches

HEADER_BYTES = 24
LENGTH_AT = 8
UNKNOWN = b"\xff\xff\xff\xff"


def au_patches(file: BinaryIO) -> Patches:
    """What to put at which offset of ``file`` so that its sound is read to the end; nothing follows it in this format.

    Empty for a header that is right, and for everything but AU. ``file`` is rewound.
    """
    try:
        head, end = file.read(HEADER_BYTES), file.seek(0, os.SEEK_END)
    finally:
        file.seek(0)
    if not head.startswith(b".snd") or len(head) < HEADER_BYTES:
        return {}
    offset, length = (int.from_bytes(head[at : at + 4], "big") for at in (4, LENGTH_AT))
    return {LENGTH_AT: UNKNOWN} if offset + length != end else {}
