"""Whether a patient who coughs between clean words must record again: talkers alone, and with real coughs.

    .venv/bin/python bench/coughs.py [--talkers 20] [--without denoiser]

Needs TINGQING_SHARED (default ../shared). Twelve seconds of each talker; a cough of at most a second in the quietest
place around each third second, in turn as loud as the talker's loudest sample and 6 dB softer. The floor of the coughs'
own recordings comes with them.
"""

import argparse
import asyncio
import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from server.app import open_engine
from server.assessment.engine import Engine
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.rendering.results import result_model
from server.settings import Settings

AUDIO = Path(os.environ.get("TINGQING_SHARED", "../shared")) / "audio"
RATE, SECONDS, EVERY_S = 16_000, 12, 3
FLOOR = 2e-4
FADE = 400
PARTS = ("denoiser", "mos", "voices")

Samples = npt.NDArray[np.float32]


def loaded(path: Path) -> Samples:
    """One channel at 16 kHz."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(samples[:, 0] if rate == RATE else soxr.resample(samples[:, 0], rate, RATE), np.float32)


def with_coughs(speech: Samples, coughs: list[Samples]) -> Samples:
    """One after each stretch of some three seconds."""
    level = np.convolve(speech**2, np.ones(800) / 800, "same")
    half = RATE // 2
    cuts = [
        at - half + int(np.argmin(level[at - half : at + half]))
        for at in range(EVERY_S * RATE, len(speech), EVERY_S * RATE)
    ]
    parts = []
    for number, (stretch, cough) in enumerate(zip(np.split(speech, cuts), coughs, strict=True)):
        shaped = cough[:RATE] / np.abs(cough[:RATE]).max() * np.abs(speech).max() * 10 ** (-6 * (number % 2) / 20)
        shaped[:FADE] *= np.linspace(0, 1, FADE)
        shaped[-FADE:] *= np.linspace(1, 0, FADE)
        parts += [stretch, shaped]
    return np.concatenate(parts).astype(np.float32)


def made(folder: Path, talkers: int) -> list[tuple[Path, Path]]:
    """Files of each talker, alone and coughing."""
    speech = [path for path in sorted((AUDIO / "speech").glob("*/*.flac")) if soundfile.info(path).duration > SECONDS]
    coughs = sorted((AUDIO / "clinical" / "cough").rglob("*.flac"))
    found = []
    for number, path in enumerate(speech[:: max(1, len(speech) // talkers)][:talkers]):
        alone = loaded(path)[: SECONDS * RATE]
        chosen = [loaded(coughs[(7 * number + 11 * at) % len(coughs)]) for at in range(SECONDS // EVERY_S)]
        rng = np.random.default_rng(number)
        pair = folder / f"{number:02d} alone.wav", folder / f"{number:02d} coughing.wav"
        for target, samples in zip(pair, (alone, with_coughs(alone, chosen)), strict=True):
            soundfile.write(target, samples + rng.normal(0, FLOOR, len(samples)), RATE)
        found.append(pair)
    return found


async def judged(engine: Engine, path: Path) -> tuple[bool, list[str]]:
    """Whether it is accepted, and which labels fail."""
    labels = engine.dictionaries.resolve(None)
    result = result_model(await assess_recording(engine, read_recording(path, path.name, max_s=60), labels))
    return result.overall.verdict == "accept", [name for name, label in result.labels.items() if label.passed is False]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talkers", type=int, default=20)
    parser.add_argument("--without", choices=PARTS, action="append", default=[])
    asked = parser.parse_args()
    used = {part: part not in asked.without for part in PARTS}
    settings = Settings(clap="off", denoiser=used["denoiser"], mos=used["mos"], voices=used["voices"])
    rows = []
    failed: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        async with open_engine(settings) as engine:
            for alone, coughing in made(Path(folder), asked.talkers):
                fine, _ = await judged(engine, alone)
                still, labels = await judged(engine, coughing)
                rows.append((fine, still))
                failed.update(labels if fine else [])
    kept = [still for was, still in rows if was]
    print(f"accepted alone: {len(kept)} of {len(rows)}; of these with their coughs: {sum(kept)}")
    print("labels that fail for the coughs:", ", ".join(f"{name} {n}" for name, n in failed.most_common()) or "none")


if __name__ == "__main__":
    asyncio.run(main())
