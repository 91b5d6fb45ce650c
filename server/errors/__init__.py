"""The error tree. Every leaf has one wire code, one close code and one HTTP status.

::

    TingqingError
    ├── ConfigError                      a setting, flag or label set that cannot work
    │   ├── SettingsError                refused at start, exit code 2
    │   │   └── ModelFileError           a model's file that cannot be had, kept or used
    │   │       └── ForeignFileError     of what was brought along; other files may be fine
    │   ├── LabelFileError               a file of ``labels/`` with file and line
    │   ├── TranscriptError              an invalid line of a transcript
    │   ├── LabelQueryError              a requested label set that cannot be resolved
    │   ├── RepeatedKeyError             an Idempotency-Key that came with another body
    │   └── ManifestError                labelled recordings for ``evaluate``, with file and line
    ├── AudioError                       the peer's audio
    │   ├── UnsupportedRateError         outside 8–96 kHz
    │   ├── UnsupportedEncodingError     none of pcm_s16le, pcm_f32le, mulaw, alaw
    │   ├── NonFiniteSamplesError        NaN or Infinity in pcm_f32le        (recoverable)
    │   ├── OddLengthError               a total length that splits a sample (recoverable)
    │   ├── UndecodableFileError         a file that no decoder can read
    │   │   ├── EmptyFileError           not a byte
    │   │   ├── NoSoundTrackError        a video without sound
    │   │   ├── ProtectedFileError       encrypted, copy protection
    │   │   ├── NoDecoderError           its decoder is not installed
    │   │   └── DecoderStoppedError      took too much time or memory
    │   ├── TooCostlyError               more CPU than an upload of its size may take
    │   └── PayloadTooLargeError         an upload over the limit
    ├── ProtocolError                    the peer's messages
    │   ├── MalformedMessageError        not JSON, unknown type or field
    │   ├── UnexpectedMessageError       a valid message in the wrong state
    │   ├── FrameTooLargeError           over 64 KiB                         1009
    │   ├── TooManyChangesError          of labels                           (recoverable)
    │   ├── UnknownPromptError           of no label of the session          (recoverable)
    │   ├── TooManyPromptsError          of the doctors of one session       (recoverable)
    │   ├── TooManyFaultsError           the fifth bad message within 10 s   4400
    │   └── FasterThanRealTimeError      pace=realtime only                  4429
    ├── AccessError
    │   ├── UnauthorizedError            4401
    │   ├── ForbiddenError               role, origin, host                  4403
    │   ├── InvalidTokenError            altered, or not ours                4401
    │   ├── TokenExpiredError            its time is over, its key revoked   4410
    │   ├── TokenUsedError               it began its session already        4403
    │   ├── ForeignTokenError            of another session or socket        4403
    │   └── TooManyRequestsError         of a key; of wrong keys; retryable  4503
    ├── SessionError
    │   ├── UnknownSessionError          4404
    │   ├── SessionExpiredError          4410
    │   ├── SessionSupersededError       4409
    │   ├── IdleTimeoutError             4408
    │   ├── NoBatchesError               this server has no data folder
    │   ├── UnknownBatchError            of this site there is no such batch
    │   ├── SessionElsewhereError        4503, retryable: it is not in this process now
    │   └── SessionNotBegunError         4503, retryable: its patient has not come yet
    ├── CapacityError                    4503, retryable
    ├── DrainingError                    1012, retryable
    ├── RepeatUnderWayError              4503, retryable: the same request is being answered
    ├── StoreError                       4503, retryable: the database does not answer
    ├── ClientError                      our own client cannot go on; never on the wire
    ├── SnapshotError                    a snapshot of another version
    └── ScoringError                     a scorer failed; the session goes on
        └── ShedError                    it was left out: too much work; nobody is told

A peer's faults are errors of this tree; our own bugs are assertions.
"""

from server.errors.access import *
from server.errors.audio import *
from server.errors.base import *
from server.errors.capacity import *
from server.errors.client import *
from server.errors.config import *
from server.errors.protocol import *
from server.errors.session import *
