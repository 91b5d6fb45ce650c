"""The bytes of a StreamCore snapshot: a header, JSON for what is small, the rows exactly, and a checksum.

::

    offset  size  what
    0       4     b"TQSC"
    4       2     version, little endian
    6       2     zero
    8       4     length of the JSON, j
    12      4     number of rows, r
    16      j     JSON, UTF-8
    16+j    56*r  rows, float32 little endian
    end-4   4     CRC-32 of everything before
"""

import json
import struct
import zlib
from typing import Any

import numpy as np

from server.errors import SnapshotError
from server.stream.hops import KEPT_ROWS
from server.values.audio import Float32Array
from server.values.rows import N_COLUMNS
from server.values.stored import read_json

MAGIC = b"TQSC"
VERSION = 7
"""Increased with every change of the content. Other versions are refused, and the session starts anew."""

MAX_BYTES = 64 * 1024

_HEADER = struct.Struct("<4sHHII")
_CRC = struct.Struct("<I")
_ROW_BYTES = 4 * N_COLUMNS


class CoreSnapshot:
    """A StreamCore's state at one moment: ``bytes`` packs it when somebody needs that, on any thread.

    Most snapshots are replaced a second later, and nobody has read them.
    """

    __slots__ = ("_held",)

    def __init__(self, state: dict[str, Any], rows: Float32Array) -> None:
        """As for ``pack``; neither may change any more."""
        self._held: bytes | tuple[dict[str, Any], Float32Array] = state, rows

    def __bytes__(self) -> bytes:
        held = self._held
        if not isinstance(held, bytes):
            held = self._held = pack(*held)
        return held


def pack(state: dict[str, Any], rows: Float32Array) -> bytes:
    """``state`` (JSON-able, finite numbers) and ``rows`` (float32 ``(r, N_COLUMNS)``) as under 64 KiB."""
    text = json.dumps(state, separators=(",", ":"), allow_nan=False).encode()
    body = b"".join(
        (_HEADER.pack(MAGIC, VERSION, 0, len(text), rows.shape[0]), text, rows.astype("<f4", copy=False).tobytes())
    )
    packed = body + _CRC.pack(zlib.crc32(body))
    assert len(packed) < MAX_BYTES, len(packed)
    return packed


def unpack(packed: bytes) -> tuple[dict[str, Any], Float32Array]:
    """The arguments of ``pack``. Raises SnapshotError for anything that this version of ``pack`` did not write."""
    if len(packed) < _HEADER.size + _CRC.size or len(packed) > MAX_BYTES:
        raise SnapshotError("This is not a snapshot of a stream: its length is wrong.")
    magic, version, _, json_bytes, n_rows = _HEADER.unpack_from(packed)
    if magic != MAGIC:
        raise SnapshotError("This is not a snapshot of a stream.")
    if version != VERSION:
        raise SnapshotError(f"The snapshot has version {version}; this server reads version {VERSION}.")
    rows_at = _HEADER.size + json_bytes
    end = rows_at + n_rows * _ROW_BYTES
    if n_rows > KEPT_ROWS or len(packed) != end + _CRC.size:
        raise SnapshotError("The snapshot is truncated or has extra bytes.")
    if zlib.crc32(packed[:end]) != _CRC.unpack_from(packed, end)[0]:
        raise SnapshotError("The snapshot is damaged: its checksum is wrong.")
    try:
        state = read_json(packed[_HEADER.size : rows_at])
    except ValueError as error:
        raise SnapshotError("The snapshot's JSON cannot be read.") from error
    if not isinstance(state, dict):
        raise SnapshotError("The snapshot's JSON is not an object.")
    rows = np.frombuffer(packed, "<f4", n_rows * N_COLUMNS, rows_at).astype(np.float32).reshape(n_rows, N_COLUMNS)
    if not np.isfinite(rows).all():
        raise SnapshotError("The snapshot's rows contain NaN or Infinity.")
    return state, rows
