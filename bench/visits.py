"""Whether the judgement is right in a visit: made ones of 1–4 minutes, whose truth is known because they were made so.

    .venv/bin/python bench/visits.py [--sessions 200] [--fold fit|held] [--kind clean …] [--json FILE]
    .venv/bin/python bench/visits.py --visit fit-1-clean-003           (one, told in detail)
    .venv/bin/python bench/visits.py --write FOLDER --sessions 20      (WAV files and what is true of them)

Needs the folder of recordings (TINGQING_SHARED). ``tools/material/visits`` makes them: 16 kHz, two or three voices in
turns, deterministic by ``--seed``. ``--fold``: halves ``fit`` and ``held`` share no speaker, noise, cough or room. Fit
and look for faults on ``fit``, which lists them; ``held`` gives figures alone, so that nobody mends what has to
decide. All of it passes StreamCore, the scorers with DNSMOS and one Assessment, in sample time.
``visit_figures.py`` has what is counted.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import soundfile  # noqa: E402 - the path comes first
from visit_figures import faults, figures  # noqa: E402
from visit_judge import RAW, far_end_supported, jobs, judge_visit, judged  # noqa: E402
from visit_tables import document  # noqa: E402

from server.app import open_engine  # noqa: E402
from server.settings import load_settings  # noqa: E402
from tools.material.visits.counts import false_prompts  # noqa: E402
from tools.material.visits.kinds import KINDS  # noqa: E402
from tools.material.visits.outcome import Outcome  # noqa: E402
from tools.material.visits.plans import Maker, Plan, plans  # noqa: E402
from tools.material.visits.truth import RATE  # noqa: E402

AUDIO = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared")) / "audio"


def run(plan: Sequence[Plan], workers: int, within_s: float, *, mos: bool, microphone: str) -> list[Outcome]:
    """All of them judged, or as many as ``within_s`` allows, in order, with a line of progress for each."""
    todo, found, began = jobs(plan), [], time.monotonic()
    for outcome in judged(AUDIO, todo, workers, mos=mos, microphone=microphone):
        found.append(outcome)
        wrong = len(false_prompts(outcome))
        told = f"{outcome.verdict}, {wrong} false prompt{'' if wrong == 1 else 's'}"
        far = " (far end told)" if outcome.with_far_end else ""
        spent = time.monotonic() - began
        print(f"{len(found)}/{len(todo)} {spent:.0f} s: {outcome.id}{far}: {told}", file=sys.stderr, flush=True)
        if spent > within_s:
            break
    places = {job: place for place, job in enumerate(todo)}
    return sorted(found, key=lambda one: places[Plan.of(one.id), one.with_far_end])


def write(folder: Path, plan: Sequence[Plan]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    maker = Maker(AUDIO)
    for one in plan:
        visit = maker.make(one)
        soundfile.write(folder / f"{visit.id}.wav", visit.samples, RATE, subtype="PCM_16")
        told = {"kind": visit.kind, "processing": visit.processing, "page_says": [*map(asdict, visit.far_end)]}
        text = json.dumps(told | asdict(visit.truth), ensure_ascii=False, indent=1, default=sorted)
        (folder / f"{visit.id}.json").write_text(text, encoding="utf-8")
        print(folder / f"{visit.id}.wav")


async def tell(plan: Plan, *, mos: bool) -> None:
    """One visit: what is true, what was said, and what of it is wrong."""
    visit = Maker(AUDIO).make(plan)
    async with open_engine(load_settings(clap="off", mos=mos)) as engine:
        for with_far_end in {False, far_end_supported() and bool(visit.far_end)}:
            outcome = await judge_visit(engine, visit, with_far_end=with_far_end)
            shown = {name: value for name, value in asdict(outcome).items() if name not in {"truth", "prompts"}}
            print(json.dumps(shown, ensure_ascii=False))
            for expected in visit.truth.expected:
                print("expected", sorted(expected.ids), expected.at, "must" if expected.must else "may", expected.cause)
            for told in outcome.prompts:
                doing = visit.truth.going_on(told.at_s)
                print(f"{told.at_s:6.1f} {'raised' if told.raised else 'cleared'} {told.id} ({doing}) {told.measures}")
            for fault in faults([outcome]):
                print(json.dumps(fault, ensure_ascii=False))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--fold", choices=("fit", "held", "all"), default="fit")
    parser.add_argument("--kind", choices=list(KINDS), nargs="+", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--within", type=float, default=float("inf"), help="minutes, then count what was judged by then"
    )
    parser.add_argument("--no-mos", action="store_true", help="without DNSMOS: faster, and not the product")
    parser.add_argument(
        "--microphone", default=RAW, help="raw, or none, webrtc2, webrtc2_gain …: a way of microphones.py, undeclared"
    )
    parser.add_argument("--json", type=Path, help="write all figures and the list of faults there")
    parser.add_argument("--visit", help="the id of one visit, told in detail")
    parser.add_argument("--write", type=Path, help="write the visits into this folder, judge nothing")
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    if arguments.visit:
        asyncio.run(tell(Plan.of(arguments.visit), mos=not arguments.no_mos))
        return
    plan = plans(arguments.sessions, arguments.fold, arguments.seed, arguments.kind)
    if arguments.write:
        write(arguments.write, plan)
        return
    outcomes = run(
        plan, arguments.workers, 60 * arguments.within, mos=not arguments.no_mos, microphone=arguments.microphone
    )
    on = {
        "fold": arguments.fold,
        "seed": arguments.seed,
        "kinds": arguments.kind or list(KINDS),
        "mos": not arguments.no_mos,
        "microphone": arguments.microphone,
        "planned": len(plan),
    }
    found = {"measured_on": on, **figures(outcomes, list_faults=arguments.fold != "held")}
    if arguments.json:
        arguments.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"fold {arguments.fold}, seed {arguments.seed}{', without DNSMOS' if arguments.no_mos else ''}")
    print(document(found))


if __name__ == "__main__":
    main()
