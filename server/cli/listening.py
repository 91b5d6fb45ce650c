"""The ports of ``tingqing serve``."""

import errno
import socket
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
