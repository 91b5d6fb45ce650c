"""What the current line of the log is about. Tasks and timers that are started inherit it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOGGED_ID = 8
"""Digits of a session's id in the log: enough to find its lines, too few to watch the session."""

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the current request or socket; ``-`` outside of one."""

session_id: ContextVar[str] = ContextVar("session_id", default="")
"""The first digits of the id of the session that is served; empty where there is none. Set by ``about_session``."""

why: ContextVar[str] = ContextVar("why", default="")
"""The code of the error with which the current request is answered; empty without one. Never a peer's words."""


def about_session(id_: str) -> None:
    """From here on the lines of this request or socket are about this session.

    The id may come from an address that a stranger wrote: what cannot be an id is not kept.
    """
    session_id.set(id_[:LOGGED_ID] if id_.isascii() and id_.isalnum() else "?")


@contextmanager
def lines_about(id_: str) -> Iterator[None]:
    """The same for a block."""
    token = session_id.set("")
    try:
        about_session(id_)
        yield
    finally:
        session_id.reset(token)
