"""Faults of a peer's audio."""

from server.errors.base import TingqingError


class AudioError(TingqingError):
    """Audio that cannot be judged as declared or sent."""

    code = "invalid_audio"
    close_code = 4400
    http_status = 422


class UnsupportedRateError(AudioError):
    """A rate outside ``MIN_SAMPLE_RATE`` to ``MAX_SAMPLE_RATE``, 8,000 to 96,000 Hz."""

    code = "unsupported_sample_rate"


class UnsupportedEncodingError(AudioError):
    """Neither of the two encodings of ``Encoding``."""

    code = "unsupported_encoding"


class NonFiniteSamplesError(AudioError):
    """NaN or Infinity in float samples: the chunk is refused, and the session goes on."""

    code = "non_finite_samples"
    fatal = False


class OddLengthError(AudioError):
    """A gap or the end of the stream cut a sample: its bytes are dropped."""

    code = "odd_length"
    fatal = False


class UndecodableFileError(AudioError):
    """A file that no decoder can read, or that holds no audio. Its kinds below say what can be done."""

    code = "undecodable_file"
    http_status = 415


class EmptyFileError(UndecodableFileError):
    """A file without a single byte."""

    code = "empty_file"


class NoSoundTrackError(UndecodableFileError):
    """A video or container that is sound in itself and has no sound."""

    code = "no_sound_track"


class ProtectedFileError(UndecodableFileError):
    """Encrypted, or with a copy protection (DRM): only its seller's player reads it."""

    code = "protected_file"


class NoDecoderError(UndecodableFileError):
    """A known format whose decoder is not installed on this machine."""

    code = "no_decoder"


class DecoderStoppedError(UndecodableFileError):
    """A decoder took more time or memory than it may before it gave any sound."""

    code = "decoder_stopped"


class TooCostlyError(AudioError):
    """A recording that takes more CPU than an upload of its size may."""

    code = "too_costly"
    http_status = 413


class PayloadTooLargeError(AudioError):
    """More bytes arrived than an upload may have, whatever length was declared."""

    code = "payload_too_large"
    http_status = 413
