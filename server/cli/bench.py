"""``tingqing bench``: how fast this machine is."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli import bench_live, bench_soak
from server.cli.console import compact_json, guarded, write_line

EPILOG = """\
[bold]Examples[/bold]
  tingqing bench live --sessions 20   how late updates come under load
  tingqing bench live --find          how many sessions this machine holds
  tingqing bench soak --hours 1       whether anything is left behind
  tingqing bench clap                 one hop of CLAP, by transformers and by our code
"""

CLAP_EPILOG = """\
[bold]Examples[/bold]
  tingqing bench clap
  tingqing bench clap --threads 1 --json
  tingqing bench clap --checkpoint clap-htsat-fused
"""

app = typer.Typer(
    name="bench",
    help="Measure how fast this machine is.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("clap", epilog=CLAP_EPILOG)
@guarded
def clap(
    threads: Annotated[int, typer.Option("--threads", min=1, metavar="N", help="Threads for each of the two.")] = 2,
    repeats: Annotated[int, typer.Option("--repeats", min=1, metavar="N", help="Interleaved rounds.")] = 9,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="DIR",
            help="Folder of real weights. Default: random weights of the published shapes and a stand-in tokenizer.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the random weights and the sounds.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on one line; everything else goes to stderr.")
    ] = False,
) -> None:
    """Measure how long one hop of five labels takes, by transformers and by our code.

    Reports medians of interleaved rounds within one run. Needs no weights and no network.
    """
    from server.model.clap.extra import need_extra

    need_extra("tingqing bench clap")
    from server.model.clap.bench import run

    report = run(threads, repeats, checkpoint, seed, lambda text: print(text, file=sys.stderr))
    if as_json:
        write_line(compact_json(report))
    else:
        _print_table(report)


def _print_table(report: dict[str, Any]) -> None:
    rows = [("transformers", "fp32", report["peer_ms"], 1.0, 0.0)]
    rows += [
        (name, one["dtype"], one["ms"], one["ratio"], one["embedding_error"])
        for name, one in report["backends"].items()
    ]
    print(f"One hop of five labels, {report['threads']} threads")
    print(f"{'':<16}{'dtype':<8}{'ms':>8}{'ratio':>8}{'error':>10}")
    for name, dtype, ms, ratio, error in rows:
        print(f"{name:<16}{dtype:<8}{ms:>8.1f}{ratio:>8.2f}{error:>10.4f}")
    if report["roofline_ms"]:
        print(
            f"Roofline: {report['tower_gflop']} GFLOP at this CPU's {report['bf16_gflops']} GFLOP/s in bf16 take "
            f"{report['roofline_ms']} ms"
        )


app.command("live", epilog=bench_live.EPILOG)(bench_live.live)
app.command("soak", epilog=bench_soak.EPILOG)(bench_soak.soak)
