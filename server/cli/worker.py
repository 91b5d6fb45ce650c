"""One worker of ``tingqing serve --workers``, started by its supervisor: ``python -m server.cli.worker LINE``.

``LINE``: the file descriptor of its line to the supervisor, whose first message says what to do.
"""

import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from server.cli.banner import STDERR
from server.cli.console import guarded, hold_standard_streams
from server.cli.keyed import has_keys
from server.cli.serve import run

if TYPE_CHECKING:
    from server.settings import Settings
    from server.workers.seat import Seat


@dataclass(frozen=True, slots=True)
class WorkersJob:
    """What the supervisor said. ``sockets``: bound, the port's first."""

    settings: "Settings"
    seat: "Seat"
    sockets: list[socket.socket]
    open_page: bool


def job_of(line: int) -> WorkersJob:
    """``line``: the file descriptor of the line to the supervisor. Raises SettingsError."""
    from server.settings import load_settings
    from server.workers.seat import Seat

    control = socket.socket(fileno=line)
    told = first_line(control)
    settings = load_settings(**told["settings"]["settings"])
    if settings.gpu_memory_fraction is not None:
        settings = settings.model_copy(update={"gpu_memory_fraction": settings.gpu_memory_fraction / told["count"]})
    seat = Seat(told["index"], told["count"], Path(told["folder"]), control)
    sockets = [socket.socket(fileno=number) for number in told["sockets"]]
    return WorkersJob(settings, seat, sockets, told["settings"]["open_page"])


@guarded
def main() -> None:
    """Serve until the supervisor says so."""
    from server.app import open_tls
    from server.logs import LineWriter, configure_logging
    from server.settings import check_exposure

    job = job_of(int(sys.argv[1]))
    settings = job.settings
    keyed = has_keys(settings)
    check_exposure(settings, keyed=keyed)
    name = f"worker {job.seat.index + 1} pid {os.getpid()}"
    configure_logging(settings.log_level, settings.log_format, handler=LineWriter(STDERR), worker=name)
    tls = open_tls(settings)
    listener, *more = job.sockets
    run(settings, listener, tls, more[0] if more else None, open_page=job.open_page, keyed=keyed, seat=job.seat)


def first_line(line: socket.socket) -> dict[str, Any]:
    """The supervisor's first message, and nothing of what follows."""
    read = bytearray()
    while not read.endswith(b"\n"):
        one = line.recv(1)
        if not one:
            sys.exit(1)  # the supervisor died
        read += one
    told: dict[str, Any] = json.loads(read)
    return told


if __name__ == "__main__":
    hold_standard_streams()
    try:
        main()
    except typer.Exit as stopped:
        sys.exit(stopped.exit_code)
