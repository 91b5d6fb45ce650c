"""``tingqing serve``: starts the server."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.banner import STDERR, address_of, metrics_address, print_banner, say
from server.cli.console import Failure, LogLevel, guarded
from server.cli.keyed import has_keys
from server.cli.listening import bind, bind_metrics, stop_by_signal
from server.cli.options import (
    AdmissionOption,
    ClapOption,
    DataOption,
    DenoiserOption,
    DetectorOption,
    DeviceOption,
    DrainOption,
    DtypeOption,
    GpuMemoryOption,
    LogFormat,
    MaxSessionsOption,
    ModelCacheOption,
    TlsCertOption,
    TlsKeyOption,
    VoicesOption,
    WorkersOption,
)
from server.cli.record_options import KeepOption, RetainOption
from server.cli.stored import DatabaseOption
from server.cli.supervising import supervise
from server.errors import TingqingError

if TYPE_CHECKING:
    import socket

    from server.assessment.engine import Engine
    from server.settings import Settings
    from server.tls.reloading import Tls
    from server.workers.seat import Seat

EPILOG = """\
[bold]Examples[/bold]
  tingqing serve                            # serve on http://127.0.0.1:8000
  tingqing serve --open                     # also open the page in the browser
  tingqing serve --vad webrtc --log-level debug
  tingqing serve --host 0.0.0.0 --data-dir /var/lib/tingqing  # with keys
  tingqing serve --host 0.0.0.0 --insecure  # anyone can connect
  tingqing serve --host 0.0.0.0 --data-dir /var/lib/tingqing --tls-cert fullchain.pem --tls-key privkey.pem
  tingqing serve --public-url https://clinic.example/tingqing --trust-proxy 127.0.0.1  # behind a proxy
  TINGQING_PORT=9000 tingqing serve         # the same as --port 9000

