"""Recordings in formats that libsndfile does not write, made by the FFmpeg that the tests bring, and SILK."""

import io
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pysilk
import soundfile

from server.recording.decoders.limits import Decoders

RATE = 16_000
FIVE_SECONDS = 5


def sound(seconds: float = FIVE_SECONDS) -> npt.NDArray[np.int16]:
    """A gliding tone in noise: nothing of it repeats, so that a lost piece would show."""
    time = np.arange(int(seconds * RATE)) / RATE
    tone = 0.3 * np.sin(2 * np.pi * (200 + 60 * time) * time)
    noise = 0.01 * np.random.default_rng(1).standard_normal(time.size)
    return np.rint((tone + noise) * 32_767).astype(np.int16)


def encoded(target: Path, *options: str, video: bool = False, silent: bool = False, seconds: float = 5.0) -> Path:
    """``sound`` in the format of ``target``'s name. ``video``: beside a picture; ``silent``: without sound."""
    program = Decoders().ffmpeg_program
    assert program is not None, "the extra formats is part of the environment of the tests"
    source = io.BytesIO()
    soundfile.write(source, sound(seconds), RATE, format="WAV")
    picture = ("-f", "lavfi", "-i", f"color=size=64x64:rate=5:duration={seconds}") if video else ()
    kept = ("-map", "1:v") if silent else ("-map", "0:a", "-map", "1:v") if video else ()
    subprocess.run(
        [program, "-v", "error", "-y", "-i", "pipe:0", *picture, *kept, *options, target],
        input=source.getvalue(),
        check=True,
    )
    return target


def piped(container: str, *options: str) -> bytes:
    """``sound`` as FFmpeg writes it where it cannot go back to fill in lengths."""
    program = Decoders().ffmpeg_program
    assert program is not None
    source = io.BytesIO()
    soundfile.write(source, sound(), RATE, format="WAV")
    made = subprocess.run(
        [program, "-v", "error", "-i", "pipe:0", *options, "-f", container, "pipe:1"],
        input=source.getvalue(),
        capture_output=True,
        check=True,
    )
    return made.stdout


def silk(seconds: float = FIVE_SECONDS) -> bytes:
    """``sound`` as a voice message of WeChat."""
    message = io.BytesIO()
    pysilk.encode(io.BytesIO(sound(seconds).tobytes()), message, RATE, 25_000)
    return message.getvalue()
