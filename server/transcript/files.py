"""Reads the transcript of a recording from a file of JSON lines."""

from pathlib import Path

from server.errors import TranscriptError
from server.transcript.lines import read_line
from server.transcript.sources import Utterance, WrittenTranscript

MAX_BYTES = 50_000_000
"""Of a transcript file: some hundred hours of speech."""


def read_transcript(path: Path) -> WrittenTranscript:
    """Lines of ``{text, start_s, end_s, speaker?}``; blank ones are passed over.

    Raises TranscriptError with file and line: it cannot be read, or a line is no such object.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TranscriptError(
                f"{path}: over {MAX_BYTES // 1_000_000} MB: too long for the transcript of a recording"
            )
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror})") from error
    found = [read_line(line, number, str(path)) for number, line in enumerate(lines, start=1) if line.strip()]
    return WrittenTranscript(tuple(Utterance(one.text, one.start_s, one.end_s, one.speaker) for one in found))
