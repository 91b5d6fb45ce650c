"""Made visits of the held fold; each that was judged is kept, so that a run that was broken off goes on."""

import multiprocessing
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

from visit_figures import figures
from visit_judge import Job, jobs, judged
from visit_tables import document, goal_rows
from visits import AUDIO

from tools.accuracy.part import ROOT, Found, Goal, Part, Run
from tools.accuracy.resume import code_digest
from tools.material.visits.outcome import Outcome
from tools.material.visits.plans import plans

FOLD, SEED = "held", 1
MAKERS = sorted((ROOT / "tools" / "material" / "visits").glob("*.py"))
"""A visit is kept under the code that made it."""


def measure(run: Run) -> Found:
    todo = jobs(plans(run.sessions, FOLD, SEED, []))
    outcomes = heard(todo, run.folder / f"{'with' if run.mos else 'without'}-mos-{code_digest(MAKERS)}", run)
    found = figures(outcomes, list_faults=False)
    how = f"{found['sessions']} sessions{'' if run.mos else ', without DNSMOS'}"
    goals = [Goal(f"{goal} ({how})", what, good) for goal, what, good in goal_rows(found)]
    return Found(goals, {"tables": document(found), "how": how})


def heard(todo: Sequence[Job], folder: Path, run: Run) -> list[Outcome]:
    """In the order of ``todo``."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {job: folder / f"{job[0].id}{'-told' if job[1] else ''}.pickle" for job in todo}
    of_id = {(plan.id, with_far_end): file for (plan, with_far_end), file in files.items()}
    left = [job for job, file in files.items() if not file.exists()]
    done = len(todo) - len(left)
    for outcome in judged(AUDIO, left, min(run.workers, len(left)), mos=run.mos) if left else ():
        file = of_id[outcome.id, outcome.with_far_end]
        made = file.with_suffix(".tmp")
        made.write_bytes(pickle.dumps(outcome))
        made.rename(file)
        done += 1
        print(f"[visits] {done}/{len(todo)}: {outcome.id}", file=sys.stderr, flush=True)
    for child in multiprocessing.active_children():
        child.join(10)
    return [pickle.loads(file.read_bytes()) for file in files.values()]


VISITS = Part("visits", "visits, held fold", measure, ("tables", "how"), alone=True)
