"""The ports of ``tingqing serve``, and the signals that stop it."""

import errno
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from server.cli.console import Failure

if TYPE_CHECKING:
    from server.settings import Settings


def bind(host: str, port: int, flag: str = "--port") -> socket.socket:
    """Bind a port before anything is loaded: one in use is reported at once, and port 0 becomes a number.

    ``flag``: with which another can be chosen. Raises Failure, which says what to do.
    """
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
                f"port {port} on {host} is in use, perhaps by another Tingqing.",
                hint=f"Choose another: {flag} {port + 1 if port < 65_535 else port - 1}, or {flag} 0 for a free one.",
            ) from None
        if error.errno == errno.EACCES:
            raise Failure(f"no permission to serve on port {port}.", hint="Choose a port above 1023.") from None
        raise Failure(f"cannot serve on {host}: {error.strerror or error}.") from None
    return listener


def bind_metrics(settings: "Settings") -> socket.socket | None:
    """The port for metrics, if there is to be one. Raises Failure."""
    if settings.metrics_port is None:
        return None
    return bind(settings.metrics_host, settings.metrics_port, "--metrics-port")


def stop_by_signal(stop: Callable[[int], None]) -> None:
    """``stop``: of the server, by stage. uvicorn takes SIGINT and SIGTERM while it runs, and raises them again after
    it has stopped: a server that drained as requested exits with 0."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, lambda *_: stop(1))  # its terminal was closed
