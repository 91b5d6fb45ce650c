"""Whether processed speech that can be used passes, and other does not, beside DNSMOS alone.

    .venv/bin/python bench/heard_table.py FOLDER [FOLDER …] [--rows rows.jsonl] [--json figures.json]

FOLDERs as bench/heard.py makes them. What can be used has an ESTOI of .75 and more. Prints, per fold, the AUC of the
overall score, the balanced accuracy of the verdict and how much clean speech is accepted, with 95 % intervals from
resampling talkers, then the ways of processing. TINGQING_MOS=off and TINGQING_DENOISER=off go without one.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from judged import judge_all
from mixes_table import auc

USABLE_ESTOI = 0.75
RESAMPLES = 500
Row = Mapping[str, Any]


def usable(row: Row) -> bool:
    return bool(row["estoi"] >= USABLE_ESTOI)


def accepted(row: Row) -> bool:
    """All labels pass; the talker's pace aside."""
    return not row["failing"]


def share(rows: Sequence[Row]) -> float:
    return sum(map(accepted, rows)) / len(rows) if rows else float("nan")


def figures(rows: Sequence[Row]) -> dict[str, float]:
    good, bad = [row for row in rows if usable(row)], [row for row in rows if not usable(row)]
    rated = {place: [row for row in some if row["measures"]["mos_overall"] is not None] for place, some in
             (("good", good), ("bad", bad))}  # fmt: skip
    return {
        "auc": auc([row["overall"] for row in bad], [row["overall"] for row in good]),
        "auc of DNSMOS": auc(*([row["measures"]["mos_overall"] for row in rated[place]] for place in ("bad", "good"))),
        "balanced": (share(good) + 1 - share(bad)) / 2,
        "usable accepted": share(good),
        "not usable refused": 1 - share(bad),
        "clean accepted": share([row for row in rows if row["snr_db"] is None]),
    }


def with_intervals(rows: Sequence[Row]) -> dict[str, tuple[float, float, float]]:
    """Each figure, and where 95 % of it lie when talkers are drawn again."""
    by_talker: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_talker[row["talker"]].append(row)
    talkers, rng = list(by_talker.values()), np.random.default_rng(1)
    drawn = [
        figures([row for place in rng.integers(len(talkers), size=len(talkers)) for row in talkers[place]])
        for _ in range(RESAMPLES)
    ]
    out = {}
    for name, value in figures(rows).items():
        low, high = np.nanpercentile([one[name] for one in drawn], (2.5, 97.5))
        out[name] = (value, float(low), float(high))
    return out


def print_ways(rows: Sequence[Row]) -> None:
    print(f"\n{'by':13} {'n':>3}  usable  accepted of them  refused of the others")
    for way in sorted({row["by"] for row in rows}):
        mine = [row for row in rows if row["by"] == way]
        good = [row for row in mine if usable(row)]
        bad = [row for row in mine if not usable(row)]
        print(f"{way:13} {len(mine):3}  {len(good):6}  {share(good):16.2f}  {1 - share(bad):21.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for folder in arguments.folder:
        items = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["pairs"]
        rows += asyncio.run(judge_all(folder, items, arguments.rows))
    found = {}
    for fold in ("fit", "held"):
        mine = [row for row in rows if row["fold"] == fold]
        found[fold] = with_intervals(mine) if mine else {}
        print(f"{fold}: {len(mine)} recordings, {sum(map(usable, mine))} usable")
        for name, (value, low, high) in found[fold].items():
            print(f"  {name:18} {value:.3f} ({low:.2f}–{high:.2f})")
    print_ways(rows)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
