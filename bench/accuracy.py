"""Writes docs/accuracy.md: all that is measured of how right the judgement is, part by part, beside its goals.

    .venv/bin/python bench/accuracy.py                                 (or: make accuracy)
    .venv/bin/python bench/accuracy.py --only visits,pairs --workers 2
    .venv/bin/python bench/accuracy.py --only none                     (the page alone, from what was measured)

Needs the folder of recordings (TINGQING_SHARED), and the extra ``bench`` for the pairs and codecs. Each part keeps its
result in bench/results/accuracy, which belongs to the repository, and measures again only when it is named, or when
code that judges has changed; the page is written from all results there are and says which are missing or older than
the product. A part that was broken off goes on where it stopped, by what it left in the cache folder.

Minutes of CPU, on one of two busy hyperthreads: visits 65 for 200 sessions (with --no-mos 30), pairs 10, share 10,
heard 15, second 12, mixes 8, and 15 where the six networks of bench/overlap_folds.py are not there yet, live 2,
peers 2, cost 1, voices 4.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from accuracy_cost import COST
from accuracy_heard import HEARD
from accuracy_live import LIVE
from accuracy_mixes import MIXES
from accuracy_names import NAMES
from accuracy_peers import PEERS
from accuracy_sets import PAIRS, SECOND, SHARE
from accuracy_visits import VISITS
from accuracy_voices import VOICES

from server.model.small.store import SmallModels
from server.settings import load_settings
from tools.accuracy.page import page
from tools.accuracy.part import ROOT, Kept, Part, Run, Version, keep, kept, version

PARTS: Sequence[Part] = (COST, VISITS, VOICES, NAMES, LIVE, MIXES, SECOND, HEARD, PAIRS, SHARE, PEERS)
CACHE = ROOT / "build" / "accuracy"
RESULTS = ROOT / "bench" / "results" / "accuracy"
DOCUMENT = ROOT / "docs" / "accuracy.md"
TEMPLATE = Path(__file__).with_name("accuracy.md.in")


def measure(part: Part, run: Run, results: Path, now: Version) -> None:
    """One part, into its file; what it keeps meanwhile is of this version of the code alone."""
    print(f"[{part.name}] begins", file=sys.stderr, flush=True)
    began, cpu = time.monotonic(), _cpu_s()
    run = replace(run, folder=run.folder / now.code / part.name)
    run.folder.mkdir(parents=True, exist_ok=True)
    found = part.measure(run)
    wall_s = time.monotonic() - began
    keep(results, part.name, Kept(found, now, _cpu_s() - cpu, wall_s))
    print(f"[{part.name}] done in {wall_s / 60:.1f} min", file=sys.stderr, flush=True)


def _cpu_s() -> float:
    """Of this process and of those it has started and awaited."""
    both = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def measure_by_name(name: str, run: Run, results: Path, now: Version) -> None:
    measure(next(part for part in PARTS if part.name == name), run, results, now)


def measure_all(parts: Sequence[Part], run: Run, results: Path, now: Version) -> list[str]:
    """Parts that want the machine alone one after the other, the rest side by side. Names of those that failed."""
    failed = []
    context = multiprocessing.get_context("spawn")
    for together in ([part for part in parts if part.alone], [part for part in parts if not part.alone]):
        at_once = 1 if together and together[0].alone else run.workers
        with ProcessPoolExecutor(at_once, context, max_tasks_per_child=1) as pool:
            begun = {part.name: pool.submit(measure_by_name, part.name, run, results, now) for part in together}
            for name, one in begun.items():
                if (error := one.exception()) is not None:
                    print(f"[{name}] failed: {error!r}", file=sys.stderr, flush=True)
                    failed.append(name)
    return failed


def wanted(only: str | None, results: Path, now: Version) -> list[Part]:
    """Those named; without names, those that have no result by the code as it is now."""
    if only is None:
        return [part for part in PARTS if (one := kept(results, part.name)) is None or one.version.code != now.code]
    names = [] if only == "none" else only.split(",")
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        sys.exit(f"No part {', '.join(sorted(unknown))}. There are: {', '.join(part.name for part in PARTS)}.")
    return [part for part in PARTS if part.name in names]


def write_page(results: Path, now: Version) -> None:
    found = {part.name: one for part in PARTS if (one := kept(results, part.name)) is not None}
    DOCUMENT.write_text(page(PARTS, found, now, TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {DOCUMENT}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(part.name for part in PARTS)
    parser.add_argument("--only", help=f"parts to measure, separated by commas, or none: {names}")
    parser.add_argument("--sessions", type=int, default=200, help="visits")
    parser.add_argument("--workers", type=int, default=1, help="processes at once")
    parser.add_argument("--no-mos", action="store_true", help="visits without DNSMOS: half the time, not the product")
    parser.add_argument("--cache", type=Path, default=CACHE, help="material, and what a part keeps while it runs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", type=Path, help="also write the HTML report of the mixes into this folder")
    parser.add_argument("--gtcrn", type=Path, help="another gtcrn_simple.onnx for the material (bench/pairs.py)")
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    now = version()
    gtcrn = arguments.gtcrn or SmallModels(load_settings().model_cache_dir).find("gtcrn")
    if gtcrn is None:
        sys.exit("GTCRN is not in the model cache, and it judges. To fetch it: tingqing models download small")
    run = Run(arguments.cache, arguments.sessions, arguments.workers, not arguments.no_mos, arguments.report, gtcrn)
    failed = measure_all(wanted(arguments.only, arguments.results, now), run, arguments.results, now)
    write_page(arguments.results, now)
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
