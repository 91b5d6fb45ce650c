"""Faults of a peer's audio."""

from server.errors.base import TingqingError


class AudioError(TingqingError):
    code = "invalid_audio"
    close_code = 4400
    http_status = 422


class UnsupportedRateError(AudioError):
    code = "unsupported_sample_rate"


class UnsupportedEncodingError(AudioError):
    code = "unsupported_encoding"


class NonFiniteSamplesError(AudioError):
    code = "non_finite_samples"
    fatal = False


class OddLengthError(AudioError):
    code = "odd_length"
    fatal = False


class UndecodableFileError(AudioError):
    code = "undecodable_file"
    http_status = 415


class PayloadTooLargeError(AudioError):
    code = "payload_too_large"
    http_status = 413
