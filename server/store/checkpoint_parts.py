"""A checkpoint in the parts that the database keeps: what changes with each window, and two lists that only grow.

An hour's checkpoint has 3.5 MB, of which a window adds about a kilobyte; only that is written.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from server.assessment.window_log import WindowLog
from server.errors import SnapshotError
from server.live.checkpoint import VERSION, SessionCheckpoint, plain

Part = Literal["log", "history"]
"""``log``: the judged windows. ``history``: the rows from which the judge aggregates."""

LEVEL = 1
"""Of zlib: a head shrinks from 8.5 kB to 2.3; with a denoiser, whose state hardly shrinks, from 61 to 41.5."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the database has of a session. ``last``: the last row of its history, by which a new history is noticed."""

    log: int = 0
    history: int = 0
    last: object = None


@dataclass(frozen=True, slots=True)
class NewRows:
    """``rows`` follow the first ``first``; with ``first`` 0 they replace all that was there."""

    part: Part
    first: int
    rows: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """What is to be written, and what the database has then."""

    head: bytes
    core: bytes | None
    new: tuple[NewRows, ...]
    then: Written


def parts_of(checkpoint: SessionCheckpoint, written: Written) -> Parts:
    """Takes milliseconds for a long session: call it on a thread. Rows never change, so nothing is copied."""
    state, history = _without_history(checkpoint.state)
    log = checkpoint.log
    new = []
    log_from = written.log if written.log <= len(log) else 0
    if log_from < len(log) or log_from != written.log:
        new.append(NewRows("log", log_from, _packed(WindowLog.of(log[log_from:]).snapshot())))
    known = written.history
    history_from = known if 0 < known <= len(history) and history[known - 1] is written.last else 0
    if history_from < len(history) or history_from != known:
        new.append(NewRows("history", history_from, _packed(history[history_from:])))
    head = {"version": VERSION, "state": state, "log": len(log), "history": len(history)}
    then = Written(len(log), len(history), history[-1] if history else None)
    core = None if checkpoint.core is None else bytes(checkpoint.core)
    return Parts(_packed(head), core, tuple(new), then)


def site_in(head: bytes) -> str | None:
    """Whose session it is; None for what this version did not write."""
    try:
        told = json.loads(zlib.decompress(head))
        return str(told["state"]["site"]) if told["version"] == VERSION else None
    except (ValueError, KeyError, TypeError, zlib.error):
        return None


def joined(head: bytes, core: bytes | None, rows: Mapping[Part, Sequence[bytes]]) -> SessionCheckpoint:
    """``rows``: in order. Raises SnapshotError for what this version did not write."""
    try:
        told = json.loads(zlib.decompress(head))
        if told["version"] != VERSION:
            raise SnapshotError(f"This checkpoint has version {told['version']!r}; this server reads {VERSION}.")
        lists: dict[Part, list[Any]] = {
            part: [row for chunk in rows.get(part, ()) for row in json.loads(zlib.decompress(chunk))]
            for part in ("log", "history")
        }
        if any(len(lists[part]) != told[part] for part in lists):
            raise SnapshotError("Rows of this checkpoint are missing.")
        log = WindowLog()
        log.restore(lists["log"])
        return SessionCheckpoint(core, log.windows(), _with_history(told["state"], lists["history"]))
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise SnapshotError(f"The checkpoint cannot be read: {error}.") from error


def _without_history(state: dict[str, Any]) -> tuple[dict[str, Any], Sequence[Any]]:
    assessment = state["assessment"]
    judge = assessment["judge"]
    history = judge["history"]
    bare = {name: value for name, value in history.items() if name != "rows"}
    return state | {"assessment": assessment | {"judge": judge | {"history": bare}}}, history["rows"]


def _with_history(state: dict[str, Any], rows: list[Any]) -> dict[str, Any]:
    assessment = state["assessment"]
    judge = assessment["judge"]
    history = judge["history"] | {"rows": rows}
    return state | {"assessment": assessment | {"judge": judge | {"history": history}}}


def _packed(value: Any) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=plain)
    return zlib.compress(text.encode(), LEVEL)
