"""Sound without a header: only its owner knows what the bytes are. No I/O."""

import re
from dataclasses import dataclass

from server.errors import ConfigError

SUBTYPES = {
    "s8": ("PCM_S8", "FILE", 1),
    "u8": ("PCM_U8", "FILE", 1),
    "s16le": ("PCM_16", "LITTLE", 2),
    "s16be": ("PCM_16", "BIG", 2),
    "s24le": ("PCM_24", "LITTLE", 3),
    "s24be": ("PCM_24", "BIG", 3),
    "s32le": ("PCM_32", "LITTLE", 4),
    "s32be": ("PCM_32", "BIG", 4),
    "f32le": ("FLOAT", "LITTLE", 4),
    "f32be": ("FLOAT", "BIG", 4),
    "f64le": ("DOUBLE", "LITTLE", 8),
    "f64be": ("DOUBLE", "BIG", 8),
    "alaw": ("ALAW", "FILE", 1),
    "mulaw": ("ULAW", "FILE", 1),
}
"""FFmpeg's names of encodings: libsndfile's name, the order of bytes, and bytes of a sample."""
ALIASES = {"ulaw": "mulaw", "s16": "s16le", "s24": "s24le", "s32": "s32le", "f32": "f32le", "f64": "f64le"}
MOST_CHANNELS = 64
MOST_HZ = 768_000
FORM = "write ENCODING:RATE:CHANNELS, for example s16le:16000:1, alaw:8000:1 or mulaw:8000:2"


@dataclass(frozen=True, slots=True)
class RawFormat:
    """``encoding``: a key of SUBTYPES; ``sample_rate``, Hz."""

    encoding: str
    sample_rate: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Of one sample of each channel."""
        return SUBTYPES[self.encoding][2] * self.channels


def parse_raw(text: str) -> RawFormat:
    """``s16le:16000:1``; one channel where none are named. Raises ConfigError, ``param`` ``raw``."""
    encoding, _, rest = text.strip().lower().partition(":")
    encoding = ALIASES.get(encoding, encoding)
    found = re.fullmatch(r"(\d{1,6})(?::(\d{1,2}))?", rest)
    if encoding not in SUBTYPES or found is None:
        known = ", ".join(SUBTYPES)
        raise ConfigError(
            f"raw: {FORM}. Encodings: {known}.",
            zh=f"raw：格式为 ENCODING:RATE:CHANNELS，例如 s16le:16000:1。编码：{known}。",
            param="raw",
        )
    rate, channels = int(found[1]), int(found[2] or 1)
    if not (0 < rate <= MOST_HZ and 0 < channels <= MOST_CHANNELS):
        raise ConfigError(
            f"raw: the rate is 1 to {MOST_HZ} Hz, and there are 1 to {MOST_CHANNELS} channels.",
            zh=f"raw：采样率为 1 到 {MOST_HZ} Hz，声道数为 1 到 {MOST_CHANNELS}。",
            param="raw",
        )
    return RawFormat(encoding, rate, channels)
