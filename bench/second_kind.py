"""Makes recordings of a second kind: faults of lines and devices by construction, each with what must be said of it.

    .venv/bin/python bench/second_kind.py FOLDER [--seed 2] [--fold held] [--gtcrn gtcrn_simple.onnx]

FOLDER gets the recordings, 10 to 13 s each, and ``labels.json``; judge them with bench/second_kind_table.py. Half of
each kind is of the fold ``fit`` and half of ``held``, which share no talker and no noise (bench/voices.py). A kind that
must pass has ``verdict`` accept; one that must not names the labels of which one has to fail, and those that may.
"""

import argparse
import itertools
import json
from dataclasses import asdict
from pathlib import Path

import soundfile
from codecs_of_lines import Gtcrn
from second_kind_places import Places
from second_kind_signal import Signals
from voices import FOLDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--gtcrn", type=Path)
    parser.add_argument("--fold", choices=FOLDS, help="make this one alone")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    enhancer = None if arguments.gtcrn is None else Gtcrn(arguments.gtcrn)
    labels = []
    for fold in FOLDS if arguments.fold is None else (arguments.fold,):
        items = [maker(fold, arguments.seed, enhancer).all() for maker in (Signals, Places)]
        for place, item in enumerate(itertools.chain(*items)):
            name = f"{fold}{place:03d}.wav"
            soundfile.write(folder / name, item.sound, item.rate, subtype=item.subtype)
            told = {"file": name, "kind": item.kind, "fold": fold, "source": item.source, "talker": item.talker}
            labels.append({**told, "noise": item.noise, "wanted": asdict(item.wanted), **item.told})
    text = json.dumps({"seed": arguments.seed, "items": labels}, ensure_ascii=False, indent=1)
    (folder / "labels.json").write_text(text, encoding="utf-8")
    print(f"{len(labels)} items in {folder}")


if __name__ == "__main__":
    main()
