"""``tingqing assess``: judges recordings with the same core as the live path, without a server."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import ExitCode, LogLevel, fail, guarded, language_or_locale
from server.cli.options import (
    ChannelsOption,
    ClapOption,
    DenoiserOption,
    DeviceOption,
    DtypeOption,
    FarEndOption,
    GpuMemoryOption,
    LabelsOption,
    LogLevelOption,
    ModelCacheOption,
    ModeOption,
    MosOption,
    RawOption,
    RecordedSource,
    ReferenceOption,
    SourceOption,
    VadOption,
    VoicesOption,
)
from server.values.mode import Mode

if TYPE_CHECKING:
    from server.cli.assessing import OutcomeTally

EPILOG = """\
[bold]Examples[/bold]
  tingqing assess visit.wav                              # a report to read
  tingqing assess *.flac                                 # a table, one row per file
  tingqing assess --format jsonl *.flac > results.jsonl  # one result per line
  tingqing assess --format flat --language en visit.wav
  tingqing assess visit.wav --labels "语速适中,low_background"
  tingqing assess call.wav --channels patient=right,doctor=left

[bold]Exit codes[/bold]: 0 every recording passed, 1 at least one did not pass, 2 error.
If a file cannot be read, the others are still judged.
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
        list[Path],
        typer.Argument(
            help="Recordings: WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF; with FFmpeg M4A, AMR, 3GP, CAF, WebM, WMA and "
            "videos; SILK of WeChat. Their bytes decide, not their names.",
            show_default=False,
        ),
    ],
    labels: LabelsOption = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="zh or en (BCP 47). Default: the terminal's language; zh for flat."),
    ] = None,
    output_format: Annotated[
        AssessFormat,
        typer.Option(
            "--format",
            help="[bold]text[/bold]: a report to read. [bold]json[/bold]: the result, indented; an array for several "
            "files. [bold]jsonl[/bold]: one compact result per line. [bold]flat[/bold]: like json, but only titles, "
            "scores and one sentence of advice.",
        ),
    ] = AssessFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
    mode: ModeOption = Mode.RECORDING,
    source: SourceOption = RecordedSource.FILE,
    reference: ReferenceOption = None,
    transcript: Annotated[
        Path | None,
        typer.Option(
            "--transcript",
            metavar="FILE",
            help='Transcript of the recording: JSON lines of {"text", "start_s", "end_s", "speaker"}. Content labels '
            "are then reported as stated, denied or not heard. The transcript is never stored.",
        ),
    ] = None,
    channels: ChannelsOption = None,
    far_end: FarEndOption = None,
    raw: RawOption = None,
    vad: VadOption = None,
    mos: MosOption = None,
    denoiser: DenoiserOption = None,
    voices: VoicesOption = None,
    clap: ClapOption = None,
    model_cache_dir: ModelCacheOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    gpu_memory_fraction: GpuMemoryOption = None,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Judge recordings: a score per label, a verdict, advice.

    Needs no server. The scores equal those of the live path for the same audio.
    """
    import asyncio

    from server.cli.assessing import assess_all
    from server.cli.outputs import open_output
    from server.cli.parties import channel_roles, check_far_end, raw_format
    from server.logs import configure_logging
    from server.settings import load_settings
    from server.transcript.files import read_transcript
    from server.values.audio import CaptureSource

    if transcript is not None and len(files) > 1:
        fail("--transcript belongs to one recording. Assess the files one at a time.")
    if far_end is not None and len(files) > 1:
        fail("--far-end belongs to one recording. Assess the files one at a time.")
    roles, headerless = channel_roles(channels), raw_format(raw)
    check_far_end(far_end)
    configure_logging(log_level.value)
    settings = load_settings(
        vad=vad,
        mos=mos,
        denoiser=denoiser,
        voices=voices,
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
        tally = asyncio.run(
            assess_all(
                settings,
                files,
                labels,
                reference,
                sink,
                lines,
                roles,
                far_end,
                mode,
                CaptureSource(source.value),
                headerless,
            )
        )
    raise typer.Exit(_exit_code(tally, language_or_locale(language)))


def _exit_code(tally: "OutcomeTally", language: str) -> ExitCode:
    """Also reports unreadable files on standard error, whatever the format."""
    import sys

    for one in tally.unread:
        print(f"tingqing: {one.name}: {one.said(language)}", file=sys.stderr)
    if tally.unread:
        return ExitCode.ERROR
    return ExitCode.PASSED if tally.all_passed else ExitCode.NOT_PASSED
