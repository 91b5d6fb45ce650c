"""Does a tiny CLAP, trained here, keep what it learned on our path, and does its evidence separate sounds?

    .venv/bin/python bench/clap_learns.py [--steps 1000] [--sounds 48] [--unseen 40] [--seed 0] [--json]

Twelve kinds of synthetic sound with captions (tools/material/clap/sounds.py). After training, unseen sounds go as
48 kHz PCM through core, mel tracker, lean tower, text cache and evidence; labels are unseen wordings. Compared with
random weights of the same shapes, and with chance. Takes minutes on one core; needs no weights and no network.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import load_clap
from server.model.clap.scorer import ClapScorer
from tools.material.clap.hearing import accuracy, areas, evidence, windows_of
from tools.material.clap.learning import FIRST_UNSEEN, label_set, learn
from tools.material.clap.sounds import KINDS, sound


def measured(folder: Path, each: int) -> dict[str, object]:
    """Accuracy and areas under the ROC curve on ``each`` unseen sounds of every kind."""
    scorer = ClapScorer(load_clap(Checkpoint("tiny", "1", folder), device="cpu", dtype="fp32"))
    kinds = [kind for kind in KINDS for _ in range(each)]
    windows = [windows_of(sound(kind, FIRST_UNSEEN + n))[-1] for kind in KINDS for n in range(each)]
    told = evidence(scorer, windows, label_set())
    found = areas(told, kinds)
    own = np.array([[kind == truth for kind in KINDS] for truth in kinds])
    return {
        "sounds": len(kinds),
        "accuracy": round(accuracy(told, kinds), 3),
        "auc_mean": round(float(np.mean(list(found.values()))), 3),
        "auc_worst": round(min(found.values()), 3),
        "auc_worst_label": min(found, key=lambda kind: found[kind]),
        "evidence_own_median": round(float(np.median(told[own])), 3),
        "evidence_others_median": round(float(np.median(told[~own])), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--sounds", type=int, default=48, help="of each kind, to learn from")
    parser.add_argument("--unseen", type=int, default=40, help="of each kind, to be judged on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one object on one line")
    asked = parser.parse_args()
    torch.set_num_threads(1)

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        untrained = learn(Path(folder) / "untrained", steps=0, sounds=asked.sounds, seed=asked.seed)
        trained = learn(Path(folder) / "trained", steps=asked.steps, sounds=asked.sounds, seed=asked.seed, tell=tell)
        found = {
            "chance": round(1 / len(KINDS), 3),
            "random_weights": measured(untrained, asked.unseen),
            "trained": measured(trained, asked.unseen),
            "steps": asked.steps,
        }
    if asked.json:
        print(json.dumps(found))
        return
    print(f"chance {found['chance']}")
    for name in ("random_weights", "trained"):
        print(f"{name:<16}{found[name]}")


if __name__ == "__main__":
    main()
