"""``tingqing serve``: the server in one command."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import Failure, LogLevel, guarded

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from server.api.serving import DrainingServer
    from server.settings import Settings

EPILOG = """\
[bold]Examples[/bold]

  tingqing serve                                 # http://127.0.0.1:8765, this machine only

  tingqing serve --open                          # and open the page

  tingqing serve --vad webrtc --log-level debug

  tingqing serve --host 0.0.0.0 --insecure       # a closed network: anyone who reaches it may connect

  TINGQING_PORT=9000 tingqing serve              # every flag is also a variable TINGQING_<NAME>

Ctrl-C lets running sessions end, and stops; a second Ctrl-C stops at once.
"""


class VadOption(StrEnum):
    SILERO = "silero"
    WEBRTC = "webrtc"


@guarded
def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to serve on. Default 127.0.0.1. (TINGQING_HOST)")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65_535,
            help="Port to serve on; 0 takes a free one and prints it. Default 8765. (TINGQING_PORT)",
        ),
    ] = None,
    vad: Annotated[
        VadOption | None,
        typer.Option("--vad", help="What tells speech from silence. Default silero. (TINGQING_VAD)"),
    ] = None,
    max_sessions: Annotated[
        int | None,
        typer.Option(
            "--max-sessions",
            min=1,
            help="Live sessions at once; a further one is told to come back. Default 64. (TINGQING_MAX_SESSIONS)",
        ),
    ] = None,
    drain_s: Annotated[
        float | None,
        typer.Option(
            "--drain-s",
            min=0,
            max=600,
            help="Seconds that a stopping server leaves its sessions. Default 10. (TINGQING_DRAIN_S)",
        ),
    ] = None,
    mos: Annotated[
        bool | None,
        typer.Option(
            "--mos/--no-mos", help="DNSMOS as supporting evidence: 0.2 s of CPU per 5 s of audio. (TINGQING_MOS)"
        ),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option("--log-level", help="What is logged to standard error. Default info. (TINGQING_LOG_LEVEL)"),
    ] = None,
    insecure: Annotated[
        bool | None,
        typer.Option(
            "--insecure",
            help="Serve on an address that other machines reach, without keys: anyone may connect and listen in. "
            "(TINGQING_INSECURE)",
            show_default=False,
        ),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser once it is served.")] = False,
) -> None:
    """Serve the patient's page, the doctor's page and the API.

    Without keys the server answers this machine only; a browser gives a page the microphone on localhost or over
    HTTPS. Other settings are environment variables: docs/cli.md lists them.
    """
    from server.logs import configure_logging
    from server.settings import check_exposure, load_settings

    settings = load_settings(
        host=host,
        port=port,
        vad=vad and vad.value,
        max_sessions=max_sessions,
        drain_s=drain_s,
        mos=mos,
        log_level=log_level and log_level.value,
        insecure=insecure,
    )
    check_exposure(settings)
    configure_logging(settings.log_level)
    listener = _bind(settings.host, settings.port)
    _serve(settings, listener, open_page=open_page)


def _bind(host: str, port: int) -> "socket.socket":
    """Take the port before anything is loaded: that it is taken is known at once, and 0 becomes a number."""
    import errno
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Failure(
                f"port {port} on {host} is taken, perhaps by another Tingqing.",
                hint=f"Choose another: --port {port + 1 if port < 65_535 else port - 1}, or --port 0 for a free one.",
            ) from None
        if error.errno == errno.EACCES:
            raise Failure(f"no permission to serve on port {port}.", hint="Choose one above 1023.") from None
        raise Failure(f"cannot serve on {host}: {error.strerror or error}.") from None
    return listener


def _serve(settings: "Settings", listener: "socket.socket", *, open_page: bool) -> None:
    raise NotImplementedError
