"""The composition root: the only place that builds engine, sessions and HTTP and connects them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

from server.access.crowd import Crowd
from server.access.gate import Gate, utc_now
from server.access.ice import IceServers
from server.access.keys import KeyStore
from server.access.steady import SteadyDate
from server.assessment.engine import Engine
from server.dictionaries import Dictionaries
from server.dictionaries.sounds import load_sounds
from server.errors import TingqingError
from server.heap import trimmed_heap
from server.live.calibration import open_load
from server.live.calls import Calls
from server.live.manager import SessionManager
from server.live.scoring_parts import open_scoring
from server.live.shedding import Shedding
from server.model.acoustic import AcousticScorer, summarise
from server.model.clap.finding import basic_mode_hint
from server.model.clap.mel import MelTracker
from server.model.clap.opening import open_clap
from server.model.detectors import detector_factory
from server.model.dnsmos import DnsMos, load_dnsmos_session
from server.model.gtcrn import open_gtcrn
from server.model.names import open_namer
from server.model.overlap import load_overlap
from server.model.small.store import SmallModels
from server.model.voices import open_voices
from server.notify.delivering import delivering
from server.resources import labels_dir, web_client_dir
from server.scoring.service import ScoringService
from server.settings import Settings, check_exposure, live_limits, outside, prefix_of, public_base, upload_limits
from server.store import opening
from server.store.opening import AccessStores
from server.stream.core import StreamCore
from server.stream.events import Detector, FeatureTracker, OverlapModel
from server.tracing import open_tracing
from server.values.audio import AudioFormat

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from server.api.serving import DrainingServer
    from server.model.clap.scorer import ClapScorer
    from server.tls.reloading import Tls
    from server.workers.seat import Seat


DISTRIBUTION = "tingqing"


@asynccontextmanager
async def open_engine(
    settings: Settings,
    overlap: OverlapModel | None = None,
    *,
    at_once: int = 1,
    open_clap: Callable[..., "ClapScorer | None"] = open_clap,
    shedding: Shedding | None = None,
) -> AsyncIterator[Engine]:
    """Everything that scores, started and stopped with the block. No web framework, and no torch without CLAP.

    ``overlap``: instead of the shipped network, for cross-validation; neither runs where talkers are told apart.
    ``at_once``: how many windows may be ready together, for which scorers are tuned. ``open_clap``: another source of
    CLAP than the setting's, for benchmarks. ``shedding``: decides what live windows go without under load.
    Raises LabelFileError and SettingsError before anything is started.
    """
    labels_folder = settings.labels_dir or labels_dir()
    dictionaries, sounds = Dictionaries.load(labels_folder), load_sounds(labels_folder)
    make_detector = detector_factory(settings.vad)
    small = SmallModels(settings.model_cache_dir)
    clap = await asyncio.to_thread(
        open_clap,
        settings.clap,
        sounds=sounds,
        cache=settings.model_cache_dir,
        device=settings.device,
        dtype=settings.dtype,
        gpu_memory_fraction=settings.gpu_memory_fraction,
        at_once=at_once,
    )
    mos = DnsMos(load_dnsmos_session()) if settings.mos else None
    denoiser = await asyncio.to_thread(open_gtcrn, small) if settings.denoiser else None
    talkers = await asyncio.to_thread(open_voices, small) if settings.voices else None
    namer = await asyncio.to_thread(open_namer, small, sounds) if settings.names else None
    models = await asyncio.to_thread(small.optional)
    crosstalk = (overlap or load_overlap()) if talkers is None else None

    def trackers() -> list[FeatureTracker]:
        return [] if clap is None else [MelTracker()]

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(trimmed_heap())
        tracer = stack.enter_context(open_tracing(settings.otlp_endpoint, version(DISTRIBUTION)))
        slow = (mos, denoiser, talkers)
        service = await stack.enter_async_context(
            open_scoring(ScoringService, AcousticScorer(), (clap, namer), slow, shedding or Shedding())
        )
        # Most sessions start with these labels: no window should wait for their texts.
        await service.prepare(dictionaries.resolve(None))
        yield Engine(
            service=service,
            dictionaries=dictionaries,
            make_core=lambda audio: StreamCore(audio, make_detector(), trackers(), crosstalk),
            restore_core=lambda snapshot: StreamCore.restore(snapshot, make_detector(), trackers(), crosstalk),
            make_listener=_listener(make_detector),
            summarise=summarise,
            scorer_names=service.scorer_names,
            clap=None if clap is None else clap.model,
            basic_mode=clap is None,
            models=tuple(replace(one, used=one.used and settings.listens_with(one.id)) for one in models),
            hint=basic_mode_hint() if clap is None and settings.clap == "auto" else None,
            vad=settings.vad,
            version=version(DISTRIBUTION),
            tracer=tracer,
        )


def open_access(settings: Settings) -> AbstractAsyncContextManager[AccessStores]:
    """Keys and audit of the database; without one there are no keys. Raises SettingsError if it cannot be used."""
    return opening.open_access(settings.kept_at)


@asynccontextmanager
async def open_keys(settings: Settings) -> AsyncIterator[KeyStore]:
    """The keys of ``open_access`` alone."""
    async with open_access(settings) as stores:
        yield stores.keys


async def has_keys(settings: Settings) -> bool:
    """Whether a key was ever created. Raises SettingsError, StoreError."""
    async with open_keys(settings) as keys:
        return await keys.any()


def make_listener() -> Callable[[AudioFormat], StreamCore]:
    """Makes cores that only find speech, without an engine: where the far end speaks in a recording that is sent."""
    return _listener(detector_factory("silero"))


def _listener(make_detector: Callable[[], Detector]) -> Callable[[AudioFormat], StreamCore]:
    return lambda audio: StreamCore(audio, make_detector())


def open_tls(settings: Settings) -> "Tls | None":
    """The certificate with which this server serves, if any. Raises SettingsError if it cannot be used."""
    if settings.tls_cert is None:
        return None
    # Who serves without TLS needs no cryptography.
    from server.tls.reloading import Tls  # noqa: PLC0415 - see above

    return Tls(settings.tls_cert, settings.tls_key, utc_now)


def create_app(
    settings: Settings,
    on_refused: Callable[[TingqingError], None] | None = None,
    *,
    open_clap: Callable[..., "ClapScorer | None"] = open_clap,
    tls: "Tls | None" = None,
    crowd: Crowd | None = None,
    seat: "Seat | None" = None,
) -> "FastAPI":
    """The application, not started yet; its lifespan opens, drains and closes the engine.

    ``on_refused`` is called with the error of an engine that could not be opened. ``tls``: with what it is served.
    ``crowd``: where its connections are counted. ``seat``: of one of several workers.
    Raises SettingsError if the web pages are missing.
    """
    # The web framework is imported only for serving: ``assess`` needs the engine alone.
    from server.api.among import Among  # noqa: PLC0415 - see above
    from server.api.application import build  # noqa: PLC0415 - see above
    from server.api.batch_opening import open_desk  # noqa: PLC0415 - see above
    from server.api.metrics import ProcessState  # noqa: PLC0415 - see above
    from server.api.probe import Probe, score_once  # noqa: PLC0415 - see above
    from server.api.services import Services, UploadLimits  # noqa: PLC0415 - see above
    from server.api.serving import told  # noqa: PLC0415 - see above

    reach = outside(settings, () if tls is None else tls.pair.names)
    crowd = crowd or Crowd(settings.max_connections_per_address, settings.trust_proxy)
    among = Among(seat)

    @asynccontextmanager
    async def lifespan(app: "FastAPI") -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(among.attached())
            limits = live_limits(settings, among.share(settings.max_sessions))
            opened = opening.open_stores(settings.kept_at, settings.data_dir, limits, settings)
            stores = await stack.enter_async_context(told(opened, on_refused))
            shedding = Shedding()
            scoring = open_engine(settings, at_once=settings.max_sessions, open_clap=open_clap, shedding=shedding)
            engine = await stack.enter_async_context(told(scoring, on_refused))
            slots = among.upload_slots(settings.max_assessments, settings.max_waiting_uploads)
            load = await open_load(engine, shedding, settings.admission, processes=among.count)
            managing = SessionManager(
                engine, limits, sink=stores.results, checkpoints=stores.checkpoints, announced=stores.announced,
                load=load, files_run=lambda: slots.running, elsewhere=seat, tally=among.tally("starting"),
            )  # fmt: skip
            manager = await stack.enter_async_context(managing)
            await stack.enter_async_context(delivering(stores.webhooks, settings.webhook_allow, engine.metrics))
            uploads = UploadLimits(*upload_limits(settings))
            door = Gate(
                stores.access.keys,
                stores.access.audit,
                passing=SteadyDate(utc_now),
                requests_per_minute=settings.requests_per_minute,
                sign_in_lasts=timedelta(hours=settings.sign_in_hours),
                throttling=among.throttling(settings.requests_per_minute),
            )
            probe = Probe(lambda: score_once(engine))
            base, proxied = public_base(settings), bool(settings.public_url or settings.trust_proxy)
            calls = Calls(limits, IceServers.of(settings))
            desk = open_desk(stores.batches, settings.data_dir, settings, uploads.max_bytes, settings.retain_days)
            services = Services(
                engine, manager, probe, slots, uploads, door, reach, crowd, calls, base, proxied, tls,
                records=stores.records, webhooks=stores.webhooks, repeats=stores.repeats,
                batches=await stack.enter_async_context(desk),
            )  # fmt: skip
            services = await stack.enter_async_context(among.joined(services))
            engine.metrics.registry.register(ProcessState(services))
            app.state.services = services
            yield
            slots.shut()

    return build(
        lifespan,
        version=version(DISTRIBUTION),
        outside=reach,
        crowd=crowd,
        client=web_client_dir(),
        trusted=settings.trust_proxy,
        root=prefix_of(settings),
        hsts_s=settings.hsts_s,
    )


def make_server(
    settings: Settings,
    on_started: Callable[[Engine], None] | None = None,
    on_refused: Callable[[TingqingError], None] | None = None,
    *,
    keyed: bool = False,
    open_clap: Callable[..., "ClapScorer | None"] = open_clap,
    tls: "Tls | None" = None,
    metrics_listener: "socket.socket | None" = None,
    seat: "Seat | None" = None,
) -> "DrainingServer":
    """The server, not started: ``run()`` serves until a signal, then drains for at most ``drain_s``.

    ``run(sockets=[…])`` serves on sockets that are already bound. ``on_started`` is called with the engine once the
    server answers, ``on_refused`` with the error if the engine cannot be opened. ``tls``: from ``open_tls``; ``None``
    for plain HTTP. ``metrics_listener``: a bound socket that gives metrics alone. ``seat``: of one of several workers,
    which the supervisor stops. Raises SettingsError if other
    machines can reach the address, there are no keys (``keyed``), and ``insecure`` is not set.
    """
    from server.api.metrics import MetricsApp  # noqa: PLC0415 - see create_app
    from server.api.services import Services  # noqa: PLC0415 - see create_app
    from server.api.serving import Beside, DrainingServer, uvicorn_config  # noqa: PLC0415 - see create_app

    check_exposure(settings, keyed=keyed)
    tally = None if seat is None else seat.tally("connections")
    crowd = Crowd(settings.max_connections_per_address, settings.trust_proxy, tally)
    app = create_app(settings, on_refused, open_clap=open_clap, tls=tls, crowd=crowd, seat=seat)

    def started() -> None:
        if on_started is not None:
            on_started(app.state.services.engine)

    async def drain() -> None:
        services: Services = app.state.services
        async with asyncio.TaskGroup() as group:
            group.create_task(services.slots.drain(settings.drain_s), name="drain uploads")
            await services.manager.drain(settings.drain_s)
        await services.passed_on(settings.drain_s)

    def hurry() -> None:
        services: Services = app.state.services
        services.manager.hurry()

    def leaves_port() -> bool:
        return seat is not None and seat.alone_in_leaving

    beside = None if metrics_listener is None else Beside(MetricsApp(app), metrics_listener)
    context = None if tls is None else tls.context
    config = uvicorn_config(app, settings.host, settings.port, crowd, context, shared=seat is not None)
    server = DrainingServer(config, drain, started, beside, hurry=hurry, leaves_port=leaves_port)
    if seat is not None:
        seat.control.on_stop = server.stop
    return server
