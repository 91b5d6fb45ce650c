"""A port for a server that must be told it before it listens."""

import random
import socket

FROM, UNTIL = 15_000, 32_000
"""Below the ports that Linux and macOS give to whoever asks for any: nothing but a test takes one of these."""


def free_port() -> int:
    """On the loopback; nobody listens there now, and hardly anybody will before the caller does."""
    while True:
        port = random.SystemRandom().randrange(FROM, UNTIL)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
