"""The work of ``tingqing assess``: open an engine or several processes, judge the files, show a bar on the terminal."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.app import open_engine
from server.cli.asked import Asked
from server.cli.console import notice, stderr_console
from server.cli.journal import Journal
from server.cli.outcomes import Told, ToldFile, told
from server.cli.seen import stamps_of
from server.cli.taking import Output
from server.cores import cpus
from server.dictionaries import Dictionaries
from server.filenames import readable
from server.recording.batch import INTERNAL, Outcome, Unread, assess_files
from server.resources import labels_dir
from server.settings import Settings
from server.values.text import Text

Named = tuple[str, Path]

EACH = 8
"""So many files are worth another process: it takes seconds to start, and 200 MB."""


@dataclass(slots=True)
class OutcomeTally:
    """Counts that decide the exit code; the results themselves are not kept."""

    all_passed: bool = True
    unread: list[Unread] = field(default_factory=list)

    def add(self, one: Told) -> None:
        """Count one file, for the exit code and the last sentence."""
        if isinstance(one, Unread):
            self.unread.append(one)
        elif not one.result.overall.passed:
            self.all_passed = False


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what is done is written down: into the output itself (``lines``), or beside it until that is written."""

    journal: Journal
    resume: bool
    lines: bool = False


def processes_for(files: int, jobs: int | None) -> int:
    """``jobs`` as asked for; ``None``: as many as pay, up to a process for each core. Never more than files."""
    wanted = max(1, min(int(cpus()), files // EACH)) if jobs is None else jobs
    return max(1, min(wanted, files))


async def assess_all(
    settings: Settings,
    asked: Asked,
    files: Sequence[Named],
    output: Output,
    processes: int,
    language: str,
    kept: Kept | None = None,
) -> OutcomeTally:
    """Judge ``files`` and hand the outcomes to ``output`` in order, each as soon as it is ready.

    What ``kept`` has of an interrupted run is not judged again. ``language``: of the person at the terminal. Raises
    LabelQueryError before the first file.
    """
    tally = OutcomeTally()
    labels = Dictionaries.load(settings.labels_dir or labels_dir()).resolve(asked.labels)
    waiting = list(files)
    if kept is not None:
        waiting = _begun(kept, labels.digest, asked, files, tally, language)
    try:
        with _progress(len(files), len(files) - len(waiting), output) as advance:

            def done(one: Told) -> None:
                if kept is None:
                    _take(one, tally, output)
                else:
                    kept.journal.add(one)
                    if kept.lines or isinstance(one, Unread):
                        tally.add(one)
                advance(one)

            await _judge(settings, asked, waiting, done, processes)
    finally:
        if kept is not None:
            kept.journal.close()
    if kept is not None and not kept.lines:
        _replay(kept.journal, files, tally, output)
    return tally


def _begun(
    kept: Kept, digest: str, asked: Asked, files: Sequence[Named], tally: OutcomeTally, language: str
) -> list[Named]:
    """The files that are still to be judged. Says which are judged again. Raises Failure."""
    journal, stamps = kept.journal, stamps_of(files)
    names: set[str] | None = None
    if kept.resume:
        names = journal.done(digest, asked, stamps)
        for name in sorted(journal.changed & stamps.keys()):
            told = Text(
                f"{name} 在评估之后改过，将重新评估。", f"{name} changed since it was judged, and is judged again."
            )
            notice(f"tingqing: {told.in_language(language)}")
        for one in journal.read() if kept.lines else ():
            tally.add(one)
    journal.open(asked, stamps, names)
    return [one for one in files if readable(Path(one[0])) not in (names or ())]


async def _judge(
    settings: Settings, asked: Asked, files: Sequence[Named], done: Callable[[Told], None], processes: int
) -> None:
    if not files:
        return
    if processes > 1:
        # A single process needs none of it.
        from server.cli.jobs import Jobs

        await Jobs(asked, files, processes).run(done)
        return
    async with open_engine(settings) as engine:
        labels = engine.dictionaries.resolve(asked.labels)

        def one(outcome: Outcome) -> None:
            done(told(_with_hint(outcome), asked.flat_language))

        await assess_files(engine, labels, files, one, **asked.ways(settings))


def _take(one: Told, tally: OutcomeTally, output: Output) -> None:
    tally.add(one)
    output.add(one)


def _replay(journal: Journal, files: Sequence[Named], tally: OutcomeTally, output: Output) -> None:
    """Everything that was written down and what could not be read, in the order of the files."""
    unread = {one.name: one for one in tally.unread}
    names = [readable(Path(name)) for name, _ in files]
    for name, one in zip(names, journal.find(names), strict=False):
        if one is not None:
            _take(one, tally, output)
        elif name in unread:
            output.add(unread[name])


def _with_hint(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Unread) and outcome.code == INTERNAL:
        return replace(
            outcome,
            message=f"{outcome.message} For details: --log-level debug.",
            zh=f"{outcome.zh}加上 --log-level debug 可以看到详情。",
        )
    return outcome


@contextmanager
def _progress(files: int, before: int, output: Output) -> Iterator[Callable[[Told], None]]:
    """A progress bar on standard error while several files are judged, if standard error is a terminal.

    ``before``: done by an earlier run. Beside it how many times faster than the recordings are long, and the time left.
    """
    console = stderr_console()
    if files < 2 or not console.is_terminal or output.writes_to_terminal_meanwhile:
        yield lambda one: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    began, audio_s = time.monotonic(), 0.0
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("", total=files, completed=before)

        def advance(one: Told) -> None:
            nonlocal audio_s
            audio_s += one.result.source.duration_s if isinstance(one, ToldFile) else 0.0
            rate = audio_s / max(time.monotonic() - began, 1e-3)
            progress.update(bar, advance=1, description=f"{rate:.0f}x")

        yield advance
