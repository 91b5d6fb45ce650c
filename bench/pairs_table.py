"""How well the overall score follows ESTOI and PESQ, beside DNSMOS alone, plain SNR, WADA-SNR and SRMR.

    .venv/bin/python bench/pairs_table.py FOLDER [--rows rows.jsonl] [--json figures.json]

FOLDER as bench/pairs.py makes it. Prints, per fold, Spearman's rho to both and the AUC of ESTOI under .65 against .85
and more, with 95 % intervals from resampling talkers; then the kinds. ``--rows`` keeps all that was measured of each
pair, as it comes; pairs in it are not heard again, and without FOLDER the tables are of these.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from judged import judge_all, kept_rows
from mixes_table import auc
from peers import peers_of
from scipy.stats import spearmanr

POOR_ESTOI, GOOD_ESTOI = 0.65, 0.85
RESAMPLES = 500
Row = Mapping[str, Any]
Floats = npt.NDArray[np.float64]

MEASURES: dict[str, Callable[[Row], float | None]] = {
    "overall": lambda row: row["overall"],
    "DNSMOS overall": lambda row: row["measures"]["mos_overall"],
    "DNSMOS signal": lambda row: row["measures"]["mos_signal"],
    "plain SNR": lambda row: row["measures"]["snr_db"],
    "WADA-SNR": lambda row: row["wada_db"],
    "SRMR": lambda row: row["srmr"],
}


def figures(values: Floats, rows: Sequence[Row]) -> tuple[float, float, float]:
    """Spearman's rho of ``values`` to ESTOI and to PESQ, and the AUC between poor and good ESTOI."""
    estoi = np.array([row["estoi"] for row in rows])
    rhos = [float(spearmanr(values, truth).statistic) for truth in (estoi, [row["pesq"] for row in rows])]
    poor, good = list(values[estoi < POOR_ESTOI]), list(values[estoi >= GOOD_ESTOI])
    return rhos[0], rhos[1], auc(poor, good) if poor and good else float("nan")


def measured(rows: Sequence[Row], name: str) -> Floats:
    """One value per row; where there is none (DNSMOS of broken audio, SNR without speech), it stands in the middle."""
    found = [MEASURES[name](row) for row in rows]
    middle = float(np.median([value for value in found if value is not None]))
    return np.array([middle if value is None else value for value in found])


def with_intervals(values: Floats, rows: Sequence[Row]) -> dict[str, list[float]]:
    """Each figure with its 95 % interval: value, low, high. Pairs of one talker are drawn together."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row["talker"]].append(place)
    groups, rng = list(places.values()), np.random.default_rng(1)
    drawn = []
    for _ in range(RESAMPLES):
        sample = [place for group in rng.integers(len(groups), size=len(groups)) for place in groups[group]]
        drawn.append(figures(values[sample], [rows[place] for place in sample]))
    low, high = np.nanpercentile(np.array(drawn), (2.5, 97.5), axis=0)
    names = ("rho_estoi", "rho_pesq", "auc")
    return {
        name: [value, float(low[place]), float(high[place])]
        for place, (name, value) in enumerate(zip(names, figures(values, rows), strict=True))
    }


def print_folds(rows: Sequence[Row]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for fold in ("fit", "held", "both"):
        mine = [row for row in rows if fold in {"both", row["fold"]}]
        out[fold] = {name: with_intervals(measured(mine, name), mine) for name in MEASURES}
        print(f"\n{fold}: {len(mine)} pairs        rho to ESTOI         rho to PESQ          AUC of ESTOI")
        for name, found in out[fold].items():
            cells = [f"{value:.3f} ({low:.2f}–{high:.2f})" for value, low, high in found.values()]
            print(f"{name:16} " + "  ".join(f"{cell:19}" for cell in cells))
    return out


def print_kinds(rows: Sequence[Row]) -> dict[str, Any]:
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds[row["kind"]].append(row)
    print("\nkind           n  ESTOI  PESQ  overall  DNSMOS  accepted  failing labels")
    out = {}
    for kind, mine in kinds.items():
        means = [float(np.mean([row[name] for row in mine])) for name in ("estoi", "pesq")]
        means += [float(np.mean([value for row in mine if (value := MEASURES[name](row)) is not None])) for name in
                  ("overall", "DNSMOS overall")]  # fmt: skip
        accepted = sum(row["verdict"] == "accept" for row in mine)
        failed: dict[str, int] = defaultdict(int)
        for row in mine:
            for label in row["failing"]:
                failed[label] += 1
        out[kind] = {"n": len(mine), "accepted": accepted, "failing": dict(failed), "means": means}
        shown = ", ".join(f"{label} {count}" for label, count in sorted(failed.items(), key=lambda one: -one[1]))
        print(f"{kind:12} {len(mine):3}  {means[0]:.2f}   {means[1]:.2f}  {means[2]:.2f}     {means[3]:.2f}  "
              f"{accepted:4}      {shown}")  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        pairs = json.loads((arguments.folder / "labels.json").read_text(encoding="utf-8"))["pairs"]
        rows = asyncio.run(judge_all(arguments.folder, pairs, arguments.rows, peers_of))
    elif arguments.rows is not None:
        rows = kept_rows(arguments.rows)
    else:
        parser.error("name a FOLDER of pairs, or --rows")
    found = {"folds": print_folds(rows), "kinds": print_kinds(rows)}
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
