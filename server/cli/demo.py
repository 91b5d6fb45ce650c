"""``tingqing demo``: a synthetic visit through the real path, on this machine, in seconds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import ExitCode, Failure, guarded, language_or_locale, program, stdout_console
from server.cli.options import LanguageOption
from server.filenames import readable

if TYPE_CHECKING:
    from rich.console import Console

    from server.client.stream_client import Lost
    from server.errors import TingqingError
    from server.settings import Settings
    from server.wire.server import ServerMessage, SessionEnded

EPILOG = """\
[bold]Examples[/bold]
  tingqing demo                                   # seconds
  tingqing demo --realtime                        # as it would be live: 27 s
  tingqing demo --save visit.wav                  # and keep the recording,
  tingqing assess visit.wav                       # to judge it as a file

[bold]What to watch for[/bold]
  From 0:09 a fan runs beside the voice: "No strong background noise" falls below its threshold, and the patient
  would be asked to move. At 0:18 it stops, the scores recover, and the prompt is cleared.
"""


@guarded
def demo(
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime", help="As fast as it is spoken, like a microphone. Default: as fast as it is scored."
        ),
    ] = False,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE.wav", help="Write the synthetic visit to this file, too.")
    ] = None,
    language: LanguageOption = None,
) -> None:
    """Watch a synthetic visit being judged, live.

    A voice made by formant synthesis, a fan that starts and stops. It goes
    through a server of its own on this machine, in basic mode: the same
    core, scorers, judgement and prompts as a patient's microphone. No file,
    no network and no running server are needed.
    """
    from shlex import quote
    from tempfile import TemporaryDirectory

    from server.client.sample_visit import save_sample_visit
    from server.logs import configure_logging
    from server.rendering.words import DEMO_INTRO, DEMO_NEXT, DEMO_SAVED
    from server.settings import load_settings

    configure_logging("warning")
    spoken = language_or_locale(language)
    console = stdout_console()
    settings = load_settings(host="127.0.0.1", port=0, clap="off", drain_s=0.0, log_level="warning")
    with TemporaryDirectory() as folder:
        path = save or Path(folder) / "visit.wav"
        try:
            save_sample_visit(path)
        except OSError as error:
            raise Failure(f"cannot write {readable(path)}: {error.strerror}.") from None
        console.print(DEMO_INTRO(spoken), markup=False)
        with _serving(settings) as url:
            ended = _play(url, path, console, spoken, realtime=realtime)
    _report(ended, console, spoken)
    again = DEMO_NEXT(spoken) if save is None else DEMO_SAVED(spoken)
    console.print(again.format(program=program(), file=quote(readable(path))), markup=False, soft_wrap=True)
    raise typer.Exit(ExitCode.PASSED)


def _play(url: str, path: Path, console: "Console", language: str, *, realtime: bool) -> "SessionEnded":
    """Run the visit in one session, with the meter; returns its last message. Raises ClientError."""
    import asyncio

    from server.client.pcm_source import PcmSource
    from server.client.stream_client import StreamClient
    from server.wire.client import SessionStart

    with PcmSource(path, chunk_ms=100) as source, _DemoMeter(console, language) as meter:
        start = SessionStart.model_validate(
            {
                "type": "session.start",
                "mode": "visit",
                "pace": "realtime" if realtime else "fast",
                "audio": {"encoding": source.audio.encoding.value, "sample_rate": source.audio.sample_rate},
                "capture": {"source": "file"},
                "language": language,
            }
        )
        return asyncio.run(StreamClient(url, start, source, meter.take, meter.lost).run())


def _report(ended: "SessionEnded", console: "Console", language: str) -> None:
    from server.rendering.report import print_report
    from server.rendering.words import DEMO_TITLE

    if ended.reason != "client":
        raise Failure(f"the server ended the session before the visit was over: {ended.reason}.")
    print_report(console, ended.result, language, name=DEMO_TITLE(language))


@contextmanager
def _serving(settings: "Settings") -> Iterator[str]:
    """The address of a real server on a free port, in its own thread; it is stopped at the end.

    Raises TingqingError if it does not start.
    """
    import socket

    from server.app import make_server

    started = threading.Event()
    refusals: list[TingqingError] = []
    with socket.create_server((settings.host, 0)) as listener:
        server = make_server(settings, on_started=lambda _engine: started.set(), on_refused=refusals.append)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="demo server", daemon=True)
        thread.start()
        try:
            while not started.wait(0.1):
                if not thread.is_alive():
                    raise refusals[0] if refusals else Failure("the server could not start.")
            yield f"ws://{settings.host}:{listener.getsockname()[1]}/v1/stream"
        finally:
            server.should_exit = True
            thread.join()


class _DemoMeter:
    """The meter of ``tingqing stream``; if it is redrawn in place, raised and cleared prompts stay above it."""

    def __init__(self, console: "Console", language: str) -> None:
        from server.cli.meter import open_meter
        from server.rendering.words import DEMO_TITLE

        self._console = console
        self._language = language
        self._at_s = 0.0
        self._meter = open_meter(console, language, DEMO_TITLE(language))

    def __enter__(self) -> "_DemoMeter":
        self._meter.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._meter.__exit__(*exception)

    def take(self, _text: str, message: "ServerMessage") -> None:
        from server.cli.meter import prompt_line
        from server.wire.server import PromptClearedMessage, PromptRaisedMessage, QualityUpdate

        if isinstance(message, QualityUpdate):
            self._at_s = message.window.end_s
        if self._console.is_terminal and isinstance(message, PromptRaisedMessage | PromptClearedMessage):
            self._console.print(prompt_line(message, self._at_s, self._language), markup=False)
        self._meter.show(message)

    def lost(self, lost: "Lost") -> None:
        self._meter.note(lost.reason)
