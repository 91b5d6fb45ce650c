"""Judges recordings with one engine, two at a time; outcomes come in the order of the files."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server.app import open_engine
from server.assessment.engine import Engine
from server.cli.console import stderr_console
from server.cli.outcome import JudgedFile, Outcome, OutcomeTally, Unread
from server.cli.outputs import Output
from server.errors import TingqingError
from server.filenames import readable
from server.judge.labels import LabelSet
from server.recording.assess import assess_recording
from server.recording.decode import Recording, read_recording
from server.settings import Settings
from server.transcript.sources import WrittenTranscript

logger = logging.getLogger("tingqing")

AT_ONCE = 2
"""One file is decoded and measured while another waits for its scores; more would only hold more audio in memory."""


async def assess_all(
    settings: Settings,
    files: Sequence[Path],
    query: str | None,
    reference: str | None,
    output: Output,
    transcript: WrittenTranscript | None = None,
) -> OutcomeTally:
    """Judge ``files`` and hand the outcomes to ``output`` in order, each as soon as it is ready.

    Raises LabelQueryError before the first file. A file that fails becomes an ``Unread``; the others go on.
    """
    tally = OutcomeTally()
    async with open_engine(settings) as engine:
        labels = engine.dictionaries.resolve(query)
        with _progress(len(files), output) as advance:

            def done(outcome: Outcome) -> None:
                tally.add(outcome)
                output.add(outcome)
                advance(outcome)

            try:
                await _in_order(engine, labels, files, reference, settings.max_audio_s, done, transcript)
            except ExceptionGroup as group:  # for example a closed pipe: the group only wraps the cause
                raise group.exceptions[0] from None
    return tally


async def _in_order(
    engine: Engine,
    labels: LabelSet,
    files: Sequence[Path],
    reference: str | None,
    max_s: float,
    done: Callable[[Outcome], None],
    transcript: WrittenTranscript | None,
) -> None:
    waiting = deque(files)
    running: deque[asyncio.Task[Outcome]] = deque()
    async with asyncio.TaskGroup() as group:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                outcome = _outcome(engine, labels, waiting.popleft(), reference, max_s, transcript)
                running.append(group.create_task(outcome))
            done(await running.popleft())


async def _outcome(
    engine: Engine,
    labels: LabelSet,
    path: Path,
    reference: str | None,
    max_s: float,
    transcript: WrittenTranscript | None,
) -> Outcome:
    name = readable(path)
    try:
        recording = await asyncio.to_thread(_open, path, name, max_s)
        if isinstance(recording, Unread):
            return recording
        result = await assess_recording(
            engine, recording, labels, name=name, reference=reference, transcript=transcript
        )
    except TingqingError as error:
        return Unread(name, error.code, error.message)
    except Exception as error:  # a bug in one file must not cost the others their results
        logger.debug("unexpected error in %s", name, exc_info=error)
        return Unread(name, "internal", f"Unexpected {type(error).__name__}. For details: --log-level debug.")
    return JudgedFile(result)


def _open(path: Path, name: str, max_s: float) -> Recording | Unread:
    """Open a file named by a person; each fault of the name has its own code."""
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        return Unread(name, "file_not_found", "No such file.")
    except IsADirectoryError:
        return Unread(name, "is_a_directory", f"This is a folder. Name the files in it: {name.rstrip('/')}/*.wav")
    except OSError as error:
        return Unread(name, "file_unreadable", f"The file cannot be opened: {error.strerror}.")
    return read_recording(path, name, max_s=max_s)


@contextmanager
def _progress(files: int, output: Output) -> Iterator[Callable[[Outcome], None]]:
    """A progress bar on standard error while several files are judged, if standard error is a terminal."""
    console = stderr_console()
    if files < 2 or not console.is_terminal or output.writes_to_terminal_meanwhile:
        yield lambda outcome: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("", total=files)
        yield lambda outcome: progress.advance(bar)
