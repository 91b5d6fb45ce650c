"""The server that ``tingqing bench`` measures, in a process of its own: ``python -m server.cli.bench_server SETTINGS``.

``SETTINGS`` is a JSON object. The port comes on standard output once the server answers. It stops when its standard
input ends, and so with its parent.
"""

import json
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.api.serving import DrainingServer
    from server.judge.sounds import Sounds
    from server.model.clap.scorer import ClapScorer

STAND_IN = "stand-in"
"""In place of a model: random weights of the published shapes, which cost as much; their scores mean nothing."""


def main() -> None:
    """Serve on a free port of this machine until told to stop."""
    from server.app import make_server
    from server.logs import configure_logging
    from server.model.clap.opening import open_clap
    from server.settings import load_settings

    given: dict[str, Any] = json.loads(sys.argv[1])
    stand_in = given.get("clap") == STAND_IN
    settings = load_settings(**given, host="127.0.0.1", port=0, log_level="warning", drain_s=1.0)
    configure_logging(settings.log_level)
    with socket.create_server((settings.host, 0)) as listener:
        port = listener.getsockname()[1]
        server = make_server(
            settings,
            on_started=lambda _engine: print(port, flush=True),
            open_clap=_open_stand_in if stand_in else open_clap,
        )
        threading.Thread(target=_until_told, args=(server,), name="told to stop", daemon=True).start()
        server.run(sockets=[listener])


def _until_told(server: "DrainingServer") -> None:
    sys.stdin.read()
    server.should_exit = True


def _open_stand_in(_clap: str, *, sounds: "Sounds", dtype: str, at_once: int, **_others: object) -> "ClapScorer":
    from server.model.clap.random_weights import random_clap
    from server.model.clap.scorer import ClapScorer

    return ClapScorer(random_clap(dtype=dtype, at_once=at_once), sounds)


if __name__ == "__main__":
    main()
