"""An MP3's decoder is a process beside the server, and a signal to the one is none to the other."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

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
