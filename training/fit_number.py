"""Fits the constants of server/judge/number.py, and how much each label harms, to recordings whose truth is known.

    .venv/bin/python bench/pairs.py FOLDER
    .venv/bin/python bench/pairs_table.py FOLDER --rows rows.jsonl
    .venv/bin/python training/fit_number.py rows.jsonl [--steps 3000] [--seed 1]

Prints the values that follow ESTOI and PESQ best on fold ``fit`` (the mean of Spearman's two rhos), and what both folds
say of them; ``held`` decides nothing. They are copied into number.py and labels/telemedicine.toml by hand. A search by
chance from the values in use: a change is kept if it is no worse. The same seed and rows give the same values.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from server.dictionaries import Dictionaries
from server.judge import number
from server.judge.labels import LabelKind, LabelSet
from server.judge.verdict import overall

LABELS = Path(__file__).resolve().parents[1] / "labels"
BOUNDS = {
    "MOS_COUNTS": (0.0, 0.95),
    "WORST_MOS": (0.8, 1.8),
    "BEST_MOS": (2.8, 3.8),
    "CLEAR_POWER": (0.3, 3.0),
    "USABLE_POWER": (0.3, 2.0),
}
"""Constants of number.py that are fitted. Those that keep it without a cliff are not."""
HARM_BOUNDS = (0.05, 0.95)
CHANGED = 0.25
"""Share of the values that one try changes."""
STEP = 0.15
"""Size of a change, as a share of what the bounds leave."""

Values = dict[str, float]
Row = Mapping[str, Any]
Floats = npt.NDArray[np.float64]


def numbers(labels: LabelSet, rows: Sequence[Row], values: Mapping[str, float]) -> Floats:
    """The overall score of every row with ``values``: constants of number.py by name, harm by label id."""
    for name in BOUNDS:
        setattr(number, name, values[name])
    harmed = replace(labels, labels=tuple(replace(one, harm=values.get(one.id, one.harm)) for one in labels.labels))
    found = [overall(harmed, row["labels"], mos=row["measures"]["mos_overall"]).score for row in rows]
    return np.array([0.0 if one is None else one for one in found])


def agreement(found: Floats, rows: Sequence[Row]) -> tuple[float, float]:
    """Spearman's rho to ESTOI and to PESQ."""
    estoi, pesq = (float(spearmanr(found, [row[name] for row in rows]).statistic) for name in ("estoi", "pesq"))
    return estoi, pesq


def fitted(labels: LabelSet, rows: Sequence[Row], steps: int, seed: int) -> Values:
    """The best values found in ``steps`` tries."""
    rng = np.random.default_rng(seed)
    quality = [label for label in labels.shown() if label.kind is LabelKind.QUALITY]
    bounds = {**BOUNDS, **{label.id: HARM_BOUNDS for label in quality}}
    names = list(bounds)
    low, high = np.array([bounds[name] for name in names]).T
    start = [getattr(number, name) for name in BOUNDS] + [label.harm for label in quality]
    best = np.clip(np.array(start), low, high)
    reached = sum(agreement(numbers(labels, rows, dict(zip(names, best, strict=True))), rows))
    for _ in range(steps):
        change = rng.normal(0.0, STEP, best.size) * (high - low) * (rng.random(best.size) < CHANGED)
        tried = np.clip(best + change, low, high)
        found = sum(agreement(numbers(labels, rows, dict(zip(names, tried, strict=True))), rows))
        if found >= reached:
            best, reached = tried, found
    return dict(zip(names, [round(float(value), 2) for value in best], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    labels = Dictionaries.load(LABELS).resolve(None)
    folds = {fold: [row for row in rows if row["fold"] == fold] for fold in ("fit", "held")}
    in_use = {name: getattr(number, name) for name in BOUNDS}
    before = {fold: agreement(numbers(labels, mine, in_use), mine) for fold, mine in folds.items()}
    values = fitted(labels, folds["fit"], arguments.steps, arguments.seed)
    for name, value in values.items():
        print(f"{name} = {value}")
    for fold, mine in folds.items():
        after = agreement(numbers(labels, mine, values), mine)
        print(f"{fold}: {len(mine)} pairs, rho to ESTOI {before[fold][0]:.3f} -> {after[0]:.3f}, "
              f"to PESQ {before[fold][1]:.3f} -> {after[1]:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
