"""Networks for the cross-validation of overlap: each mix is judged by one fitted without its talkers and noise.

    OMP_NUM_THREADS=1 .venv/bin/python bench/overlap_folds.py        (fits 6 networks of some minutes each, once)

Prints what each held-out mix of TINGQING_SHARED measures, and how well ``overlap`` separates two talkers from the rest.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from mixes_manifest import sources
from mixes_table import Bench, auc

from server.evaluation.manifest import Row
from server.model.acoustic.names import Internal
from server.model.acoustic.scorer import readings
from server.model.overlap import OverlapNetwork, load_overlap
from server.values.audio import Float32Array
from training.fit_overlap import weights_without
from training.overlap_mixes import AUDIO, load_sources

FOLDS = 6


@dataclass(frozen=True, slots=True)
class Fold:
    """Indices of the judged mixes, and the sources (groups of talkers and noises) that they consist of."""

    judged: tuple[int, ...]
    sources: frozenset[str]


def folds(groups: Sequence[frozenset[str]], n: int = FOLDS) -> list[Fold]:
    """Every mix in one of ``n`` folds of equal size, chosen so that each has few sources. ``groups``: those of a
    mix."""
    left = set(range(len(groups)))
    found = []
    for k in range(n):
        size = round(len(groups) * (k + 1) / n) - round(len(groups) * k / n)
        mine: list[int] = []
        held: frozenset[str] = frozenset()
        for _ in range(size):
            place = min(left, key=lambda at: (len(groups[at] - held), -len(groups[at] & held), at))
            mine.append(place)
            left.remove(place)
            held |= groups[place]
        found.append(Fold(tuple(mine), held))
    return found


def mix_groups(folder: Path = AUDIO / "mixes") -> tuple[list[dict[str, Any]], list[frozenset[str]]]:
    """The mixes of a folder as in labels.json, and the sources of each."""
    with (AUDIO / "manifest.csv").open(encoding="utf-8", newline="") as file:
        group_of = {row["path"]: row["group"] or row["path"] for row in csv.DictReader(file)}
    rows = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["mixes"]
    return rows, [frozenset().union(*sources(row, group_of)) for row in rows]


def networks(held: Sequence[Fold]) -> list[OverlapNetwork]:
    """One network per fold, fitted without its sources."""
    torch.set_num_threads(1)
    everything = load_sources()
    return [load_overlap(weights_without(fold.sources, everything)) for fold in held]


class HeldOutNetworks:
    """``server.evaluation.run.HeldOut``: each mix is heard by the network fitted without its sources, any other
    recording by the shipped one."""

    def __init__(self) -> None:
        rows, groups = mix_groups()
        held = folds(groups)
        self._of = {
            (AUDIO / "mixes" / str(rows[place]["file"])).resolve(): network
            for fold, network in zip(held, networks(held), strict=True)
            for place in fold.judged
        }
        self._shipped = load_overlap()
        self._now = self._shipped
        self.context_samples = self._shipped.context_samples

    def listen_to(self, row: Row) -> None:
        self._now = self._of.get(row.path, self._shipped)

    def hear(self, pcm: Float32Array, rows: int) -> Float32Array:
        return self._now.hear(pcm, rows)


def main() -> None:
    rows, groups = mix_groups()
    held = folds(groups)
    two: list[float] = []
    one: list[float] = []
    for fold, network in zip(held, networks(held), strict=True):
        bench = Bench(mos=False, overlap=network)
        for place in fold.judged:
            row = rows[place]
            samples, rate = soundfile.read(AUDIO / "mixes" / str(row["file"]), dtype="float32")
            heard = [readings(window, None) for window, _ in bench.windows(samples, rate) if not window.partial]
            values = [whole.values[Internal.OVERLAP] for whole, _ in heard if Internal.OVERLAP in whole.values]
            if not values:
                continue
            overlap = float(np.median(values))
            (two if "overlap" in row["tags"] else one).append(overlap)
            print(f"{overlap:.3f}  {row['file']}")
    print(f"AUC {auc([-value for value in two], [-value for value in one]):.3f} ({len(two)} with two talkers, ", end="")
    print(f"{len(one)} without, where it is measurable)")


if __name__ == "__main__":
    main()
