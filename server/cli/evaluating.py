"""The work of ``tingqing evaluate``: judge every recording of the manifest, evaluate, write the requested files."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from server.app import open_engine
from server.assessment.engine import Engine
from server.cli.console import Failure, indented_json, stderr_console, stdout_console, write_line
from server.errors import TingqingError
from server.evaluation.evaluation import Evaluation, evaluate
from server.evaluation.fitting import Moved
from server.evaluation.listening import ListenedRecording, listen
from server.evaluation.manifest import Manifest, ManifestFault, Row, read_manifest
from server.evaluation.plain import plain
from server.evaluation.write_labels import source_of, with_curves, written_elsewhere
from server.judge.labels import LabelSet
from server.recording.decode import read_recording
from server.resources import labels_dir
from server.settings import Settings
from server.stream.events import OverlapModel

logger = logging.getLogger("tingqing")


@dataclass(frozen=True, slots=True)
class Request:
    """The command's arguments; where ``output`` or ``write_labels`` is None, that file is not written."""

    manifest: Path
    labels: str | None
    folds: int
    groups: tuple[str, ...] | None
    output: Path | None
    write_labels: Path | None


class HeldOut(OverlapModel, Protocol):
    """A model that changes from recording to recording."""

    def listen_to(self, row: Row) -> None:
        """Choose the model for the recording of ``row``, which comes next."""
        ...


async def evaluate_manifest(settings: Settings, request: Request, held_out: HeldOut | None = None) -> Evaluation:
    """Judge and evaluate the manifest and write the requested files; ``tell`` prints the outcome.

    ``held_out``: models to use instead of the shipped ones, so that a model is judged by data it was not fitted on.
    Raises ManifestError, LabelQueryError, LabelFileError and Failure, where possible before the first recording.
    """
    folder = settings.labels_dir or labels_dir()
    async with open_engine(settings, held_out) as engine:
        labels = engine.dictionaries.resolve(request.labels)
        source = source_of(labels, folder) if request.write_labels else None
        if request.output is not None:
            _make_folder(request.output)
        manifest = read_manifest(request.manifest, labels.labels, request.groups)
        heard, faults = await _listen_to_all(engine, manifest, labels, settings.max_audio_s, held_out)
    if not any(row.line in heard and not row.fit_only for row in manifest.rows):
        first = min([*manifest.faults, *faults], key=lambda fault: fault.line, default=None)
        raise Failure(f"{request.manifest}: no recording to evaluate{'' if first is None else f'; {_said(first)}'}.")
    with _progress(request.folds, "cross-validating") as advance:
        evaluation = evaluate(manifest, heard, labels, request.folds, faults, lambda done: advance(f"fold {done}"))
    if source is not None and request.write_labels is not None:
        _write_labels(request.write_labels, source, evaluation.moved)
    if request.output is not None:
        from server.evaluation.page import write_report

        write_report(request.output, evaluation)
    return evaluation


async def _listen_to_all(
    engine: Engine, manifest: Manifest, labels: LabelSet, max_s: float, held_out: HeldOut | None
) -> tuple[dict[int, ListenedRecording], list[ManifestFault]]:
    heard: dict[int, ListenedRecording] = {}
    faults: list[ManifestFault] = []
    with _progress(len(manifest.rows), "listening") as advance:
        for row in manifest.rows:
            if held_out is not None:
                held_out.listen_to(row)
            try:
                heard[row.line] = await _listen_to(engine, row, labels, max_s)
            except (TingqingError, OSError) as error:
                message = error.message if isinstance(error, TingqingError) else str(error.strerror)
                faults.append(ManifestFault(row.line, row.name, message))
            except Exception as error:  # a bug in one file must not cost the hours spent on the others
                logger.debug("unexpected error in %s", row.name, exc_info=error)
                faults.append(ManifestFault(row.line, row.name, f"unexpected {type(error).__name__}"))
            advance(row.name)
    return heard, faults


async def _listen_to(engine: Engine, row: Row, labels: LabelSet, max_s: float) -> ListenedRecording:
    with row.path.open("rb"):
        pass
    return await listen(engine, read_recording(row.path, row.name, max_s=max_s), labels)


def tell(evaluation: Evaluation, request: Request, *, as_json: bool) -> None:
    """Print results to standard output; print unreadable recordings and written files to standard error."""
    if as_json:
        write_line(indented_json(plain(evaluation)))
    else:
        from server.cli.evaluation_report import print_evaluation

        print_evaluation(stdout_console(), evaluation)
    for fault in evaluation.faults:
        print(f"tingqing: {request.manifest}:{_said(fault)}", file=sys.stderr)
    if evaluation.ignored:
        print(f"Ignored columns: {', '.join(evaluation.ignored)}", file=sys.stderr)
    if request.output is not None:
        print(f"Report: {request.output / 'report.html'}", file=sys.stderr)
    if request.write_labels is not None:
        print(f"Labels: {request.write_labels}", file=sys.stderr)


def _said(fault: ManifestFault) -> str:
    return f"{fault.line}: {fault.name}: {fault.message}" if fault.name else f"{fault.line}: {fault.message}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot write into {folder}: {error.strerror}.") from None


def _write_labels(path: Path, source: Path, moved: Sequence[Moved]) -> None:
    text = with_curves(source.read_text(encoding="utf-8"), moved, str(source))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}.") from None
    for label, dictionary in written_elsewhere(moved, source).items():
        print(
            f"Not written: the curves of {label}, which is included from {dictionary}. "
            f"Fit them there: --labels {dictionary}",
            file=sys.stderr,
        )


@contextmanager
def _progress(total: int, doing: str) -> Iterator[Callable[[str], None]]:
    """A progress bar on standard error, if it is a terminal."""
    console = stderr_console()
    if not console.is_terminal or not total:
        yield lambda _name: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("", total=total)
        yield lambda name: progress.update(bar, advance=1, description=escape(name))
