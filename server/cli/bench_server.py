"""The server that ``tingqing bench`` measures, in a process of its own: ``python -m server.cli.bench_server SETTINGS``.

``SETTINGS`` is a JSON object. The port comes on standard output once the server answers. It stops when its standard
input ends, and so with its parent. With several ``workers`` it is their supervisor, and starts itself once for each.
"""

import json
import os
import signal
import socket
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from server.cli.supervising import supervised
from server.cli.worker import job_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.api.serving import DrainingServer
    from server.assessment.engine import Engine
    from server.judge.sounds import Sounds
    from server.model.clap.scorer import ClapScorer
    from server.settings import Settings
    from server.workers.seat import Seat

WORKER = "worker"
STAND_IN = "stand-in"
"""In place of a model: random weights of the published shapes, which cost as much; their scores mean nothing."""


def main() -> None:
    """Serve on a free port of this machine until told to stop."""
    from server.logs import configure_logging
    from server.settings import load_settings

    if sys.argv[1] == WORKER:
        _work()
        return
    given: dict[str, Any] = json.loads(sys.argv[1])
    settings = load_settings(**given, host="127.0.0.1", port=0, log_level="warning", drain_s=1.0)
    configure_logging(settings.log_level)
    with socket.create_server((settings.host, 0)) as listener:
        if settings.workers > 1:
            stop = partial(os.kill, os.getpid(), signal.SIGTERM)
            threading.Thread(target=_until_told, args=(stop,), name="told to stop", daemon=True).start()
            sys.exit(supervised(settings, [listener], (sys.executable, "-P", "-m", "server.cli.bench_server", WORKER)))
        port = listener.getsockname()[1]
        server = _server(settings, lambda _engine: print(port, flush=True))
        threading.Thread(target=_until_told, args=(partial(server.stop, 1),), name="told to stop", daemon=True).start()
        server.run(sockets=[listener])


def _work() -> None:
    """One of several workers."""
    from server.logs import configure_logging

    job = job_of(int(sys.argv[2]))
    configure_logging(job.settings.log_level)
    listener = job.sockets[0]
    port, control = listener.getsockname()[1], job.seat.control
    control.on_announce = lambda: print(port, flush=True)
    server = _server(job.settings, lambda _engine: control.ready(), job.seat)
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run(sockets=[listener])


def _server(
    settings: "Settings", on_started: "Callable[[Engine], None]", seat: "Seat | None" = None
) -> "DrainingServer":
    from server.app import make_server
    from server.model.clap.opening import open_clap

    stand_in = settings.clap == STAND_IN
    return make_server(settings, on_started=on_started, open_clap=_open_stand_in if stand_in else open_clap, seat=seat)


def _until_told(stop: "Callable[[], None]") -> None:
    sys.stdin.read()
    stop()


def _open_stand_in(_clap: str, *, sounds: "Sounds", dtype: str, at_once: int, **_others: object) -> "ClapScorer":
    from server.model.clap.random_weights import random_clap
    from server.model.clap.scorer import ClapScorer

    return ClapScorer(random_clap(dtype=dtype, at_once=at_once), sounds)


if __name__ == "__main__":
    main()
