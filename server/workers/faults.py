"""An error on its way from one worker to another."""

from typing import Any

from server import errors
from server.errors import SessionElsewhereError, TingqingError

SILENT_S = 1.0
"""How soon to ask again a worker that did not answer."""


def told_of(error: TingqingError | None) -> dict[str, Any]:
    """As JSON; ``None``: there was none."""
    if error is None:
        return {}
    return {
        "error": type(error).__name__,
        "message": error.message,
        "param": error.param,
        "retry_after_s": error.retry_after_s,
    }


def raise_told(told: dict[str, Any]) -> None:
    """Raises what the other worker met, if anything."""
    if told:
        kind: type[TingqingError] = getattr(errors, told["error"])
        raise kind(told["message"], param=told["param"], retry_after_s=told["retry_after_s"])


def silent() -> SessionElsewhereError:
    """A moment ago that worker had the session: it is slow, or has just died, and the session is not unknown."""
    return SessionElsewhereError("The session does not answer now; try again.", retry_after_s=SILENT_S)
