"""The report's figures: SVG, drawn without a display. Only this module loads matplotlib and scikit-learn."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.isotonic import IsotonicRegression

from server.evaluation.findings import JudgedRow
from server.evaluation.statistics import Figures

INK, MUTED, GRID = "#1d2b3a", "#66788a", "#d9e1e8"
FINE, OTHER = "#2a6fdb", "#c2417c"
"""Colours that colour-blind readers can tell apart; position shows the kind too: fine above, others below."""

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "tingqing",
}


def label_figure(label_id: str, judged: Sequence[JudgedRow], figures: Figures) -> str:
    """Two pictures in a row: every recording's score on its side of the threshold, and the reliability plot."""
    with rc_context(STYLE):
        figure = Figure(figsize=(7.4, 2.5), layout="constrained")
        scores, reliability = figure.subplots(1, 2, width_ratios=(1.7, 1))
        _scores(scores, label_id, judged, figures)
        _reliability(reliability, label_id, judged, figures)
        return _svg(figure)


def _scores(axes: Axes, label_id: str, judged: Sequence[JudgedRow], figures: Figures) -> None:
    rng = np.random.default_rng(0)
    for place, fine, colour, name in ((1, True, FINE, "fine"), (0, False, OTHER, "not fine")):
        known = [one for one in judged if one.row.truth.get(label_id) is fine]
        values = [score for one in known if (score := one.conclusion.labels[label_id].score) is not None]
        heights = place + rng.uniform(-0.28, 0.28, len(values))
        axes.scatter(values, heights, s=16, color=colour, alpha=0.65, linewidths=0)
        axes.text(0.01, place + 0.36, f"{name} ({len(values)})", color=colour, fontsize=9, weight="bold")
    axes.axvline(figures.threshold, color=INK, linewidth=1)
    axes.text(figures.threshold, 1.62, f" threshold {figures.threshold:.2f}", fontsize=8, va="top")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.5, 1.65), yticks=[], xlabel="score")
    axes.spines["left"].set_visible(False)


def _reliability(axes: Axes, label_id: str, judged: Sequence[JudgedRow], figures: Figures) -> None:
    """The fraction of fine recordings at each score, and a monotone curve by isotonic regression (Zadrozny and Elkan
    2002).
    """
    pairs = [
        (score, float(one.row.truth[label_id]))
        for one in judged
        if label_id in one.row.truth and (score := one.conclusion.labels[label_id].score) is not None
    ]
    x, y = np.array(sorted(pairs)).T
    rising = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(x, y)
    grid = np.linspace(x.min(), x.max(), 100)
    axes.plot(grid, rising.predict(grid), color=FINE, linewidth=1.5)
    axes.scatter(
        [one.score for one in figures.bins],
        [one.fine for one in figures.bins],
        s=[12 + 2 * one.n for one in figures.bins],
        color=FINE,
        alpha=0.55,
        linewidths=0,
    )
    axes.axvline(figures.threshold, color=INK, linewidth=1)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.04, 1.04), xlabel="score", ylabel="fraction fine")


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]
