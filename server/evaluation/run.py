"""An evaluation from manifest to figures: an engine analyses every recording once, then each is judged in every way."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeAlias

from server.assessment.engine import Engine
from server.errors import ManifestError, TingqingError
from server.evaluation.evaluation import Evaluation, evaluate
from server.evaluation.listening import ListenedRecording, listen
from server.evaluation.manifest import Manifest, ManifestFault, Row, read_manifest
from server.judge.labels import LabelSet
from server.recording.decode import read_recording
from server.stream.events import OverlapModel

logger = logging.getLogger("tingqing")

Progress: TypeAlias = Callable[[int, str], AbstractContextManager[Callable[[str], None]]]
"""Called with the number and the name of the steps; returns the function to call after each step, with its name."""


class HeldOut(OverlapModel, Protocol):
    """Models that depend on the recording."""

    def listen_to(self, row: Row) -> None:
        """The next recording is that of ``row``."""
        ...


@contextmanager
def silent(_total: int, _doing: str) -> Iterator[Callable[[str], None]]:
    """Progress that is not shown."""
    yield lambda _name: None


async def evaluate_manifest(
    engine: Engine,
    labels: LabelSet,
    path: Path,
    *,
    max_s: float,
    folds: int = 0,
    groups: tuple[str, ...] | None = None,
    held_out: HeldOut | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """The recordings of the manifest at ``path``, judged by ``labels``. ``max_s``: longest recording, s.

    ``folds``: number of folds of the cross-validation, 0 for none; ``groups``: columns of sources that must not be on
    both sides of a split. ``held_out``: the models that ``engine`` was opened with, told of each recording before it is
    analysed. A recording that cannot be read becomes a fault and the others go on.
    Raises ManifestError, before the first recording or where none could be read.
    """
    manifest = read_manifest(path, labels.labels, groups)
    heard, faults = await _listen_to_all(engine, manifest, labels, max_s, held_out, progress)
    if not any(row.line in heard and not row.fit_only for row in manifest.rows):
        first = min([*manifest.faults, *faults], key=lambda fault: fault.line, default=None)
        raise ManifestError(f"no recording to evaluate{'' if first is None else f'; {first}'}.", path=str(path))
    with progress(folds, "cross-validating") as advance:
        return evaluate(manifest, heard, labels, folds, faults, lambda done: advance(f"fold {done}"))


async def _listen_to_all(
    engine: Engine,
    manifest: Manifest,
    labels: LabelSet,
    max_s: float,
    held_out: HeldOut | None,
    progress: Progress,
) -> tuple[dict[int, ListenedRecording], list[ManifestFault]]:
    heard: dict[int, ListenedRecording] = {}
    faults: list[ManifestFault] = []
    with progress(len(manifest.rows), "listening") as advance:
        for row in manifest.rows:
            if held_out is not None:
                held_out.listen_to(row)
            try:
                heard[row.line] = await _listen_to(engine, row, labels, max_s)
            except (TingqingError, OSError) as error:
                message = error.message if isinstance(error, TingqingError) else str(error.strerror)
                faults.append(ManifestFault(row.line, row.name, message))
            except Exception as error:  # a bug met in one file must not lose the hours spent on the others
                logger.debug("unexpected error in %s", row.name, exc_info=error)
                faults.append(ManifestFault(row.line, row.name, f"unexpected {type(error).__name__}"))
            advance(row.name)
    return heard, faults


async def _listen_to(engine: Engine, row: Row, labels: LabelSet, max_s: float) -> ListenedRecording:
    with row.path.open("rb"):
        pass
    recording = read_recording(row.path, row.name, max_s=max_s, roles=row.roles)
    return await listen(engine, recording, labels, row.mode, row.source)
