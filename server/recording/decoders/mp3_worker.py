"""Decodes one MP3 in a separate process: ``python -P mp3_worker.py FILE``. Started by ``worker_file.py``.

Standard output: ``HEADER`` (Hz, channels), then blocks, each ``COUNT`` and that many frames of float32, in the
machine's byte order. A count of 0 is the end; ``FAILED``: decoding broke off. No header: the file cannot be decoded.
"""

import os
import struct
import sys

import soundfile

HEADER = struct.Struct("=ii")
COUNT = struct.Struct("=i")
FAILED = -1

READ_FRAMES = 2_048
"""Frames per call of libsndfile: if decoding fails, at most this much of the audio before the fault is lost."""

DECODING_ERRORS = (soundfile.SoundFileError, RuntimeError, ValueError, OSError, MemoryError)


def main(path: bytes) -> None:
    """Decode ``path`` to standard output. Raises if it cannot be opened."""
    output = sys.stdout.buffer
    with soundfile.SoundFile(path) as file:
        output.write(HEADER.pack(file.samplerate, file.channels))
        output.flush()
        frames = 1
        while frames > 0:
            data = b""
            try:
                block = file.read(READ_FRAMES, dtype="float32", always_2d=True)
                frames, data = block.shape[0], block.tobytes()
            except DECODING_ERRORS:
                frames = FAILED
            output.write(COUNT.pack(frames) + data)
        output.flush()


if __name__ == "__main__":
    main(os.fsencode(sys.argv[1]))
