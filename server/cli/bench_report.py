"""The figures of a load as a table, on a terminal and as a page."""

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS = (
    "sessions",
    "mean",
    "p50",
    "p90",
    "p95",
    "p99",
    "windows/s",
    "replaced",
    "shed",
    "refused",
    "dropped",
    "server cores",
    "MB/session",
)
ABOUT = "Lag in milliseconds, from when a window's last sample was due to the arrival of its update."
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #ccc}"
)


def table(console: "Console", told: dict[str, Any]) -> None:
    """One column for each load: as many figures side by side are wider than a terminal."""
    from rich.table import Table

    loads = _rows(told)
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    made.add_column(no_wrap=True)
    for _ in loads:
        made.add_column(justify="right", no_wrap=True)
    for name, values in zip(COLUMNS, zip(*loads, strict=True), strict=True):
        made.add_row(name, *values)
    console.print(made)
    console.print(ABOUT, markup=False)
    if "most_sessions" in told:
        console.print(_most(told), markup=False)


def page(told: dict[str, Any]) -> str:
    """A page of HTML that needs nothing else."""
    head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in _rows(told))
    most = f"<p><strong>{escape(_most(told))}</strong></p>" if "most_sessions" in told else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tingqing under load</title>'
        f"<style>{STYLE}</style><h1>Tingqing under load</h1>{most}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(ABOUT)}</p>"
        f"<p>CPUs: {told['cpus']}. CLAP: {escape(str(told['clap']))}.</p></html>\n"
    )


def _most(told: dict[str, Any]) -> str:
    return f"Most sessions with p95 under 500 ms: {told['most_sessions']}"


def _rows(told: dict[str, Any]) -> list[list[str]]:
    return [_cells(one) for one in told.get("tried", [told])]


def _cells(one: dict[str, Any]) -> list[str]:
    lag = one["lag_ms"]
    values = [
        one["sessions"],
        *(lag[name] for name in ("mean", "p50", "p90", "p95", "p99")),
        one["windows_per_s"],
        *(one[name] for name in ("replaced", "shed", "refused", "dropped_sessions", "server_cores")),
        one["rss_mb_per_session"],
    ]
    return ["–" if value is None else f"{value:g}" for value in values]
