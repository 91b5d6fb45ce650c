"""How fast recordings are judged, in CPU time, and how much memory hours of one take.

    python bench/recordings.py                  # ten minutes each, without and with the costly models
    python bench/recordings.py --hours 2        # memory of one recording of so many hours
    python bench/recordings.py --hours 2 --m4a --models none  # the same through FFmpeg, without the costly models
    python bench/recordings.py --hours 10 --models none       # longer than is taken by default

CPU time, not wall time: others may be busy on the machine. The mixes of the shared audio, one after another, are what
is judged. Models come from the model cache; "costly" are DNSMOS, the denoiser and the talker models.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

from server.recording.decoders.limits import Decoders

RATE = 16_000
LONGEST_S = 24 * 3600
CHEAP = ("--no-mos", "--no-denoiser", "--no-voices", "--clap", "off")
COSTLY = ("--clap", "off")


def recording(folder: Path, seconds: float, *, m4a: bool) -> Path:
    """Of the mixes, as often as it takes, as FLAC or M4A; written piece by piece."""
    shared = Path(os.environ.get("TINGQING_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    mixes = sorted((shared / "audio" / "mixes").glob("*.flac"))
    path, at, left = folder / "long.flac", 0, int(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, format="FLAC") as file:
        while left > 0:
            samples, _ = soundfile.read(mixes[at % len(mixes)], dtype="int16")
            file.write(samples[:left])
            left -= samples[:left].size
            at += 1
    if not m4a:
        return path
    program = Decoders().ffmpeg_program
    assert program is not None
    subprocess.run([program, "-v", "error", "-y", "-i", path, folder / "long.m4a"], check=True)
    return folder / "long.m4a"


def judged(path: Path, flags: tuple[str, ...]) -> tuple[float, float, float]:
    """CPU seconds of the command and its decoders, its largest resident set in MB, and the length it told, seconds."""
    command = [sys.executable, "-m", "server", "assess", "--format", "jsonl", *flags, str(path)]
    limits = {"OMP_NUM_THREADS": "1", "TINGQING_MAX_AUDIO_S": str(LONGEST_S)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **limits})
    assert process.stdout is not None
    result = json.loads(process.stdout.read())
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, result["source"]["duration_s"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--hours", type=float, default=1 / 6)
    arguments.add_argument("--m4a", action="store_true")
    arguments.add_argument("--models", choices=("none", "all", "both"), default="both")
    asked = arguments.parse_args()
    runs = {"none": ("without the costly models", CHEAP), "all": ("with them", COSTLY)}
    wanted = runs.values() if asked.models == "both" else (runs[asked.models],)
    with tempfile.TemporaryDirectory() as folder:
        path = recording(Path(folder), asked.hours * 3600, m4a=asked.m4a)
        short = recording(Path(tempfile.mkdtemp(dir=folder)), 1.0, m4a=False)
        for name, flags in wanted:
            start, _, _ = judged(short, flags)
            cpu, memory, length = judged(path, flags)
            rate = length / max(cpu - start, 1e-9)
            print(
                f"{name}: {length:.0f} s in {cpu:.1f} s of CPU ({start:.1f} s of it to start): "
                f"{rate:.0f} times real time on one core; {memory:.0f} MB"
            )


if __name__ == "__main__":
    main()
