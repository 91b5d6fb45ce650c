"""``GET /metrics``: what this process counts, and each of several workers, in the text format of Prometheus.

With keys, for who shows one of the role admin; without, for this machine alone, where no proxy may stand in front. On
``--metrics-port`` for whoever reaches that port.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from server.access.principal import Right
from server.api.principals import address_of, principal_of
from server.api.problems import documented
from server.api.services import Services, Wired
from server.api.whole import ASK_S, exposition_of_all, families_of
from server.errors import ForbiddenError
from server.live.load_state import LoadState
from server.loopback import is_loopback
from server.scoring.metrics import TIMES_S, LaneMetrics, Times

router = APIRouter(tags=["health"])

PATH = "/metrics"
FORWARDED = ("forwarded", "via", "x-real-ip")
FORWARDED_PREFIX = "x-forwarded-"
HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")

LANE_COUNTS = {
    "scored": "Answers given.",
    "failed": "Requests whose work raised an error.",
    "expired": "Requests whose deadline passed.",
    "abandoned": "Requests withdrawn before they ran.",
    "refused": "Requests refused because the queue was full.",
    "restarts": "Threads started in place of one that died or hung.",
}


class ProcessState(Collector):
    """What is kept elsewhere and read at each scrape: sessions now, lanes, places for uploads, the build."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """One family after another; on the loop, like everything that it reads."""
        engine = self._services.engine
        yield InfoMetricFamily(
            "tingqing_build",
            "What runs here.",
            {"version": engine.version, "clap": engine.clap or "none", "vad": engine.vad},
        )
        yield from self._sessions()
        yield _gauge("tingqing_scorers_alive", "Whether every inference thread runs.", int(engine.service.alive))
        text = "Keys and tokens that opened nothing, those told to wait among them."
        yield CounterMetricFamily("tingqing_wrong_keys", text, self._services.gate.wrong)
        key_ends = self._services.gate.next_end()
        if key_ends is not None:
            text = "When the first key ends that was used in the last day."
            yield _gauge("tingqing_key_expires_timestamp_seconds", text, key_ends.timestamp())
        if self._services.records is not None:
            failing = int(not self._services.manager.counts().lasting)
            yield _gauge("tingqing_store_failing", "1 while the database does not answer.", failing)
        slots = self._services.slots
        yield _gauge("tingqing_upload_places_free", "Uploads that would be admitted now.", slots.free)
        tls = self._services.tls
        if tls is not None:
            tls.refresh()  # on a quiet night nobody connects, and a renewed one would still be told as ending
            ends = tls.pair.expires.timestamp()
            yield _gauge("tingqing_certificate_expires_timestamp_seconds", "When the certificate in use ends.", ends)
        yield from _lanes(engine.service.metrics())
        if self._services.manager.load is not None:
            yield from _load(self._services.manager.load.state())

    def _sessions(self) -> Iterator[Metric]:
        manager = self._services.manager
        counts = manager.counts()
        sessions = GaugeMetricFamily("tingqing_sessions", "Sessions now, by state.", labels=["state"])
        for state in ("starting", "pending", "live", "waiting"):
            sessions.add_metric([state], getattr(counts, state))
        yield sessions
        yield _gauge("tingqing_sessions_max", "Live sessions that this process admits.", manager.limits.sessions_here)
        yield _gauge("tingqing_observers", "Doctors who watch now.", counts.observers)
        yield _gauge("tingqing_draining", "Whether this process is stopping.", int(manager.draining))


def _lanes(lanes: tuple[LaneMetrics, ...]) -> Iterator[Metric]:
    for name, text in LANE_COUNTS.items():
        counter = CounterMetricFamily(f"tingqing_lane_{name}", text, labels=["lane"])
        for lane in lanes:
            counter.add_metric([lane.name], getattr(lane, name))
        yield counter
    running = GaugeMetricFamily("tingqing_lane_running", "Whether there is a thread that answers.", labels=["lane"])
    queued = GaugeMetricFamily("tingqing_lane_queued", "Requests that wait.", labels=["lane"])
    largest = GaugeMetricFamily("tingqing_lane_batch_size", "The largest batch, as learned.", labels=["lane"])
    waited = HistogramMetricFamily("tingqing_lane_queue_seconds", "How long a request waited.", labels=["lane"])
    took = HistogramMetricFamily("tingqing_lane_inference_seconds", "How long a batch took.", labels=["lane"])
    for lane in lanes:
        running.add_metric([lane.name], int(lane.running))
        queued.add_metric([lane.name], lane.queued)
        largest.add_metric([lane.name], lane.batch_size)
        waited.add_metric([lane.name], *_buckets(lane.queue))
        took.add_metric([lane.name], *_buckets(lane.inference))
    yield from (running, queued, largest, waited, took)


def _load(load: LoadState) -> Iterator[Metric]:
    yield _gauge("tingqing_load_accepting", "Whether the load would let a new session in.", int(load.accepting))
    if load.room is not None:
        yield _gauge("tingqing_load_room", "New sessions that the load would let in.", load.room)
    yield _gauge("tingqing_loop_cores", "CPU of the event loop's thread, of the last second.", load.loop)
    out = GaugeMetricFamily("tingqing_part_left_out", "Whether live windows go without a part now.", labels=["part"])
    without = CounterMetricFamily("tingqing_windows_without", "Live windows that went without it.", labels=["part"])
    for part in load.parts:
        out.add_metric([part], int(part in load.shed))
        without.add_metric([part], load.shed_counts.get(part, 0))
    yield from (out, without)


def _buckets(times: Times) -> tuple[list[tuple[str, float]], float]:
    """Cumulative, as Prometheus wants them, and the sum."""
    below, buckets = 0, []
    for bound, count in zip([*map(str, TIMES_S), "+Inf"], list(times.counts), strict=True):
        below += count
        buckets.append((bound, float(below)))
    return buckets, times.sum_s


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


async def exposition(services: Services) -> bytes:
    """Everything, of all workers, in the text format."""
    registry, routing = services.engine.metrics.registry, services.routing
    if routing is None:
        return generate_latest(registry)
    others = await routing.ask_all("metrics", ASK_S)
    return exposition_of_all({routing.index: families_of(registry), **others})


@router.get(
    PATH,
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    responses=documented(
        {
            401: "No key, or one that is not valid.",
            403: "Neither a key of an admin nor, on a server without keys, this machine.",
        }
    ),
)
async def metrics(request: Request, services: Wired) -> Response:
    """Counters, gauges and histograms of this process. Show a key of the role admin; without keys, for this machine."""
    if await services.gate.keyed():
        await principal_of(request, Right.OPERATE)
    elif services.proxied or not _from_here(request):
        raise ForbiddenError("Metrics are for this machine. For others, set --metrics-port or create a key.")
    return await _answer(services)


def _from_here(request: Request) -> bool:
    """Called at a loopback name from a loopback address, and not passed on by a proxy, behind which is anybody.

    By the header as it came: what frameworks make of it falls back to the socket's own address.
    """
    hosts = request.headers.getlist("host")
    called = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    passed_on = any(name in FORWARDED or name.startswith(FORWARDED_PREFIX) for name in request.headers)
    return (
        called is not None
        and not passed_on
        and is_loopback(called["name"] or called["v6"])
        and is_loopback(address_of(request))
    )


async def _answer(services: Services) -> Response:
    return Response(await exposition(services), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class MetricsApp:
    """The ASGI application of ``--metrics-port``: ``/metrics`` and nothing else, without a key."""

    def __init__(self, app: Any) -> None:
        """``app``: the one whose state has the services."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http":
            return
        services: Services | None = getattr(self._app.state, "services", None)
        if scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            response = Response(status_code=HTTPStatus.NOT_FOUND)
        elif services is None or Headers(scope=scope).get("origin") is not None:
            response = Response(status_code=HTTPStatus.FORBIDDEN)  # a page has no business here
        else:
            response = await _answer(services)
        await response(scope, receive, send)
