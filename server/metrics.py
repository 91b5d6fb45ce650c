"""What a process counts, for Prometheus. What others keep (sessions now, lanes) is read by ``server.api.metrics``.

Every label has few values: codes, reasons, routes and ids of our own. None names a session, a person, a site or a key.
"""

import itertools
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

LAG_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
"""Bounds of the lag: a doctor notices from about 1 s on; 3 s is when windows were being replaced for long."""

REQUEST_S = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WS"})
OTHER = "other"
PEER_CLOSES = frozenset({1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013})
OWN_CLOSES = range(4400, 4600)
ALERTED = ("at_capacity", "store_unavailable")
"""Codes of refusals that deploy/prometheus/alerts.yml looks at."""

Via = Literal["http", "socket"]
Kind = Literal["session", "file"]


class Metrics:
    """One per process, in a registry of its own. Called on the loop; each call costs about a microsecond."""

    def __init__(self) -> None:
        # Of the process: it doubles the series, and who restarts a counter is known from process_start_time_seconds.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        counter, histogram = self._counter, self._histogram
        self._began = counter("sessions_started", "Live sessions that began.", "mode", "pace")
        self._resumed = counter("sessions_resumed", "Times that a patient came back to a session.")
        self._ended = counter("sessions_ended", "Live sessions that ended.", "reason")
        self._delivered = counter(
            "results_delivered", "Results of sessions, by whether the patient got it.", "delivered"
        )
        self._lag = histogram("lag_seconds", "From when a window's last sample was due to its update.", LAG_S, "pace")
        self._replaced = counter("windows_replaced", "Live windows replaced by newer ones.")
        self._shed = counter("windows_shed", "Live windows for which a scorer gave nothing in time.")
        self._prompts = counter("prompts_raised", "Prompts shown.", "prompt", "audience")
        self._verdicts = counter("verdicts", "Results, by verdict.", "kind", "verdict")
        self._audio = counter("audio_seconds", "Audio of all results.", "kind")
        self._undecoded = counter("decode_failures", "Audio that could not be read as it came.", "kind", "code")
        self._refused = counter("refusals", "Requests and sockets answered with an error.", "via", "code")
        # From zero on: the increase of a series that begins with its first refusal is nothing, and no alert would fire.
        for via, code in itertools.product(("http", "socket"), ALERTED):
            self._refused.labels(via, code)
        for delivered in ("yes", "no"):
            self._delivered.labels(delivered)
        self._requests = histogram("request_seconds", "HTTP requests.", REQUEST_S, "method", "route", "status")
        self._closed = counter("sockets_closed", "WebSockets that were closed.", "route", "code")
        self._webhooks = counter("webhook_attempts", "Tries of webhooks, by how they went.", "event", "outcome")
        self._outbox = Gauge("tingqing_webhooks", "Deliveries kept, by state.", ("state",), registry=self.registry)
        self._outbox_fails = Gauge(
            "tingqing_webhooks_failing", "1 while no webhook can be taken.", registry=self.registry
        )
        self.windows_replaced = 0
        self.webhooks_fail = False

    # -- sessions

    def session_began(self, mode: str, pace: str) -> None:
        """A patient's first socket is there."""
        self._began.labels(mode, pace).inc()

    def session_resumed(self) -> None:
        """A patient is back after a broken connection."""
        self._resumed.inc()

    def session_ended(self, reason: str) -> None:
        """``reason``: as in ``session.ended``."""
        self._ended.labels(reason).inc()

    def result_delivered(self, delivered: bool) -> None:
        """Whether the patient's socket took ``session.ended``."""
        self._delivered.labels("yes" if delivered else "no").inc()

    # -- windows and results

    def update_sent(self, lag_s: float, pace: str) -> None:
        """An update was handed to the outbox ``lag_s`` after its last sample was due."""
        self._lag.labels(pace).observe(lag_s)

    def window_replaced(self) -> None:
        """By a newer one, before it was scored."""
        self.windows_replaced += 1
        self._replaced.inc()

    def windows_shed(self, count: int) -> None:
        """Scored without one of its scorers, or not at all."""
        self._shed.inc(count)

    def prompt_raised(self, prompt: str, audience: str) -> None:
        """``prompt``: an id of a dictionary."""
        self._prompts.labels(prompt, audience).inc()

    def judged(self, kind: Kind, verdict: str | None, duration_s: float) -> None:
        """A session or a file has its result."""
        self._verdicts.labels(kind, verdict or "none").inc()
        self._audio.labels(kind).inc(duration_s)

    def undecoded(self, kind: Kind, code: str) -> None:
        """``code``: of the error tree or of a warning."""
        self._undecoded.labels(kind, code).inc()

    # -- other systems

    def webhook_tried(self, event: str, outcome: str) -> None:
        """``outcome``: ``delivered``, ``failed`` (tried again later) or ``dead`` (given up)."""
        self._webhooks.labels(event, outcome).inc()

    def webhooks_kept(self, waiting: int, dead: int) -> None:
        """What the outbox holds, in all."""
        self._outbox.labels("waiting").set(waiting)
        self._outbox.labels("dead").set(dead)

    def webhooks_failing(self, failing: bool) -> None:
        """Whether the last round of deliveries failed."""
        self.webhooks_fail = failing
        self._outbox_fails.set(int(failing))

    # -- the outside

    def request(self, method: str, route: str | None, status: int, took_s: float, code: str) -> None:
        """``route``: the template, ``None`` for a page or nothing. ``code``: of its error, or ''."""
        known = method if method in METHODS else OTHER
        self._requests.labels(known, route or OTHER, str(status)).observe(took_s)
        if code:
            self._refused.labels("http", code).inc()

    def socket(self, route: str | None, close_code: int, refusal: str, *, ours: bool) -> None:
        """A socket is over. ``ours``: we closed it, ``refusal`` with the code of that error, or ''.

        Of the peer's codes only those of the standard are told apart.
        """
        told = close_code if close_code in PEER_CLOSES or (ours and close_code in OWN_CLOSES) else OTHER
        self._closed.labels(route or OTHER, str(told)).inc()
        if refusal:
            self._refused.labels("socket", refusal).inc()

    # --

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tingqing_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"tingqing_{name}", text, labels, buckets=buckets, registry=self.registry)
