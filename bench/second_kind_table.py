"""What the product says of the second kind of recordings, kind by kind, right or not.

    .venv/bin/python bench/second_kind_table.py FOLDER [--fold held] [--json figures.json] [--rows rows.jsonl] [--wrong]

FOLDER as bench/second_kind.py makes it. An item is right if its labels, its prompts and its words are what
``labels.json`` wants; ``verdict`` counts the items whose verdict alone is right;
``*`` marks a kind under 60 %. The pace of the talkers is left out.
"""

import argparse
import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from judged import PACE, judge_all, kept_rows

from server.evaluation.statistics import wilson

GOAL, KIND_GOAL = 0.93, 0.60
SMALL = {
    "lost quanta": ("continuous_signal", "lost quanta: whole"),
    "clipped, turned down": ("no_clipping", "loud: whole"),
    "self-echo": ("low_reverberation", "self-echo: none"),
}
"""Kind to its label and the kind without the fault."""
Row = Mapping[str, Any]


def verdict_right(row: Row) -> bool:
    """Whether it is accepted where it must be, and not where it must not."""
    wanted: str = row["wanted"]["verdict"]
    return bool(wanted == "either" or (not row["failing"]) == (wanted == "accept"))


def faults(row: Row) -> list[str]:
    """What is wrong with what was said; empty: right."""
    wanted, failing = row["wanted"], set(row["failing"])
    labels, may = set(wanted["labels"]), set(wanted["may"])
    found = [] if verdict_right(row) else ["accepted" if not failing else "refused"]
    if labels and not failing & labels:
        found.append("label missed")
    if "*" not in may and (wrong := failing - labels - may):
        found.append(f"wrong label {'+'.join(sorted(wrong))}")
    if wanted["prompts"] and not set(row["prompts"]) & set(wanted["prompts"]):
        found.append("prompt missed")
    if never := set(row["prompts"]) & set(wanted["never"]):
        found.append(f"prompt {'+'.join(sorted(never))}")
    words = " ".join([row["advice"], *row["notices"]]).lower()
    if wanted["says"] and not any(word in words for word in wanted["says"]):
        found.append(f"no word of {wanted['says'][0]!r}")
    return found


def by_kind(rows: Sequence[Row]) -> dict[str, list[Row]]:
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds[row["kind"]].append(row)
    return kinds


def print_kinds(rows: Sequence[Row]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    print(f"{'kind':30} right   verdict  failing labels; what was wrong")
    for kind, mine in by_kind(rows).items():
        right, verdicts = sum(not faults(row) for row in mine), sum(map(verdict_right, mine))
        failed = Counter(label for row in mine for label in row["failing"])
        wrong = Counter(fault for row in mine for fault in faults(row))
        out[kind] = {"n": len(mine), "right": right, "verdict_right": verdicts, "failing": failed, "wrong": wrong}
        mark = " " if right >= KIND_GOAL * len(mine) else "*"
        said = "; ".join(
            ", ".join(f"{name} {count}" for name, count in one.most_common()) for one in (failed, wrong) if one
        )
        print(f"{kind:30} {right:2}/{len(mine):2}{mark}  {verdicts:2}/{len(mine):2}    {said}")
    right, n = sum(one["right"] for one in out.values()), len(rows)
    share = wilson(right, n)
    print(f"{'all':30} {right}/{n} = {share.value:.3f} ({share.low:.3f}–{share.high:.3f}), goal {GOAL}")
    out["all"] = {"n": n, "right": right}
    return out


def print_small(rows: Sequence[Row]) -> dict[str, Any]:
    """Faults that are small, and the same label on recordings without them."""
    kinds, out = by_kind(rows), {}
    for kind, (label, whole) in SMALL.items():
        if not kinds.get(kind):
            continue
        found = sum(label in row["failing"] for row in kinds[kind])
        false = sum(label in row["failing"] for row in kinds[whole])
        everywhere = [row for row in rows if row["wanted"]["verdict"] == "accept"]
        elsewhere = sum(label in row["failing"] for row in everywhere)
        out[kind] = {"found": found, "n": len(kinds[kind]), "false": false, "clean": len(kinds[whole])}
        print(f"{kind}: found {found}/{len(kinds[kind])}, false {false}/{len(kinds[whole])} on the same without it, "
              f"{elsewhere}/{len(everywhere)} on all that must pass")  # fmt: skip
    return out


def print_wrong(rows: Sequence[Row]) -> None:
    for row in rows:
        if not (found := faults(row)):
            continue
        scores = {name: round(score, 2) for name, score in row["labels"].items() if score < 0.7 and name != PACE}
        measures = {
            name: round(value, 4) for name, value in row["measures"].items() if isinstance(value, float) and value
        }
        print(f"{row['file']} {row['kind']} {found}: {scores} {row['prompts']} {measures}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--fold", choices=("fit", "held"))
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--wrong", action="store_true")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        items = json.loads((arguments.folder / "labels.json").read_text(encoding="utf-8"))["items"]
        items = [item for item in items if arguments.fold in {None, item["fold"]}]
        rows = asyncio.run(judge_all(arguments.folder, items, arguments.rows))
    elif arguments.rows is not None:
        rows = [row for row in kept_rows(arguments.rows) if arguments.fold in {None, row["fold"]}]
    else:
        parser.error("name a FOLDER of items, or --rows")
    found = {"kinds": print_kinds(rows), "small": print_small(rows)}
    if arguments.wrong:
        print_wrong(rows)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
