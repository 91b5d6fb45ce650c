"""A process that judges the files of batches, started by ``server.batches.process``.

The first line of its standard input says how; when that input ends, so does the process: its server has gone. It has
the lowest priority, so that live sessions come first.
"""

import asyncio
import contextlib
import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import typer

from server.cli.banner import STDERR
from server.cli.console import guarded, hold_standard_streams

if TYPE_CHECKING:
    from server.settings import Settings

NICENESS = 19
IDLE_S = 30.0
"""The models are kept for so long after the last file: loading them takes seconds."""

LAST_S = 3.0
"""To let go of what is judged; then the process ends as it is."""


def step_back() -> None:
    """The lowest priority, and that of all threads that begin later."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)


@guarded
def main() -> None:
    """Judge until nothing waits, or the server has gone."""
    step_back()
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    from server.logs import LineWriter, configure_logging
    from server.settings import load_settings

    settings = load_settings(**told["settings"])
    configure_logging(settings.log_level, settings.log_format, handler=LineWriter(STDERR), worker="batches")
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_judge(settings, told["id"]))


async def _judge(settings: "Settings", process_id: str) -> None:
    from server.app import open_engine
    from server.batches.folder import BatchFolders
    from server.batches.judging import Judging, JudgingLimits
    from server.store.batches import open_batches

    where = settings.kept_at
    assert settings.data_dir is not None
    assert where is not None
    judging = asyncio.current_task()
    assert judging is not None
    _end_with_input(asyncio.get_running_loop(), judging)
    limits = JudgingLimits(settings.max_audio_s, settings.max_upload_cpu_s, settings.decoders())
    async with (
        open_batches(where, settings.data_dir, keep=settings.keep == "results", process_id=process_id) as store,
        open_engine(settings) as engine,
    ):
        await Judging(engine, store, BatchFolders(settings.data_dir), limits).run(IDLE_S)


def _end_with_input(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[Any]") -> None:
    def wait() -> None:
        sys.stdin.read()
        with contextlib.suppress(RuntimeError):  # the loop is closed: it ends anyway
            loop.call_soon_threadsafe(task.cancel)
        threading.Event().wait(LAST_S)
        os._exit(0)

    threading.Thread(target=wait, daemon=True, name="input").start()


def begin() -> None:
    """The process's entry point."""
    hold_standard_streams()
    try:
        main()
    except typer.Exit as stopped:
        sys.exit(stopped.exit_code)
