"""Speech rate against transcripts: slow, comfortable or fast, as measured and as spoken.

    .venv/bin/python bench/speech_rate.py

The true rate is syllables of the transcript (Chinese characters; English vowel groups, a silent final e left out) per
second of speech. Clips of at most one window with at least 3 s of speech.
"""

import csv
import os
import re
from pathlib import Path

import numpy as np
import soundfile
from mixes_table import Bench

from server.model.acoustic.speech import syllable_rate
from server.values.marked import MarkedRows

AUDIO = Path(os.environ.get("TINGQING_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "audio"
SLOW_SPS, FAST_SPS = 3.0, 5.5
"""Classes: slow under 3, fast over 5.5 syllables per second (docs/accuracy.md)."""
LONGEST_S = 11.0


def syllables(text: str, language: str) -> int:
    if language == "zh":
        return len(re.findall(r"[一-鿿]", text))
    words = re.findall(r"[a-z']+", text.lower())
    return sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word)))) for word in words)


def pairs() -> list[tuple[float, float]]:
    """(true, measured) syllables per second of every clip that has both."""
    bench, found = Bench(mos=False), []
    with (AUDIO / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("speech/") and row["transcript"]]
    for row in rows:
        if row["language"] not in {"en", "zh"}:
            continue
        samples, rate = soundfile.read(AUDIO / row["path"], dtype="float32")
        windows = [window for window, _ in bench.windows(samples, rate)]
        measured = syllable_rate(MarkedRows(windows[-1].rows)) if windows and len(samples) / rate < LONGEST_S else None
        if measured is not None:
            # The last window may end a second before the clip does.
            speech_s = max(1.0, windows[-1].speech_s * len(samples) / rate / windows[-1].end_s)
            found.append((syllables(row["transcript"], row["language"]) / speech_s, measured))
    return found


def in_class(found: list[tuple[float, float]]) -> tuple[int, int, float]:
    """Clips in the right class of three, clips, and the mean error in syllables per second."""
    true, measured = np.array(found).T
    edges = [SLOW_SPS, FAST_SPS]
    right = np.digitize(true, edges) == np.digitize(measured, edges)
    return int(right.sum()), len(found), float(np.abs(true - measured).mean())


def main() -> None:
    right, n, error = in_class(pairs())
    print(f"speech rate: {right} of {n} clips in the right class of three, mean error {error:.2f} syl/s")


if __name__ == "__main__":
    main()
