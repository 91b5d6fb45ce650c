"""``tingqing assess``: judges recordings with the same core as the live path, without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import ExitCode, Failure, LogLevel, guarded, language_or_locale, notice
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
from server.values.text import Text

if TYPE_CHECKING:
    from server.cli.assessing import Kept, OutcomeTally

EPILOG = """\
[bold]Examples[/bold]
  tingqing assess visit.wav                              # a report to read
  tingqing assess recordings/                            # a table, one row per file
  tingqing assess recordings/ --out results.html         # a page to print; also .csv .xlsx .json .jsonl
  tingqing assess recordings/ --out r.xlsx --resume      # go on after an interruption
  tingqing assess '2026-11/**/*.m4a' --jobs 4            # four processes
  tingqing assess --format jsonl *.flac > results.jsonl  # one result per line
  ssh clinic cat visit.amr | tingqing assess -
  tingqing assess call.alaw --raw alaw:8000:1
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
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"
    FHIR = "fhir"


@guarded
def assess(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recordings, folders of them, patterns ('*.wav'), or - for standard input. WAV, FLAC, OGG (Vorbis, "
            "Opus), MP3, AIFF; with FFmpeg M4A, AMR, 3GP, CAF, WebM, WMA and videos; SILK of WeChat. Their bytes "
            "decide, not their names.",
            show_default=False,
        ),
    ],
    labels: LabelsOption = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="zh or en (BCP 47). Default: the terminal's language; zh for flat."),
    ] = None,
    output_format: Annotated[
        AssessFormat | None,
        typer.Option(
            "--format",
            help="[bold]text[/bold]: a report to read. [bold]json[/bold]: the result, indented; an array for several "
            "files. [bold]jsonl[/bold]: one compact result per line. [bold]flat[/bold]: like json, but only titles, "
            "scores and one sentence of advice. [bold]csv[/bold], [bold]xlsx[/bold]: a row per file. "
            "[bold]html[/bold]: a page to read and print. [bold]fhir[/bold]: FHIR R4 Bundles. "
            "Default: as the name of --out says, else text.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "--out", "-o", help="Write to this file instead of standard output.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="With --out: go on where an interrupted run stopped; what was judged stays."),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            max=64,
            metavar="N",
            help="Processes that judge files at the same time. Default: one for every 8 files, up to one per core.",
        ),
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
    """Judge recordings: a score per label, a verdict, advice, the minute to hear first.

    Needs no server. The scores equal those of the live path for the same audio.
    """
    import asyncio

    from server.cli.asked import Asked
    from server.cli.assessing import assess_all, processes_for
    from server.cli.inputs import files_of
    from server.cli.outputs import check_asked, format_of, open_output
    from server.cli.parties import channel_roles, check_far_end, raw_format
    from server.logs import configure_logging
    from server.settings import load_settings
    from server.transcript.files import read_transcript
    from server.values.audio import CaptureSource

    chosen = output_format.value if output_format else format_of(output)
    check_asked(chosen, output, resume=resume)
    channel_roles(channels)
    raw_format(raw)
    check_far_end(far_end)
    configure_logging(log_level.value)
    flags = {
        "vad": vad,
        "mos": mos,
        "denoiser": denoiser,
        "voices": voices,
        "clap": clap,
        "model_cache_dir": model_cache_dir,
        "device": device,
        "dtype": dtype,
        "gpu_memory_fraction": gpu_memory_fraction,
        "log_level": log_level.value,
    }
    settings = load_settings(**flags)
    readers = language_or_locale(language)
    spoken = language if chosen == "flat" else readers
    with files_of(files, readers, headerless=raw is not None) as named:
        for given, flag in ((transcript, "--transcript"), (far_end, "--far-end")):
            if given is not None and len(named) > 1:
                raise Failure(
                    f"{flag} belongs to one recording. Assess the files one at a time.",
                    zh=f"{flag} 只属于一段录音。请逐个评估。",
                )
        asked = Asked(
            flags,
            labels,
            reference,
            mode,
            CaptureSource(source.value),
            channels,
            raw,
            (spoken or "zh") if chosen == "flat" else None,
            None if transcript is None else read_transcript(transcript),
            far_end,
        )
        kept = _kept(chosen, output, several=len(named) > 1, resume=resume)
        into = None if kept is not None and kept.lines else output
        processes = processes_for(len(named), jobs)
        with _interrupted(kept, readers), open_output(chosen, into, spoken, several=len(named) > 1) as sink:
            tally = asyncio.run(assess_all(settings, asked, named, sink, processes, readers, kept))
        if kept is not None:
            kept.journal.finished()
    raise typer.Exit(_exit_code(tally, readers))


def _kept(chosen: str, output: Path | None, *, several: bool, resume: bool) -> "Kept | None":
    """Where what is done is written down, if the output is a file of several results."""
    from server.cli.assessing import Kept
    from server.cli.journal import Journal, LineJournal

    if output is None or not (several or resume):
        return None
    if chosen == "jsonl":
        return Kept(LineJournal(output), resume, lines=True)
    return Kept(Journal.beside(output), resume)


@contextmanager
def _interrupted(kept: "Kept | None", language: str) -> Iterator[None]:
    """Say how an interrupted run goes on."""
    try:
        yield
    except KeyboardInterrupt:
        if kept is not None:
            path = kept.journal.path
            told = Text(
                f"已中断。完成的部分在 {path}：加上 --resume 再运行同一条命令，即可继续。",
                f"Interrupted. What is done is in {path}: run the same command with --resume.",
            )
            notice(told.in_language(language))
        raise


def _exit_code(tally: "OutcomeTally", language: str) -> ExitCode:
    """Also reports unreadable files on standard error, whatever the format."""
    for one in tally.unread:
        notice(f"tingqing: {one.name}: {one.said(language)}")
    if tally.unread:
        return ExitCode.ERROR
    return ExitCode.PASSED if tally.all_passed else ExitCode.NOT_PASSED
