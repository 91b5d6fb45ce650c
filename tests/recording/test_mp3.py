"""An MP3's decoder is a process beside the server, and a signal to the one is none to the other."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from server.errors import UndecodableFileError
from server.recording.decode import Gap, read_recording

SECONDS = 20
READER = """
import signal, sys
from pathlib import Path
from server.recording.decode import read_recording

signal.signal(signal.SIGINT, lambda *_: print("stopping", flush=True))
recording = read_recording(Path(sys.argv[1]))
print("opened", flush=True)
sys.stdin.readline()
seconds = sum(block.size for block in recording.blocks()) / recording.sample_rate
print(round(seconds), recording.cut_short, flush=True)
recording.close()
"""


def test_ctrl_c_in_a_servers_terminal_does_not_cut_a_recording_that_it_still_finishes(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp3"
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, SECONDS * 16_000)
    soundfile.write(path, noise, 16_000, format="MP3")
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "opened\n"
        os.killpg(server.pid, signal.SIGINT)
        assert server.stdout.readline() == "stopping\n"
        server.stdin.write("\n")
        server.stdin.flush()
        assert server.stdout.readline() == f"{SECONDS} False\n"


def tagged(audio: bytes, *, length: int | None = None, footer: bytes = b"") -> bytes:
    """``audio`` behind an ID3v2.4 tag with 100 kB of cover art. ``length``: claimed in place of the true one."""
    picture = b"\0image/jpeg\0\3\0\xff\xd8\xff\xe0" + np.random.default_rng(2).bytes(100_000)
    frame = b"APIC" + synchsafe(len(picture)) + b"\0\0" + picture
    flags = b"\x10" if footer else b"\0"
    return b"ID3\4\0" + flags + synchsafe(len(frame) if length is None else length) + frame + footer + audio


def synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


FOOTER = b"3DI\4\0\x10" + synchsafe(100_000)


@pytest.mark.parametrize("name", [None, "blob"])
@pytest.mark.parametrize(
    "more",
    [{}, {"length": 50_000}, {"footer": FOOTER}, {"footer": bytes(5_000)}],
    ids=["right", "short", "footer", "zeros"],
)
def test_cover_art_hides_no_frames_of_a_file_without_a_name(name: str | None, more: dict[str, Any]) -> None:
    audio = io.BytesIO()
    soundfile.write(audio, np.random.default_rng(1).uniform(-0.5, 0.5, 3 * 16_000), 16_000, format="MP3")
    with read_recording(io.BytesIO(tagged(audio.getvalue(), **more)), name) as recording:
        assert sum(block.size for block in recording.blocks() if not isinstance(block, Gap)) == 3 * 16_000


def test_a_path_needs_no_name_that_ends_in_mp3_either(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    with path.open("wb") as file:
        audio = io.BytesIO()
        soundfile.write(audio, np.random.default_rng(1).uniform(-0.5, 0.5, 16_000), 16_000, format="MP3")
        file.write(tagged(audio.getvalue(), length=50_000))
    with read_recording(path) as recording:
        assert sum(block.size for block in recording.blocks() if not isinstance(block, Gap)) == 16_000


def test_aac_behind_a_tag_is_not_taken_for_mp3() -> None:
    """Of which libmpg123 would decode what it takes for frames."""
    aac = (b"\xff\xf1\x60\x40\x05\x5f\xfc" + np.random.default_rng(3).bytes(163)) * 200
    with pytest.raises(UndecodableFileError):
        read_recording(io.BytesIO(tagged(aac)), "blob")
