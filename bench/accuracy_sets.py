"""Sets of recordings that are made for the occasion: the second kind, pairs with ESTOI and PESQ, growing shares."""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import spoiled_share
from accuracy_peers import OF_SECOND, beside_peers
from judged import judge_all, makers_digest
from pairs_table import MEASURES, measured, with_intervals
from peers import peers_of
from second_kind_table import GOAL, KIND_GOAL, SMALL, by_kind, faults, verdict_right
from voices import Fold

from server.evaluation.statistics import wilson
from tools.accuracy.part import ROOT, Found, Goal, Part, Run, of, ranged, table

FOLD: Fold = "held"
SEED = 2
PAIR_SEEDS = (1, 2)
SMALL_GOAL, SMALL_CLEAN_GOAL, SMALL_N = 0.85, 0.02, 40
RHO_GOAL, AUC_GOAL, PAIRS_GOAL = 0.80, 0.97, 250
Row = Mapping[str, Any]


def material(run: Run, script: str, *options: str) -> tuple[Path, dict[str, Any]]:
    """The folder that ``script`` has filled, and its labels; made once for the same code and options."""
    options = (*options, *(("--gtcrn", str(run.gtcrn)) if run.gtcrn else ()))
    name = hashlib.sha256("\n".join((script, makers_digest(), *options)).encode()).hexdigest()[:12]
    folder = run.folder.parent.parent / "material" / f"{script}-{name}"
    if not (folder / "labels.json").exists():
        print(f"[{script}] making the recordings", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, str(ROOT / "bench" / f"{script}.py"), str(folder), *options], check=True)
    labels: dict[str, Any] = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    return folder, labels


def second_rows(run: Run) -> list[Row]:
    """The held items as judged, with what peers say of each."""
    folder, labels = material(run, "second_kind", "--seed", str(SEED), "--fold", FOLD)
    return list(asyncio.run(judge_all(folder, labels["items"], run.folder / "rows.jsonl", peers_of)))


def second(run: Run) -> Found:
    rows = second_rows(run)
    right = [row for row in rows if not faults(row)]
    share = wilson(len(right), len(rows))
    weak = [
        f"{kind} {good}/{len(mine)}"
        for kind, mine in by_kind(rows).items()
        if (good := sum(not faults(row) for row in mine)) < KIND_GOAL * len(mine)
    ]
    goals = [
        Goal("second kind of recordings right: ≥ 93 %", of(len(right), len(rows), share), share.value >= GOAL),
        Goal("no kind of it under 60 %", f"under it: {', '.join(weak) or 'none'}", not weak),
        *small_goals(rows),
    ]
    ahead, peers = beside_peers(OF_SECOND, rows)
    return Found([*goals, *ahead], {"kinds": kinds_table(rows), "peers": peers})


def small_goals(rows: Sequence[Row]) -> list[Goal]:
    kinds, goals = by_kind(rows), []
    for kind, (label, whole) in SMALL.items():
        mine, clean = kinds.get(kind, []), kinds.get(whole, [])
        if not mine or not clean:
            goals.append(Goal(f"{kind}: found", "no items", reached=False))
            continue
        found = sum(label in row["failing"] for row in mine)
        false = sum(label in row["failing"] for row in clean)
        few = "" if len(mine) >= SMALL_N else f"; {SMALL_N} items are asked for"
        hit = f"{of(found, len(mine), wilson(found, len(mine)))}{few}"
        goals += [
            Goal(f"{kind}: found ≥ 85 %", hit, found >= SMALL_GOAL * len(mine)),
            Goal(
                f"{kind}: on the same without it ≤ 2 %",
                of(false, len(clean), wilson(false, len(clean))),
                false <= SMALL_CLEAN_GOAL * len(clean),
            ),
        ]
    return goals


def kinds_table(rows: Sequence[Row]) -> str:
    cells = []
    for kind, mine in by_kind(rows).items():
        right, verdicts = sum(not faults(row) for row in mine), sum(map(verdict_right, mine))
        wrong = sorted({fault for row in mine for fault in faults(row)})
        cells.append(
            (kind, of(right, len(mine), wilson(right, len(mine))), f"{verdicts}/{len(mine)}", "; ".join(wrong))
        )
    return table(("kind", "right (95 %)", "verdict right", "what was wrong"), cells)


def pairs(run: Run) -> Found:
    """Of the held fold alone: the number was fitted to pairs of the other."""
    rows: list[Row] = []
    for seed in PAIR_SEEDS:
        folder, labels = material(run, "pairs", "--seed", str(seed), "--fold", FOLD)
        rows += asyncio.run(judge_all(folder, labels["pairs"], run.folder / f"rows-{seed}.jsonl", peers_of))
    found = {name: with_intervals(measured(rows, name), rows) for name in MEASURES}
    goals, enough = [], len(rows) >= PAIRS_GOAL
    for figure, text, least in (
        ("rho_estoi", "`overall` against ESTOI: ρ ≥ .80", RHO_GOAL),
        ("rho_pesq", "`overall` against PESQ: ρ ≥ .80", RHO_GOAL),
        ("auc", "ESTOI < .65 against ≥ .85: AUC ≥ .97", AUC_GOAL),
    ):
        ours, dnsmos = found["overall"][figure], found["DNSMOS overall"][figure]
        goals.append(
            Goal(
                f"{text}, ahead of DNSMOS alone ({len(rows)} pairs)",
                f"{ranged(*ours)}; DNSMOS alone {ranged(*dnsmos)}",
                enough and ours[0] >= least and ours[0] > dnsmos[0],
            )
        )
    return Found(goals, {"table": pairs_table(found, len(rows))})


def pairs_table(found: Mapping[str, Mapping[str, Sequence[float]]], n: int) -> str:
    head = (f"{n} pairs", "ρ to ESTOI (95 %)", "ρ to PESQ (95 %)", "AUC of ESTOI < .65 against ≥ .85 (95 %)")
    return table(head, [(name, *(ranged(*value) for value in one.values())) for name, one in found.items()])


def share(run: Run) -> Found:
    keep = run.folder / "points.jsonl"
    by_kind_of_spoiling = spoiled_share.measured(FOLD, 1, list(spoiled_share.KINDS), keep=keep)["kinds"]
    falls = {kind: one["largest_fall"] for kind, one in by_kind_of_spoiling.items()}
    worst = max(falls, key=lambda kind: falls[kind])
    rise = max(one["largest_rise"] for one in by_kind_of_spoiling.values())
    passed = sum(one["passed_of_much"][0] for one in by_kind_of_spoiling.values())
    of_much = sum(one["passed_of_much"][1] for one in by_kind_of_spoiling.values())
    goal = Goal(
        "share of spoiled speech from 0 to 100 %: overall monotone, no step over .15 for 5 %, none over 20 % passes",
        f"largest fall {falls[worst]:.2f} ({worst}), largest rise {max(rise, 0.0):.2f}, "
        f"passed {of(passed, of_much, wilson(passed, of_much))}",
        spoiled_share.reached(by_kind_of_spoiling),
    )
    return Found([goal], {"table": "\n".join(spoiled_share.table(by_kind_of_spoiling))})


SECOND = Part("second", "second kind, small faults", second, ("kinds", "peers"))
PAIRS = Part("pairs", "pairs with ESTOI and PESQ", pairs, ("table",))
SHARE = Part("share", "share of spoiled speech", share, ("table",))
