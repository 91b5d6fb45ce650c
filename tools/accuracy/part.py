"""One part of docs/accuracy.md: what it found, by which version of the product; kept as JSON until measured again."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from server.evaluation.statistics import Interval
from tools.recipe import recipe

ROOT = Path(__file__).resolve().parents[2]
JUDGES = ("assessment", "dictionaries", "evaluation", "judge", "model", "recording", "scoring", "stream", "values")
"""Folders of server/ that a figure can depend on; with labels/ and the wording of results."""
WORDS = "rendering"


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, the result, and whether the result reaches it (``None``: only told)."""

    text: str
    found: str
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """``code``: a digest of what judges, whatever its layout and comments. ``commit``: as git describes it."""

    code: str
    commit: str


@dataclass(frozen=True, slots=True)
class Found:
    """``blocks``: Markdown by the name of its place in accuracy.md.in."""

    goals: list[Goal]
    blocks: dict[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands in the part's file."""

    found: Found
    version: Version
    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """How to measure. ``folder``: for what a part keeps while it runs, of this version alone, so that it can go on."""

    folder: Path
    sessions: int = 200
    workers: int = 1
    mos: bool = True
    report: Path | None = None
    gtcrn: Path | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """``measure`` takes ``costs``. ``alone``: beside no other part, because it takes all workers or measures time."""

    name: str
    title: str
    measure: Callable[[Run], Found] = field(repr=False)
    blocks: tuple[str, ...]
    alone: bool = False


def version(root: Path = ROOT) -> Version:
    """Of the work tree as it is."""
    digest = hashlib.sha256()
    for path in sorted(_judging(root)):
        text = recipe(path).encode() if path.suffix == ".py" else path.read_bytes()
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + text)
    return Version(digest.hexdigest()[:12], _commit(root))


def _judging(root: Path) -> Iterable[Path]:
    folders = [*(root / "server" / name for name in (*JUDGES, WORDS)), root / "labels"]
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _commit(root: Path) -> str:
    command = ["git", "describe", "--always", "--dirty"]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


def keep(folder: Path, part: str, kept: Kept) -> None:
    """Into ``folder/part.json``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{part}.tmp"
    made.write_text(json.dumps(asdict(kept), ensure_ascii=False, indent=1), encoding="utf-8")
    made.rename(folder / f"{part}.json")


def kept(folder: Path, part: str) -> Kept | None:
    """``None`` if the part was not measured yet."""
    file = folder / f"{part}.json"
    if not file.exists():
        return None
    told: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    goals = [Goal(**one) for one in told["found"]["goals"]]
    found = Found(goals, told["found"]["blocks"])
    return Kept(found, Version(**told["version"]), told["cpu_s"], told["wall_s"])


def of(count: int, n: int, share: Interval | None) -> str:
    """``12/14, 86 % (60–96 %)``."""
    if share is None or share.low is None or share.high is None:
        return f"{count}/{n}"
    return f"{count}/{n}, {100 * share.value:.0f} % ({100 * share.low:.0f}–{100 * share.high:.0f} %)"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def ranged(value: float, low: float, high: float, *, sign: bool = False) -> str:
    """``0.979 (0.95–1.00)``; with ``sign``, of a difference, ``+0.040 (-0.01 to +0.12)``."""
    plus, to = ("+", " to ") if sign else ("", "–")
    return f"{value:{plus}.3f} ({low:{plus}.2f}{to}{high:{plus}.2f})"
