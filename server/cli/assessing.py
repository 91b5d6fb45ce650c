"""The work of ``tingqing assess``: open an engine, judge the files, show a bar on the terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.app import open_engine
from server.cli.console import stderr_console
from server.cli.outputs import Output
from server.recording.batch import INTERNAL, Outcome, Unread, assess_files
from server.recording.channels import ChannelRoles
from server.recording.decoders.raw import RawFormat
from server.settings import Settings
from server.transcript.sources import WrittenTranscript
from server.values.audio import CaptureSource
from server.values.mode import Mode


@dataclass(slots=True)
class OutcomeTally:
    """Counts that decide the exit code; the results themselves are not kept."""

    all_passed: bool = True
    unread: list[Unread] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one file, for the exit code and the last sentence."""
        if isinstance(outcome, Unread):
            self.unread.append(outcome)
        elif not outcome.result.overall.passed:
            self.all_passed = False


async def assess_all(
    settings: Settings,
    files: Sequence[Path],
    query: str | None,
    reference: str | None,
    output: Output,
    transcript: WrittenTranscript | None = None,
    roles: ChannelRoles | None = None,
    far_end: Path | None = None,
    mode: Mode = Mode.RECORDING,
    source: CaptureSource = CaptureSource.FILE,
    raw: RawFormat | None = None,
) -> OutcomeTally:
    """Judge ``files`` and hand the outcomes to ``output`` in order, each as soon as it is ready.

    Raises LabelQueryError before the first file.
    """
    tally = OutcomeTally()
    async with open_engine(settings) as engine:
        labels = engine.dictionaries.resolve(query)
        with _progress(len(files), output) as advance:

            def done(outcome: Outcome) -> None:
                outcome = _with_hint(outcome)
                tally.add(outcome)
                output.add(outcome)
                advance(outcome)

            await assess_files(
                engine,
                labels,
                files,
                done,
                max_s=settings.max_audio_s,
                mode=mode,
                source=source,
                reference=reference,
                transcript=transcript,
                roles=roles,
                far_end=far_end,
                decoders=settings.decoders(),
                raw=raw,
            )
    return tally


def _with_hint(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Unread) and outcome.code == INTERNAL:
        return replace(outcome, message=f"{outcome.message} For details: --log-level debug.")
    return outcome


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
