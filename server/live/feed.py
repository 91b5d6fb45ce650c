"""Binary messages cut into whole samples of at most 200 ms, so that no message holds the loop for long. Sans-IO."""

from collections.abc import Iterator

from server.values.audio import AudioFormat

SLICE_MS = 200


class PcmFeed:
    """Carries the bytes of a sample that a message cut in two."""

    def __init__(self, audio: AudioFormat) -> None:
        self._sample_bytes = audio.encoding.sample_bytes
        self._slice_bytes = audio.sample_rate * SLICE_MS // 1000 * self._sample_bytes
        self._carry = b""

    def slices(self, data: bytes) -> Iterator[bytes]:
        """Whole samples in order; what is left over waits for the next message."""
        joined = self._carry + data if self._carry else data
        whole = len(joined) - len(joined) % self._sample_bytes
        self._carry = joined[whole:]
        for start in range(0, whole, self._slice_bytes):
            yield joined[start : min(start + self._slice_bytes, whole)]

    def drop_half(self) -> bool:
        """Forget a sample that was cut by the end or by a gap; True if there was one."""
        half, self._carry = bool(self._carry), b""
        return half
