"""``tingqing evaluate``: measures how good the judgement is on a hospital's own labelled recordings."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.cli.console import ExitCode, Failure, LogLevel, guarded
from server.cli.options import (
    ClapOption,
    DenoiserOption,
    DeviceOption,
    DtypeOption,
    GpuMemoryOption,
    LogLevelOption,
    ModelCacheOption,
    MosOption,
    VadOption,
    VoicesOption,
)

EPILOG = """\
[bold]Examples[/bold]
  tingqing evaluate recordings.csv                        # print the figures
  tingqing evaluate recordings.csv --output report        # write report/report.html and all scores
  tingqing evaluate recordings.csv --write-labels ward.toml  # write curves fitted to these recordings

The manifest has one line per recording; docs/evaluate.md describes its columns. [bold]Exit codes[/bold]: 0 done, 2 an \
error or an unreadable recording. If a recording cannot be read, the others are still judged.
"""

EXTRA = ("matplotlib", "sklearn")


class EvaluateFormat(StrEnum):
    """What standard output holds; the page and the labels are files beside it."""

    TEXT = "text"
    JSON = "json"


@guarded
def evaluate(
    manifest: Annotated[Path, typer.Argument(help="CSV file of labelled recordings.", show_default=False)],
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="A dictionary's name or labels, as for assess. Default: telemedicine."),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            "--folds",
            min=0,
            help="Number of folds for cross-validation of the fitted curves. 0: no cross-validation.",
            metavar="N",
        ),
    ] = 10,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", help="Columns whose values must not occur on both sides of a split. Default: speaker,noise."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for report.html, report.json and scores.csv.", metavar="FOLDER"),
    ] = None,
    write_labels: Annotated[
        Path | None,
        typer.Option("--write-labels", help="Write the dictionary with curves fitted to all recordings to this file."),
    ] = None,
    output_format: Annotated[
        EvaluateFormat, typer.Option("--format", help="Format of standard output.")
    ] = EvaluateFormat.TEXT,
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
    """Measure the judgement on your own labelled recordings: figures per label and condition, fitted curves, a report.

    Tingqing judges recordings, not patients. It does not diagnose.
    """
    import asyncio

    from server.cli.evaluating import Request, evaluate_request, tell
    from server.logs import configure_logging
    from server.settings import load_settings

    if output is not None:
        _need_extra()
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
    groups = None if group is None else tuple(name.strip() for name in group.split(",") if name.strip())
    request = Request(manifest, labels, folds, groups, output, write_labels)
    evaluation = asyncio.run(evaluate_request(settings, request))
    tell(evaluation, request, as_json=output_format is EvaluateFormat.JSON)
    raise typer.Exit(ExitCode.ERROR if evaluation.faults else ExitCode.PASSED)


def _need_extra() -> None:
    """Checked before hours of listening, not after."""
    from importlib.util import find_spec

    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise Failure(
            f"the report needs {' and '.join(missing)}, which are not installed.",
            hint="Install them with: pip install 'tingqing[evaluate]'. Or leave out --output.",
        )
