"""What the server itself cannot do, now or at all."""

from server.errors.base import TingqingError


class CapacityError(TingqingError):
    code = "at_capacity"
    close_code = 4503
    http_status = 503
    retryable = True


class DrainingError(TingqingError):
    code = "draining"
    close_code = 1012
    http_status = 503
    retryable = True


class SnapshotError(TingqingError):
    code = "snapshot_mismatch"


class ScoringError(TingqingError):
    code = "scoring_failed"
    retryable = True
    fatal = False
    http_status = 503
