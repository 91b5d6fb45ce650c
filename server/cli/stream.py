"""``tingqing stream``: sends one recording through a running server, live."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import (
    ExitCode,
    Failure,
    LogLevel,
    guarded,
    language_or_locale,
    notice,
    stdout_console,
    write_line,
)
from server.cli.options import (
    ChannelsOption,
    FarEndOption,
    LabelsOption,
    LanguageOption,
    ModeOption,
    RecordedSource,
    ReferenceOption,
    SourceOption,
)
from server.filenames import readable
from server.values.mode import Mode

if TYPE_CHECKING:
    from server.cli.meter import Meter
    from server.client.stream_client import Lost
    from server.values.audio import AudioFormat
    from server.wire.client import SessionStart
    from server.wire.server import ServerMessage, SessionEnded
    from server.wire.transcript import Segment

EPILOG = """\
[bold]Examples[/bold]
  tingqing stream visit.wav                            # a live meter
  tingqing stream visit.wav --pace fast                # as fast as the server scores
  tingqing stream visit.wav --format jsonl | jq .type  # the server's messages
  tingqing stream visit.wav --labels "low_background,语速适中"
  tingqing stream visit.wav --url wss://clinic.example

[bold]Exit codes[/bold]: 0 the recording passed, 1 it did not pass, 2 error.
"""


class PaceOption(StrEnum):
    """How fast the file is sent; docs/protocol.md says what the server then allows."""

    REALTIME = "realtime"
    FAST = "fast"


class StreamFormat(StrEnum):
    """What standard output holds: a meter, or every message of the server as received."""

    TEXT = "text"
    JSONL = "jsonl"


@guarded
def stream(
    file: Annotated[Path, typer.Argument(help="The recording, in any format that assess reads.")],
    url: Annotated[
        str,
        typer.Option(
            "--url", help="The server's address. Where it ends without a path, or with /, v1/stream is added."
        ),
    ] = "ws://127.0.0.1:8000",
    pace: Annotated[
        PaceOption,
        typer.Option(
            "--pace",
            help="[bold]realtime[/bold]: at the speed of a microphone. [bold]fast[/bold]: as fast as the server "
            "accepts audio; no window is replaced, so the scores equal those of assess.",
        ),
    ] = PaceOption.REALTIME,
    mode: ModeOption = Mode.RECORDING,
    source: SourceOption = RecordedSource.FILE,
    labels: LabelsOption = None,
    language: LanguageOption = None,
    output_format: Annotated[
        StreamFormat,
        typer.Option(
            "--format",
            help="[bold]text[/bold]: a live meter, then the result; plain lines if the output is not a terminal. "
            "[bold]jsonl[/bold]: every message of the server, one per line.",
        ),
    ] = StreamFormat.TEXT,
    chunk_ms: Annotated[
        int,
        typer.Option(
            "--chunk-ms", min=10, max=1000, metavar="MS", help="Milliseconds of audio per message, at most 64 KiB."
        ),
    ] = 100,
    reference: ReferenceOption = None,
    channels: ChannelsOption = None,
    far_end: FarEndOption = None,
    transcript: Annotated[
        Path | None,
        typer.Option(
            "--transcript",
            metavar="FILE",
            help="What was said, as JSON lines {text, start_s, end_s, speaker?}: each line is handed over once its "
            "audio was sent. The server keeps its text for two lines.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="Key for a server with keys. Others on this machine can read a flag; they cannot read the variable. "
            "(TINGQING_KEY)",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="The client's log level; logs go to standard error.")
    ] = LogLevel.WARNING,
) -> None:
    """Send a recording to a running server and watch the judgement live.

    The file is sent as PCM, as a microphone would send it, and judged as it is.
    If the connection drops, the client reconnects and resumes.
    """
    import asyncio

    from server.cli.parties import channel_roles, check_far_end, sent_track
    from server.client.pcm_source import PcmSource
    from server.client.stream_client import StreamClient, stream_url
    from server.logs import configure_logging
    from server.settings import load_settings

    configure_logging(log_level.value)
    address = stream_url(url)
    given = load_settings(key=key).key
    secret = None if given is None else given.get_secret_value()
    spoken = language_or_locale(language)
    check_far_end(far_end)
    track = sent_track(file, channel_roles(channels), far_end)
    for told in track.notices:
        notice(f"tingqing: {told.in_language(spoken)}")
    said = [] if transcript is None else _segments(transcript)
    with PcmSource(file, chunk_ms, track.channels) as pcm:
        start = _session_start(pcm.audio, pace, mode, source, labels, spoken, reference)
        with _StreamOutput(output_format, spoken, readable(file)) as output:
            client = StreamClient(address, start, pcm, output.take, output.lost, track.marks, secret, said)
            ended = asyncio.run(client.run())
            output.complete(ended)
        if pcm.cut_short:
            notice(f"tingqing: {readable(file)} is truncated. Judged as far as it goes.")
    if output_format is StreamFormat.TEXT:
        from server.rendering.report import print_report

        print_report(stdout_console(), ended.result, spoken, name=readable(file))
    raise typer.Exit(_exit_code(ended))


def _segments(file: Path) -> "list[Segment]":
    from server.transcript.files import read_transcript
    from server.transcript.speakers import is_doctor
    from server.wire.transcript import Segment

    lines = read_transcript(file).lines
    if any(line.start_s is None for line in lines):
        raise Failure(f"--transcript {file}: each line needs start_s, seconds from the beginning of the recording.")
    return [
        Segment(
            id=str(number),
            text=line.text[:2000],
            start_s=line.start_s or 0.0,
            end_s=max(line.start_s or 0.0, line.end_s or 0.0),
            speaker="doctor" if is_doctor(line.speaker) else None,
            final=True,
        )
        for number, line in enumerate(sorted(lines, key=lambda one: one.end_s or one.start_s or 0.0))
    ]


def _session_start(
    audio: "AudioFormat",
    pace: PaceOption,
    mode: Mode,
    source: RecordedSource,
    labels: str | None,
    language: str,
    reference: str | None,
) -> "SessionStart":
    from pydantic import ValidationError

    from server.wire.client import SessionStart

    try:
        return SessionStart.model_validate(
            {
                "type": "session.start",
                "mode": mode.value,
                "pace": pace.value,
                "audio": {"encoding": audio.encoding.value, "sample_rate": audio.sample_rate},
                "capture": {"source": source.value},
                "labels": labels,
                "language": language,
                "reference": reference,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Failure(f"--{first['loc'][0]}: {first['msg']}") from None


def _exit_code(ended: "SessionEnded") -> ExitCode:
    if ended.reason != "client":
        raise Failure(f"the server ended the session before the end of the recording: {ended.reason}.")
    return ExitCode.PASSED if ended.result.overall.passed else ExitCode.NOT_PASSED


class _StreamOutput:
    """Prints messages as raw lines or shows them in a meter. A context manager that opens and closes the meter."""

    def __init__(self, output_format: StreamFormat, language: str, name: str) -> None:
        self._language = language
        self._left_out = False
        self._meter: Meter | None = None
        if output_format is StreamFormat.TEXT:
            from server.cli.meter import open_meter

            self._meter = open_meter(stdout_console(), language, name)

    def __enter__(self) -> "_StreamOutput":
        if self._meter is not None:
            self._meter.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._meter is not None:
            self._meter.__exit__(*exception)

    def take(self, text: str, message: "ServerMessage") -> None:
        self._left_out = message.type == "session.ended" and message.windows is not None
        if self._meter is None:
            write_line(text)
        else:
            self._meter.show(message)

    def complete(self, ended: "SessionEnded") -> None:
        """The message once more, where windows had to be fetched that it did not have."""
        if self._meter is None and self._left_out:
            write_line(ended.model_dump_json())

    def lost(self, lost: "Lost") -> None:
        import sys

        from server.rendering.words import RECONNECTING

        text = f"{RECONNECTING(self._language)} ({lost.reason})"
        if self._meter is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self._meter.note(text)
