"""Makes noisy speech as a processed microphone hands it on, with what ESTOI and PESQ say of each.

    .venv/bin/python bench/heard.py FOLDER [--seed 1] [--fold held] [--rnnoise librnnoise.so]

FOLDER gets 16 kHz recordings of 8 to 12 s, ``NNN_reference.flac`` and ``NNN_HOW.flac``, and ``labels.json``; judge
them with bench/heard_table.py. Half are of the fold ``fit``, half of ``held``; these share no talker and no noise.
Each way of processing hears each SNR with other talkers and noises: WebRTC's noise suppression at four strengths,
with and without its automatic gain, GTCRN, RNNoise (left out without ``--rnnoise``; see microphones.py), and none, as
of a microphone whose settings nobody knows.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from judged import PROCESSED
from microphones import Process, in_step, ways
from pairs import PEAK, truth
from voices import FOLDS, RATE, Cast, Fold, fitted, floor_noise, with_noise

from server.model.small.store import SmallModels

SNRS: tuple[int | None, ...] = (None, 20, 15, 10, 5, 0, -5)
"""dB; ``None`` is clean speech, which each way of processing hears three times."""
ROUNDS = 2
FLOOR_DBFS = -72.0


def make_fold(folder: Path, fold: Fold, seed: int, processes: dict[str, Process]) -> Iterator[dict[str, Any]]:
    cast = Cast(fold, seed)
    plan = [(how, snr) for snr in SNRS for how in processes for _ in range(ROUNDS if snr is not None else ROUNDS + 1)]
    for place, (how, snr) in enumerate(plan):
        voice, talker = cast.voice(float(cast.rng.uniform(8, 12)))
        noisy, told = voice + floor_noise(voice.size, FLOOR_DBFS, cast.rng), {"snr_db": snr, "by": how}
        noise_group = ""
        if snr is not None:
            kind = cast.kinds[place % len(cast.kinds)]
            noise, noise_group = cast.noise(kind, voice.size)
            noisy, told = with_noise(noisy, fitted(noise, voice.size), snr), {**told, "noise_kind": kind}
        taken = noisy * 10 ** (float(cast.rng.uniform(-10, 4)) / 20)
        taken *= min(1.0, PEAK / np.abs(taken).max())
        heard = in_step(processes[how](taken), taken)
        heard *= min(1.0, PEAK / np.abs(heard).max())
        name = f"{FOLDS.index(fold)}{place:03d}"
        soundfile.write(folder / f"{name}_reference.flac", voice * min(1.0, PEAK / np.abs(voice).max()), RATE)
        soundfile.write(folder / f"{name}_{how}.flac", heard, RATE, subtype="PCM_16")
        told |= {"source": PROCESSED, "kind": how, "fold": fold, "talker": talker, "noise": noise_group}
        yield {"file": f"{name}_{how}.flac", "reference": f"{name}_reference.flac", **told, **truth(voice, heard)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rnnoise", type=Path)
    parser.add_argument("--gtcrn", type=Path, help="another gtcrn_simple.onnx than the one in the model cache")
    parser.add_argument("--fold", choices=FOLDS, help="make this one alone")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    processes = ways(arguments.gtcrn or SmallModels().find("gtcrn"), arguments.rnnoise)
    folds = FOLDS if arguments.fold is None else (arguments.fold,)
    items = [item for fold in folds for item in make_fold(folder, fold, arguments.seed, processes)]
    text = json.dumps({"seed": arguments.seed, "pairs": items}, ensure_ascii=False, indent=1)
    (folder / "labels.json").write_text(text, encoding="utf-8")
    print(f"{len(items)} recordings of {len(processes)} ways of processing in {folder}")


if __name__ == "__main__":
    main()
