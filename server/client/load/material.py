"""What paced patients say: a recording, or the synthetic visit, as one file of 16-bit samples."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from server.client.pcm_source import open_recording
from server.client.sample_visit import save_sample_visit
from server.errors import ClientError
from server.recording.decode import Gap

LONGEST_S = 600.0


def write_pcm(source: Path | None, to: Path) -> int:
    """Write at most ten minutes of ``source`` (``None``: the synthetic visit) to ``to``; returns the sample rate.

    Raises ClientError, UndecodableFileError.
    """
    if source is None:
        with TemporaryDirectory() as folder:
            save_sample_visit(Path(folder) / "visit.wav")
            return write_pcm(Path(folder) / "visit.wav", to)
    recording = open_recording(source)
    try:
        left = round(LONGEST_S * recording.sample_rate)
        with to.open("wb") as file:
            for block in recording.blocks():
                samples = np.zeros(block.samples, np.float32) if isinstance(block, Gap) else block
                samples = samples[:left]
                file.write((np.clip(samples, -1, 1) * np.float32(32767)).astype("<i2").tobytes())
                left -= samples.size
                if not left:
                    break
    finally:
        recording.close()
    if to.stat().st_size < 2 * recording.sample_rate:
        raise ClientError(f"{recording.name}: under a second of audio.", hint="Name a longer recording.")
    return recording.sample_rate
