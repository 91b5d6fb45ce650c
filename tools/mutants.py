"""Mutation tests: change one thing in the code, run the tests, and see whether one of them fails.

For each room, draws a seeded random sample of mutmut's mutants, runs the tests of that room which reach the mutated
function, and prints the share killed and a diff for every survivor. Works on a copy: the checkout is only read. A
mutant that times out counts as killed; one that no test of its room reaches counts as a survivor. mutmut changes the
bodies of functions without decorators; annotations, docstrings and the lines that ``IGNORED`` matches stay as they are.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).resolve().parents[1]

# Folders of server/ that are mutated, each with the folders of tests/ that must kill its mutants.
ROOMS = {
    "stream": ("stream",),
    "judge": ("judge",),
    "transcript": ("transcript",),
    "live": ("live",),
    "wire": ("wire",),
}

# A mutant of such a line changes only what a person reads of a bug, so no test should notice it.
IGNORED = (r"^\s*raise \w", r"^\s*assert ", r"\blog(ger)?\.\w+\(", r"\bdef __repr__\b")

DEAD = ("killed", "timeout", "segfault")

CONFIGURATION = """
[tool.mutmut]
source_paths = ["server"]
only_mutate = ["server/{room}/*"]
also_copy = {also_copy}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-profile=ci", "--timeout=0"]
track_dependencies = false
timeout_constant = 10.0
timeout_multiplier = 5.0
do_not_mutate_patterns = {ignored}
use_git_change_detection = false
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the mutants of one room: ``statuses`` counts them, ``survivors`` are diffs."""

    room: str
    drawn_from: int
    statuses: Counter[str]
    survivors: Sequence[str]

    @property
    def tried(self) -> int:
        return self.statuses.total()

    @property
    def killed(self) -> int:
        return sum(self.statuses[status] for status in DEAD)


def copy_tree(source: Path, target: Path) -> None:
    """Copies what git tracks, or would if it were added. Files deleted but still in the index are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def configure(tree: Path, room: str) -> None:
    """Appends mutmut's settings for a room to the copy's ``pyproject.toml``, over those of the room before."""
    project = tree / "pyproject.toml"
    own = project.read_text(encoding="utf-8").split("\n[tool.mutmut]")[0]
    settings = CONFIGURATION.format(
        room=room,
        also_copy=json.dumps(sorted(path.name for path in tree.iterdir() if path.name not in {"mutants", "server"})),
        tests=json.dumps([f"tests/{folder}" for folder in ROOMS[room]]),
        ignored=json.dumps(IGNORED),
    )
    project.write_text(own + settings, encoding="utf-8")


def mutant_names(tree: Path, room: str) -> list[str]:
    """The name of every mutant of the room, sorted by file."""
    with contextlib.chdir(tree):  # mutmut reads its settings from the current folder
        return [
            get_mutant_name(path, name)
            for path in sorted(Path("server", room).rglob("*.py"))
            for name in mutate_file_contents(str(path), path.read_text(encoding="utf-8")).mutant_names
        ]


def mutmut(tree: Path, *arguments: str) -> str:
    """Runs mutmut in the copy and returns what it printed; a run in a terminal shows its progress there instead.

    Raises SystemExit with the last lines if it fails.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment.setdefault("TINGQING_SHARED", str(ROOT.parent / "shared"))
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    output = None if arguments[0] == "run" and sys.stdout.isatty() else subprocess.PIPE
    done = subprocess.run(
        command, cwd=tree, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"mutmut {arguments[0]} failed:\n{(done.stdout or '')[-4000:]}")
    return done.stdout or ""


def statuses(tree: Path) -> Iterator[tuple[str, str]]:
    """Name and status of every mutant that mutmut has generated."""
    for line in mutmut(tree, "results", "--all", "true").splitlines():
        name, _, status = line.strip().rpartition(": ")
        if name:
            yield name, status


def mutate(tree: Path, room: str, count: int | None, seed: int, jobs: int) -> Outcome:
    """Tries ``count`` mutants of the room, or all of them if it is None."""
    shutil.rmtree(tree / "mutants", ignore_errors=True)
    configure(tree, room)
    names = mutant_names(tree, room)
    sample = names if count is None else random.Random(seed).sample(names, min(count, len(names)))
    print(f"{room}: trying {len(sample)} of {len(names)} mutants (seed {seed})", flush=True)
    mutmut(tree, "run", "--max-children", str(jobs), *sample)
    tried = {name: status for name, status in statuses(tree) if name in set(sample)}
    living = sorted(name for name, status in tried.items() if status not in DEAD)
    diffs = [mutmut(tree, "show", name).rstrip() for name in living]
    return Outcome(room, len(names), Counter(tried.values()), diffs)


def table(outcomes: Sequence[Outcome]) -> str:
    """A line per room: how many mutants were killed, tried, and could have been drawn; and the share killed."""
    lines = ["room         killed   tried      of   score"]
    for one in outcomes:
        score = one.killed / one.tried if one.tried else 0.0
        lines.append(
            f"{one.room:<12}{one.killed:>7}{one.tried:>8}{one.drawn_from:>8}{score:>8.1%}  {dict(one.statuses)}"
        )
    return "\n".join(lines)


def count_of(text: str) -> int | None:
    return None if text == "all" else int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure how many mutants of the code the tests kill.")
    parser.add_argument("rooms", nargs="*", default=list(ROOMS), metavar="room", help=f"some of {', '.join(ROOMS)}")
    parser.add_argument("--count", type=count_of, default=60, help="mutants in all, split evenly, or `all` (hours)")
    parser.add_argument("--seed", type=int, default=1, help="of the random sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants tried at a time")
    options = parser.parse_args(arguments)
    if unknown := set(options.rooms) - set(ROOMS):
        parser.error(f"unknown rooms: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the copy is removed
    each = None if options.count is None else max(1, options.count // len(options.rooms))
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder)
        copy_tree(ROOT, tree)
        outcomes: list[Outcome] = []
        for room in options.rooms:
            outcomes.append(mutate(tree, room, each, options.seed, options.jobs))
            print(*outcomes[-1].survivors, f"{room}: {len(outcomes[-1].survivors)} survivors\n", sep="\n\n", flush=True)
    print(table(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
