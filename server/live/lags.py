"""How late the updates of the last seconds were, and the windows that wait now. Sans-IO."""

from collections import deque
from collections.abc import Iterable
from statistics import median

RECENT_S, MOST_LAGS = 5.0, 4096

ENOUGH = 4
"""Lags since a part was left out from which those before it count no more."""


class RecentLags:
    """``add`` for each update of a paced session, ``look`` about every second. Times in milliseconds."""

    def __init__(self) -> None:
        self._lags: deque[tuple[float, float, float]] = deque(maxlen=MOST_LAGS)
        self._scoring_ms = 0.0
        self._changed_at = float("-inf")

    def add(self, now: float, lag_ms: float, scoring_ms: float) -> None:
        """An update went out, so late; ``scoring_ms`` of that took the scoring itself."""
        self._lags.append((now, lag_ms, max(0.0, lag_ms - scoring_ms)))

    def change(self, now: float) -> None:
        """Something was left out: what came before tells little of what comes now."""
        self._changed_at = now

    def look(self, now: float) -> None:
        """Forget what is old."""
        while self._lags and now - self._lags[0][0] > RECENT_S:
            self._lags.popleft()
        if sum(at > self._changed_at for at, _, _ in self._lags) >= ENOUGH:
            while self._lags[0][0] <= self._changed_at:
                self._lags.popleft()
        if self._lags:
            self._scoring_ms = median(lag - waited for _, lag, waited in self._lags)

    def p95(self, waiting: Iterable[float]) -> tuple[float | None, float | None]:
        """Of all lags, and of what of each was waiting; ``None`` without any.

        ``waiting``: seconds since windows were due that are not judged yet. What stands still sends no update: it is
        late all the same, but for the time that scoring usually takes.
        """
        ages = [1000 * age for age in waiting]
        lags = sorted([lag for _, lag, _ in self._lags] + ages)
        waited = sorted([waited for _, _, waited in self._lags] + [max(0.0, age - self._scoring_ms) for age in ages])
        if not lags:
            return None, None
        place = int(0.95 * (len(lags) - 1))
        return round(lags[place], 1), round(waited[place], 1)
