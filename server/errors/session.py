"""Sessions that cannot be used or continued."""

from server.errors.base import TingqingError


class SessionError(TingqingError):
    """The requested session is not available."""

    code = "session_error"
    close_code = 4404
    http_status = 404


class UnknownSessionError(SessionError):
    """No session with this id, or a wrong resume token: the answer does not distinguish them."""

    code = "unknown_session"


class SessionExpiredError(SessionError):
    """The session has ended, or waited longer for its patient than ``resume_ttl_s``."""

    code = "session_expired"
    close_code = 4410
    http_status = 410


class SessionSupersededError(SessionError):
    """The session continues over a newer socket; this one must not reconnect."""

    code = "session_superseded"
    close_code = 4409
    http_status = 409


class IdleTimeoutError(SessionError):
    """Nothing arrived before the deadline: no start, no audio, or an upload that stalled."""

    code = "idle_timeout"
    close_code = 4408
    http_status = 408


class NoBatchesError(SessionError):
    """This server takes no batches: it has no data folder."""

    code = "no_batches"


class UnknownBatchError(SessionError):
    """No batch with this id of this site: the answer does not say whether another site has it."""

    code = "unknown_batch"


class SessionElsewhereError(SessionError):
    """Another process has the session, or none until its patient is back; who watches tries again."""

    code = "session_elsewhere"
    close_code = 4503
    http_status = 503
    retryable = True


class SessionNotBegunError(SessionError):
    """The session was announced and its patient has not connected; who watches tries again."""

    code = "session_not_begun"
    close_code = 4503
    http_status = 409
    retryable = True


class NoRecordsError(SessionError):
    """This server keeps no results: it has no data folder."""

    code = "no_records"


class RecordUnknownError(SessionError):
    """No result with this id is kept for this site: the answer does not say whether another site has it."""

    code = "unknown_record"


class DeliveryUnknownError(SessionError):
    """This site has no such delivery that was given up, or no such endpoint: the answer does not say whether another
    site has it."""

    code = "unknown_delivery"


class SessionRunsError(SessionError):
    """What is asked for can be done once the session has ended."""

    code = "session_runs"
    close_code = 4409
    http_status = 409
    retryable = True
