"""Reads transcripts from files of JSON lines. The only module of this package that opens a file."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from server.errors import TranscriptError
from server.transcript.sources import Utterance, WrittenTranscript

MAX_BYTES = 50_000_000
"""Maximum size of a transcript file: some hundred hours of speech."""


class TranscriptLine(BaseModel):
    """``before``: what the doctor said immediately before. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    text: StrictStr
    before: StrictStr | None = None
    start_s: float | None = Field(default=None, ge=0)
    end_s: float | None = Field(default=None, ge=0)
    speaker: StrictStr | None = None


def read_line(line: bytes, number: int, name: str = "line") -> TranscriptLine:
    """Parse one line of JSON lines; a byte-order mark is skipped. Raises TranscriptError, which never repeats a word of
    the line, because transcripts must not reach a log."""
    where = f"{name}:{number}"
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise TranscriptError(f"{where}: not UTF-8", zh=f"{where}：不是 UTF-8 编码", line=number) from None
    except (ValueError, RecursionError):
        raise TranscriptError(
            f"{where}: not JSON. Write one object per line",
            zh=f"{where}：不是 JSON。每行写一个对象",
            line=number,
        ) from None
    if not isinstance(value, dict):
        raise TranscriptError(
            f'{where}: not an object. Write {{"text": "…"}}',
            zh=f'{where}：不是对象。请写 {{"text": "…"}}',
            line=number,
        )
    try:
        return TranscriptLine.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise TranscriptError(
            f"{where}: {field}: {first['msg']}", zh=f"{where}：字段 {field} 的值不对", line=number
        ) from None


def read_transcript(path: Path) -> WrittenTranscript:
    """Read lines of ``{text, start_s, end_s, speaker?}``; blank lines are skipped.

    Raises TranscriptError with file and line if the file cannot be read or a line is invalid.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TranscriptError(
                f"{path}: over {MAX_BYTES // 1_000_000} MB: too long for the transcript of a recording",
                zh=f"{path}：超过 {MAX_BYTES // 1_000_000} MB，一段录音的转写不会这么长",
            )
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptError(
            f"{path}: cannot be read ({error.strerror})", zh=f"{path}：无法读取（{error.strerror}）"
        ) from error
    return transcript_of(data, str(path))


def transcript_of(data: bytes, name: str) -> WrittenTranscript:
    """As ``read_transcript``, of what was in a file. ``name``: as errors call it."""
    lines = data.splitlines()
    found = [read_line(line, number, name) for number, line in enumerate(lines, start=1) if line.strip()]
    return WrittenTranscript(tuple(Utterance(one.text, one.start_s, one.end_s, one.speaker) for one in found))
