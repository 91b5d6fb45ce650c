"""``tingqing serve --workers``: the process that starts the workers and serves nothing itself."""

import asyncio
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import server
from server.cli.banner import STDERR, say
from server.cli.listening import bind, bind_metrics

if TYPE_CHECKING:
    from server.settings import Settings


THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Of the libraries with which models compute: each worker takes its share of the cores."""


def supervise(settings: "Settings", *, open_page: bool) -> None:
    """Until a signal. Exits with the code of a worker that could not start; it has said why."""
    from server.cli.misspelt import warn_of_misspelt
    from server.logs import LineWriter, configure_logging

    configure_logging(settings.log_level, settings.log_format, handler=LineWriter(STDERR), worker="supervisor")
    warn_of_misspelt()
    sockets = [bind(settings.host, settings.port), bind_metrics(settings)]
    command = (sys.executable, "-P", "-m", "server.cli.worker")
    code = supervised(settings, [one for one in sockets if one is not None], command, open_page=open_page)
    if code:
        raise typer.Exit(code)
    say(STDERR, "Stopped.")


def supervised(
    settings: "Settings", sockets: Sequence[socket.socket], command: Sequence[str], *, open_page: bool = False
) -> int:
    """The exit code. ``command``: starts a worker, which reads its job as ``server.cli.worker`` does."""
    from server.cores import cpus
    from server.settings import environment_with
    from server.workers.supervisor import Job, Supervisor

    threads = max(1, int(cpus()) // settings.workers)
    job = Job(
        command=command,
        settings={"settings": settings.model_dump(mode="json", exclude={"key"}), "open_page": open_page},
        sockets=[one.fileno() for one in sockets],
        workers=settings.workers,
        environment=environment_with(dict.fromkeys(THREADS, str(threads)), Path(server.__file__).parents[1]),
        drain_s=settings.drain_s,
        requests_per_minute=settings.requests_per_minute,
    )
    return asyncio.run(Supervisor(job).run())
