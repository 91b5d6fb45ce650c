"""Processed microphones, judged as the doctor hears them: part of docs/accuracy.md."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from accuracy_sets import material
from heard_table import Row, share, usable, with_intervals
from judged import judge_all
from voices import Fold

from tools.accuracy.part import Found, Goal, Part, Run, ranged, table

FOLD: Fold = "held"
SEEDS = (1, 2)
AUC_GOAL, BALANCED_GOAL, CLEAN_GOAL = 0.93, 0.85, 0.98
WITHOUT: Mapping[str, tuple[str, ...]] = {
    "all of it": (),
    "without DNSMOS": ("TINGQING_MOS",),
    "without GTCRN": ("TINGQING_DENOISER",),
    "without both": ("TINGQING_MOS", "TINGQING_DENOISER"),
}
FIGURES = {"auc": "AUC", "balanced": "balanced", "clean accepted": "clean accepted"}


def heard(run: Run) -> Found:
    by_models = {name: _rows(run, name, off) for name, off in WITHOUT.items()}
    found = {name: with_intervals(rows) for name, rows in by_models.items()}
    whole = found["all of it"]
    n = len(by_models["all of it"])
    goals = [
        _goal(f"processed microphones, usable (ESTOI ≥ .75) or not: AUC ≥ .93 ({n})", whole["auc"], AUC_GOAL),
        _goal("the same by the verdict: balanced ≥ .85", whole["balanced"], BALANCED_GOAL),
        _goal("clean processed speech accepted ≥ 98 %", whole["clean accepted"], CLEAN_GOAL),
    ]
    cells = [(name, *(ranged(*told[figure]) for figure in FIGURES)) for name, told in found.items()]
    return Found(goals, {"models": table(("", *FIGURES.values()), cells), "ways": ways_table(by_models["all of it"])})


def _goal(text: str, found: tuple[float, float, float], least: float) -> Goal:
    return Goal(text, ranged(*found), found[0] >= least)


def _rows(run: Run, name: str, off: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    with _switched_off(off):
        for seed in SEEDS:
            folder, labels = material(run, "heard", "--seed", str(seed), "--fold", FOLD)
            keep = run.folder / f"rows-{seed}-{name.replace(' ', '-')}.jsonl"
            rows += asyncio.run(judge_all(folder, labels["pairs"], keep))
    return rows


@contextmanager
def _switched_off(names: Sequence[str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "false"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def ways_table(rows: Sequence[Row]) -> str:
    cells = []
    for way in sorted({row["by"] for row in rows}):
        mine = [row for row in rows if row["by"] == way]
        good, bad = [row for row in mine if usable(row)], [row for row in mine if not usable(row)]
        cells.append((way, str(len(mine)), str(len(good)), f"{share(good):.2f}", f"{1 - share(bad):.2f}"))
    return table(("by", "recordings", "usable", "of these accepted", "of the others refused"), cells)


HEARD = Part("heard", "processed microphones", heard, ("models", "ways"))
