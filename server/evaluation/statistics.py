"""Statistics of one label: how well its score separates fine recordings from others, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

RESAMPLES = 1000
CONFIDENCE = 0.95
BINS = 6
SEED = 1
"""Fixed, so that the same recordings give the same report."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval; bounds are ``None`` if too few resamples had both kinds of recordings."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """Recordings with similar scores: their mean score and the fraction that is fine."""

    score: float
    fine: float
    n: int


@dataclass(frozen=True, slots=True)
class Figures:
    """``found``: fraction of recordings that are not fine and do not pass. ``kept``: fraction of fine ones that pass.

    ``unscored``: recordings with a truth but a null score; they count nowhere else. ``suggested``: the threshold with
    the best balanced accuracy; if several are best, the one nearest to ``threshold``.
    """

    fine: int
    others: int
    unscored: int
    threshold: float
    auc: Interval | None = None
    balanced_accuracy: Interval | None = None
    found: float | None = None
    kept: float | None = None
    suggested: float | None = None
    suggested_accuracy: float | None = None
    bins: tuple[Bin, ...] = ()


def figures(
    scores: Sequence[float | None], truth: Sequence[bool], clusters: Sequence[str], threshold: float
) -> Figures:
    """``truth``: whether each recording is fine. ``clusters``: the speaker of each; recordings of one speaker are drawn
    together when resampling, because they are not independent trials."""
    known = [place for place, score in enumerate(scores) if score is not None]
    values = np.array([scores[place] for place in known], np.float64)
    fine = np.array([truth[place] for place in known], np.bool_)
    n_fine, n_others = int(fine.sum()), int((~fine).sum())
    base = Figures(n_fine, n_others, len(scores) - len(known), threshold)
    if not n_fine or not n_others:
        return base
    members = [clusters[place] for place in known]
    passed = values >= threshold
    wins = _wins(values, fine)
    drawn = [_measured(wins, passed, fine, weights) for weights in _resampled(members)]
    auc, accuracy = _measured(wins, passed, fine, np.ones(len(known)))
    suggested, best = best_threshold(values, fine, threshold)
    return replace(
        base,
        auc=_interval(auc, [pair[0] for pair in drawn]),
        balanced_accuracy=_interval(accuracy, [pair[1] for pair in drawn]),
        found=float(np.mean(~passed[~fine])),
        kept=float(np.mean(passed[fine])),
        suggested=suggested,
        suggested_accuracy=best,
        bins=reliability(values, fine),
    )


def _wins(values: Floats, fine: Bools) -> Floats:
    """``(others, fine)``: 1 if the fine one has the higher score, 0.5 for a tie (Mann and Whitney)."""
    low, high = values[~fine][:, np.newaxis], values[fine][np.newaxis]
    return np.asarray((low < high) + 0.5 * (low == high), np.float64)


def _measured(wins: Floats, passed: Bools, fine: Bools, weights: Floats) -> tuple[float, float]:
    """AUC and balanced accuracy, each recording counted ``weights`` times; NaN without both kinds."""
    low, high = weights[~fine], weights[fine]
    if not low.sum() or not high.sum():
        return float("nan"), float("nan")
    auc = float(low @ wins @ high / (low.sum() * high.sum()))
    found = float(low @ ~passed[~fine] / low.sum())
    kept = float(high @ passed[fine] / high.sum())
    return auc, (found + kept) / 2


def _resampled(clusters: Sequence[str]) -> list[Floats]:
    """How often each recording is drawn, per resample: whole clusters with replacement (cluster bootstrap; Davison
    and Hinkley, Bootstrap Methods, 1997, section 3.8)."""
    _, member = np.unique(np.array(clusters), return_inverse=True)
    n = int(member.max()) + 1
    rng = np.random.default_rng(SEED)
    return [np.bincount(rng.integers(0, n, n), minlength=n)[member].astype(np.float64) for _ in range(RESAMPLES)]


def _interval(value: float, drawn: Sequence[float]) -> Interval:
    usable = np.array(drawn)
    usable = usable[~np.isnan(usable)]
    if usable.shape[0] < RESAMPLES // 2:
        return Interval(value)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(usable, [tail, 100 - tail])
    return Interval(value, float(low), float(high))


def best_threshold(values: Floats, fine: Bools, current: float) -> tuple[float, float]:
    """The threshold with the best balanced accuracy, and that accuracy. ``current`` stays if none is better."""
    edges = np.unique(values)
    candidates = np.concatenate(([current], (edges[1:] + edges[:-1]) / 2))
    passed = values[np.newaxis] >= candidates[:, np.newaxis]
    accuracy = (np.mean(~passed[:, ~fine], axis=1) + np.mean(passed[:, fine], axis=1)) / 2
    best = candidates[accuracy >= accuracy.max() - 1e-9]
    return float(best[np.argmin(np.abs(best - current))]), float(accuracy.max())


def reliability(values: Floats, fine: Bools) -> tuple[Bin, ...]:
    """Bins with equal numbers of recordings, lowest scores first."""
    order = np.argsort(values, kind="stable")
    parts = [part for part in np.array_split(order, min(BINS, order.shape[0])) if part.shape[0]]
    return tuple(Bin(float(values[part].mean()), float(fine[part].mean()), int(part.shape[0])) for part in parts)


def wilson(right: int, n: int) -> Interval:
    """A fraction with its interval (Wilson 1927: honest also for few recordings, and at 0 and 1)."""
    if n == 0:
        return Interval(float("nan"))
    interval = binomtest(right, n).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(right / n, float(interval.low), float(interval.high))
