"""When a delivery is tried again, and when an endpoint is left in peace. Sans-IO; chance is passed in as 0..1."""

from dataclasses import dataclass

FIRST_S = 5.0
GROWTH = 3.0
LONGEST_S = 2 * 3600.0
JITTER = 0.25
"""Of each pause, at random: endpoints that fail together are not tried together."""

DAY_S = 24 * 3600.0
"""A delivery is given up when its next try would come later than this after its first."""

OPEN_AFTER = 5
REST_S = 30.0
LONGEST_REST_S = 600.0
AT_ONCE = 4
"""Deliveries to one endpoint at the same time."""


def next_try_s(attempts: int, age_s: float, chance: float, retry_after_s: float | None = None) -> float | None:
    """Seconds from the ``attempts``-th failure to the next try: 5 s, 15 s, 45 s … 2 h, a quarter more or less, and not
    before ``retry_after_s``. ``None``: give up, ``age_s`` seconds after the first try could have been.

    Standard Webhooks recommends exponential back-off with jitter over a day or more.
    """
    plain = min(FIRST_S * GROWTH ** min(attempts - 1, 20), LONGEST_S)
    pause_s = plain * (1 - JITTER + 2 * JITTER * chance)
    if retry_after_s is not None:
        pause_s = max(pause_s, min(retry_after_s, LONGEST_S))
    return None if age_s + pause_s > DAY_S else pause_s


@dataclass(slots=True)
class Circuit:
    """Of one endpoint, in one process. After ``OPEN_AFTER`` failures in a row nothing is tried for a while, then one
    delivery; what waits meanwhile loses no try. Times in seconds of a clock that only rises."""

    failures: int = 0
    closed_again_at: float = 0.0

    def room(self, now: float) -> int:
        """How many deliveries may be under way."""
        if self.failures < OPEN_AFTER:
            return AT_ONCE
        return 0 if now < self.closed_again_at else 1

    @property
    def is_open(self) -> bool:
        """Whether it failed so often that it is only tried now and then."""
        return self.failures >= OPEN_AFTER

    def succeeded(self) -> None:
        """It answered as it should."""
        self.failures = 0

    def failed(self, now: float, chance: float) -> None:
        """It did not, or not in time."""
        self.failures += 1
        if self.failures >= OPEN_AFTER:
            rest_s = min(REST_S * 2 ** min(self.failures - OPEN_AFTER, 10), LONGEST_REST_S)
            self.closed_again_at = now + rest_s * (1 - JITTER + 2 * JITTER * chance)
