"""Errors of the server itself: no capacity, stopping, or unable to answer."""

from server.errors.base import TingqingError


class CapacityError(TingqingError):
    """No place is free; ``retry_after_s`` says when to retry."""

    code = "at_capacity"
    close_code = 4503
    http_status = 503
    retryable = True


class DrainingError(TingqingError):
    """The server is stopping and refuses newcomers; another server, or this one after its restart, accepts them."""

    code = "draining"
    close_code = 1012
    http_status = 503
    retryable = True


class RepeatUnderWayError(TingqingError):
    """The first request with this ``Idempotency-Key`` is still being answered."""

    code = "idempotency_key_in_use"
    close_code = 4503
    http_status = 409
    retryable = True


class StoreError(TingqingError):
    """The database does not answer: locked, full or gone. Nothing is admitted unchecked meanwhile."""

    code = "store_unavailable"
    close_code = 4503
    http_status = 503
    retryable = True


class NoRoomError(StoreError):
    """The folder for temporary files is full or cannot be written: an upload cannot be kept until it is judged."""

    code = "no_room"
    http_status = 507


class SnapshotError(TingqingError):
    """A snapshot of another version: it is discarded, never guessed at."""

    code = "snapshot_mismatch"


class ScoringError(TingqingError):
    """A scorer failed or did not run. Its labels are null in that window, and the session goes on."""

    code = "scoring_failed"
    retryable = True
    fatal = False
    http_status = 503


class ShedError(ScoringError):
    """A part of the scoring was left out, because there is too much work. Its labels are null, ``why: shed``, where
    nothing else scores them; no error is sent."""

    code = "shed"
