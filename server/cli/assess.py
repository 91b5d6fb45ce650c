"""``tingqing assess``: recordings through the very same core as the live path, without a server."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import ExitCode, LogLevel, fail, guarded, language_or_locale
from server.cli.options import (
    ClapOption,
    DeviceOption,
    DtypeOption,
    GpuMemoryOption,
    LogLevelOption,
    ModelCacheOption,
    MosOption,
    VadOption,
)

if TYPE_CHECKING:
    from server.cli.outcome import OutcomeTally

EPILOG = """\
[bold]Examples[/bold]
  tingqing assess visit.wav                              # a report to read
  tingqing assess *.flac                                 # a row per file
  tingqing assess --format jsonl *.flac > results.jsonl  # a result per line
  tingqing assess --format flat --language en visit.wav
  tingqing assess visit.wav --labels "语速适中,low_background"

[bold]Exit codes[/bold]: 0 every recording passed, 1 at least one did not, 2 an error.
A file that cannot be read does not stop the others.
"""


class AssessFormat(StrEnum):
    """What standard output holds; docs/cli.md shows each."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    FLAT = "flat"


@guarded
def assess(
    files: Annotated[
        list[Path], typer.Argument(help="Recordings: WAV, FLAC, OGG (Vorbis, Opus), MP3 or AIFF.", show_default=False)
    ],
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="A dictionary's name, or labels by id, title or alias, or in your own English words, separated by "
            "commas. Default: telemedicine.",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="zh or en (BCP 47). Default: that of the terminal; zh for flat."),
    ] = None,
    output_format: Annotated[
        AssessFormat,
        typer.Option(
            "--format",
            help="[bold]text[/bold]: to read. [bold]json[/bold]: the result, indented; an array for several files. "
            "[bold]jsonl[/bold]: a compact result per line. [bold]flat[/bold]: title and score only, and one "
            "sentence of advice; as json otherwise.",
        ),
    ] = AssessFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help="Your own number for the recording; the result repeats it.")
    ] = None,
    transcript: Annotated[
        Path | None,
        typer.Option(
            "--transcript",
            metavar="FILE",
            help='What was said in the one recording: JSON lines of {"text", "start_s", "end_s", "speaker"}. Content '
            "labels then say stated, denied or not heard. Read, never kept.",
        ),
    ] = None,
    vad: VadOption = None,
    mos: MosOption = None,
    clap: ClapOption = None,
    model_cache_dir: ModelCacheOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    gpu_memory_fraction: GpuMemoryOption = None,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Judge recordings: a score per label, a verdict, advice.

    No server is needed. The scores are those that the live path gives for the same audio.
    """
    import asyncio

    from server.cli.assessing import assess_all
    from server.cli.outputs import open_output
    from server.logs import configure_logging
    from server.settings import load_settings
    from server.transcript.files import read_transcript

    if transcript is not None and len(files) > 1:
        fail("--transcript is of one recording; assess the files one by one.")
    configure_logging(log_level.value)
    settings = load_settings(
        vad=vad,
        mos=mos,
        clap=clap,
        model_cache_dir=model_cache_dir,
        device=device,
        dtype=dtype,
        gpu_memory_fraction=gpu_memory_fraction,
        log_level=log_level.value,
    )
    spoken = language if output_format is AssessFormat.FLAT else language_or_locale(language)
    lines = None if transcript is None else read_transcript(transcript)
    with open_output(output_format.value, output, spoken, several=len(files) > 1) as sink:
        tally = asyncio.run(assess_all(settings, files, labels, reference, sink, lines))
    raise typer.Exit(_exit_code(tally))


def _exit_code(tally: "OutcomeTally") -> ExitCode:
    """Also says on standard error what could not be read, whatever the format."""
    import sys

    for one in tally.unread:
        print(f"tingqing: {one.name}: {one.message}", file=sys.stderr)
    if tally.unread:
        return ExitCode.ERROR
    return ExitCode.PASSED if tally.all_passed else ExitCode.NOT_PASSED
