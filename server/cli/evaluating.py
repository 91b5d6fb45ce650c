"""The work of ``tingqing evaluate``: open an engine, evaluate the manifest, write and print what was requested."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.app import open_engine
from server.cli.console import Failure, indented_json, notice, stderr_console, stdout_console, write_line
from server.evaluation.evaluation import Evaluation
from server.evaluation.fitting import Moved
from server.evaluation.plain import plain
from server.evaluation.run import evaluate_manifest
from server.evaluation.write_labels import source_of, with_curves, written_elsewhere
from server.resources import labels_dir
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Request:
    """The command's arguments; if ``output`` or ``write_labels`` is None, that file is not written."""

    manifest: Path
    labels: str | None
    folds: int
    groups: tuple[str, ...] | None
    output: Path | None
    write_labels: Path | None


async def evaluate_request(settings: Settings, request: Request) -> Evaluation:
    """Evaluate the manifest and write the requested files; ``tell`` prints the outcome.

    Raises ManifestError, LabelQueryError, LabelFileError and Failure, where possible before the first recording.
    """
    folder = settings.labels_dir or labels_dir()
    async with open_engine(settings) as engine:
        labels = engine.dictionaries.resolve(request.labels)
        source = source_of(labels, folder) if request.write_labels else None
        if request.output is not None:
            _make_folder(request.output)
        evaluation = await evaluate_manifest(
            engine,
            labels,
            request.manifest,
            max_s=settings.max_audio_s,
            folds=request.folds,
            groups=request.groups,
            progress=_progress,
        )
    if source is not None and request.write_labels is not None:
        _write_labels(request.write_labels, source, evaluation.moved)
    if request.output is not None:
        from server.evaluation.page import write_report

        write_report(request.output, evaluation)
    return evaluation


def tell(evaluation: Evaluation, request: Request, *, as_json: bool) -> None:
    """Print results to standard output; print unreadable recordings and written files to standard error."""
    if as_json:
        write_line(indented_json(plain(evaluation)))
    else:
        from server.cli.evaluation_report import print_evaluation

        print_evaluation(stdout_console(), evaluation)
    for fault in evaluation.faults:
        notice(f"tingqing: {request.manifest}:{fault}")
    if evaluation.ignored:
        notice(f"Ignored columns: {', '.join(evaluation.ignored)}")
    if request.output is not None:
        print(f"Report: {request.output / 'report.html'}", file=sys.stderr)
    if request.write_labels is not None:
        print(f"Labels: {request.write_labels}", file=sys.stderr)


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