Ctrl-C lets running sessions end, then stops. A second Ctrl-C waits for none of them; a third stops at once.
"""


@guarded
def serve(
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help="Address to serve on. Default: 127.0.0.1. (TINGQING_HOST)"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65_535,
            metavar="PORT",
            help="Port to serve on; 0 takes a free port and prints it. Default: 8000. (TINGQING_PORT)",
        ),
    ] = None,
    vad: DetectorOption = None,
    clap: ClapOption = None,
    model_cache_dir: ModelCacheOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    gpu_memory_fraction: GpuMemoryOption = None,
    max_sessions: MaxSessionsOption = None,
    workers: WorkersOption = None,
    admission: AdmissionOption = None,
    drain_s: DrainOption = None,
    mos: Annotated[
        bool | None,
        typer.Option(
            "--mos/--no-mos", help="DNSMOS as supporting evidence: 0.2 s of CPU per 5 s of audio. (TINGQING_MOS)"
        ),
    ] = None,
    denoiser: DenoiserOption = None,
    voices: VoicesOption = None,
    data_dir: DataOption = None,
    database_url: DatabaseOption = None,
    keep: KeepOption = None,
    retain_days: RetainOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url",
            metavar="URL",
            help="How the outside calls this server, for the links of POST /v1/sessions. Default: as each request "
            "does. (TINGQING_PUBLIC_URL)",
        ),
    ] = None,
    root_path: Annotated[
        str | None,
        typer.Option(
            "--root-path",
            metavar="PATH",
            help="Prefix of all addresses behind a proxy, /tingqing. Default: the path of --public-url. "
            "(TINGQING_ROOT_PATH)",
        ),
    ] = None,
    trust_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trust-proxy",
            metavar="ADDRESS",
            help="Address or network (CIDR) of a proxy whose X-Forwarded-For, -Proto and -Host count; repeatable. "
            "(TINGQING_TRUST_PROXY)",
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="ORIGIN",
            help="Another origin whose pages may use this server, https://name; repeatable. (TINGQING_ALLOW_ORIGIN)",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="A name by which this server may be called; repeatable. (TINGQING_ALLOW_HOST)",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option("--log-level", help="Log level; logs go to stderr. Default: info. (TINGQING_LOG_LEVEL)"),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option("--log-format", help="text, or one JSON object a line. Default: text. (TINGQING_LOG_FORMAT)"),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            min=0,
            max=65_535,
            metavar="PORT",
            help="Port that gives /metrics alone, without a key; 0 takes a free port. (TINGQING_METRICS_PORT)",
        ),
    ] = None,
    metrics_host: Annotated[
        str | None,
        typer.Option(
            "--metrics-host",
            metavar="ADDRESS",
            help="Address of --metrics-port. Default: 127.0.0.1. (TINGQING_METRICS_HOST)",
        ),
    ] = None,
    insecure: Annotated[
        bool | None,
        typer.Option(
            "--insecure",
            help="Serve without keys on an address that other machines can reach. Anyone can connect and listen in. "
            "(TINGQING_INSECURE)",
            show_default=False,
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser once the server runs.")
    ] = False,
) -> None:
    """Serve the patient's page, the doctor's page and the API.

    Without keys (tingqing keys create) the server answers this machine
    only. Browsers allow the microphone only on localhost or over HTTPS. docs/cli.md lists every setting.
    """
    from server.settings import load_settings

    settings = load_settings(
        host=host,
        port=port,
        vad=vad and vad.value,
        clap=clap,
        model_cache_dir=model_cache_dir,
        device=device,
        dtype=dtype,
        gpu_memory_fraction=gpu_memory_fraction,
        max_sessions=max_sessions,
        workers=workers,
        admission=admission and admission.value,
        drain_s=drain_s,
        mos=mos,
        denoiser=denoiser,
        voices=voices,
        log_level=log_level and log_level.value,
        log_format=log_format and log_format.value,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
        data_dir=data_dir,
        database_url=database_url,
        keep=keep and keep.value,
        retain_days=retain_days,
        tls_cert=tls_cert,
        tls_key=tls_key,
        public_url=public_url,
        root_path=root_path,
        trust_proxy=trust_proxy or None,
        allow_origin=allow_origin or None,
        allow_host=allow_host or None,
        insecure=insecure,
    )
    if settings.workers > 1:
        supervise(settings, open_page=open_page)
    else:
        _serve_alone(settings, open_page=open_page)


def _serve_alone(settings: "Settings", *, open_page: bool) -> None:
    """In this process, which is all of the server."""
    from server.app import open_tls
    from server.cli.misspelt import warn_of_misspelt
    from server.logs import LineWriter, configure_logging
    from server.settings import check_exposure

    keyed = has_keys(settings)
    check_exposure(settings, keyed=keyed)
    configure_logging(settings.log_level, settings.log_format, handler=LineWriter(STDERR))
    warn_of_misspelt()
    tls = open_tls(settings)
    listener = bind(settings.host, settings.port)
    metrics = bind_metrics(settings)
    run(settings, listener, tls, metrics, open_page=open_page, keyed=keyed)
    say(STDERR, "Stopped.")


def run(
    settings: "Settings",
    listener: "socket.socket",
    tls: "Tls | None",
    metrics: "socket.socket | None",
    *,
    open_page: bool,
    keyed: bool,
    seat: "Seat | None" = None,
) -> None:
    """Serve until a signal; stopping by signal is not a failure. ``seat``: of one of several workers."""
    from server.app import make_server

    address = address_of(settings, listener.getsockname()[1], tls)
    refusals: list[TingqingError] = []

    def announce(engine: "Engine") -> None:
        if seat is None:
            tell(engine)
            return
        seat.control.on_announce = lambda: tell(engine)
        seat.control.ready()

    def tell(engine: "Engine") -> None:
        told = None if metrics is None else metrics_address(settings, metrics.getsockname()[1])
        print_banner(address, settings, engine, tls, keyed=keyed, metrics=told)
        if open_page:
            import webbrowser

            webbrowser.open(address)

    def refuse(error: TingqingError) -> None:
        refusals.append(error)
        # uvicorn would print the same error as a traceback.
        logging.getLogger("uvicorn.error").disabled = settings.log_level != "debug"

    server = make_server(settings, announce, refuse, keyed=keyed, tls=tls, metrics_listener=metrics, seat=seat)
    stop_by_signal(server.stop)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    except SystemExit as error:
        if not error.code:
            raise
        if refusals:
            raise refusals[0] from None
        raise Failure("the server could not start.", hint="See the log above.") from None
