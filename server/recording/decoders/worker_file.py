"""A recording that one of our own workers decodes."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from server.recording.decoders.limits import DecoderLimits
from server.recording.decoders.mp3_worker import COUNT, FAILED, HEADER
from server.recording.decoders.process import DecoderProcess
from server.values.audio import Float32Array
from server.values.notices import Notice


class WorkerFile:
    """The part of a ``SoundFile`` that ``Recording`` needs, from a worker process. ``read`` until empty, then close."""

    notices: tuple[Notice, ...] = ()

    def __init__(self, worker: Path, path: Path, subtype: str, limits: DecoderLimits) -> None:
        """Waits for the header.

        Raises RuntimeError if there is none: the file cannot be decoded; TimeoutError, an OSError, if it hangs.
        """
        self.subtype = subtype
        self._rest: Float32Array | None = None
        self._ended = False
        # -P: without the script's folder, whose modules would hide others of the same name.
        self._decoder = DecoderProcess([sys.executable, "-P", worker, path], limits)
        try:
            self.samplerate, self.channels = HEADER.unpack(self._decoder.receive(HEADER.size))
        except BaseException:
            self.close()
            raise

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._decoder.closed

    @property
    def _worker(self) -> "subprocess.Popen[bytes]":
        return self._decoder.process

    def read(self, frames: int) -> Float32Array:
        """At most ``frames``, float32 ``(n, channels)``; none at the end.

        Raises RuntimeError if decoding breaks off, TimeoutError if it hangs.
        """
        block = self._rest if self._rest is not None else self._next_block()
        self._rest = block[frames:] if block.shape[0] > frames else None
        return block[:frames]

    def close(self) -> None:
        """End the decoder's process at any point; may be called twice."""
        self._decoder.close()

    def _next_block(self) -> Float32Array:
        (frames,) = COUNT.unpack(self._decoder.receive(COUNT.size)) if not self._ended else (0,)
        if frames == FAILED:
            raise RuntimeError("the decoder failed")
        self._ended = frames == 0
        data = self._decoder.receive(frames * self.channels * 4)
        self._decoder.sounded(frames / max(1, self.samplerate))
        return np.frombuffer(data, np.float32).reshape(frames, self.channels)
