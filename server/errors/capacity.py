"""Errors of the server itself: no capacity, shutting down, or unable to do it at all."""

from server.errors.base import TingqingError


class CapacityError(TingqingError):
    """Every place is taken; ``retry_after_s`` says when to come again."""

    code = "at_capacity"
    close_code = 4503
    http_status = 503
    retryable = True


class DrainingError(TingqingError):
    """The server is stopping and takes nobody new; another one, or this one after its restart, does."""

    code = "draining"
    close_code = 1012
    http_status = 503
    retryable = True


class SnapshotError(TingqingError):
    """A snapshot that another version wrote: it is discarded, never guessed at."""

    code = "snapshot_mismatch"


class ScoringError(TingqingError):
    """A scorer failed or did not run. The labels it would have judged are null there, and the session goes on."""

    code = "scoring_failed"
    retryable = True
    fatal = False
    http_status = 503
