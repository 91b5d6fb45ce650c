"""A line of a transcript as it is written: one JSON object."""

import json

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from server.errors import TranscriptError


class TranscriptLine(BaseModel):
    """``before``: what the doctor said just then. Fields of other programs are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    text: StrictStr
    before: StrictStr | None = None
    start_s: float | None = Field(default=None, ge=0)
    end_s: float | None = Field(default=None, ge=0)
    speaker: StrictStr | None = None


def read_line(line: bytes, number: int, name: str = "line") -> TranscriptLine:
    """One line of JSON lines; a byte-order mark is passed over. Raises TranscriptError, which never repeats a word of
    the line: a transcript is not to be found in a log."""
    where = f"{name}:{number}"
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise TranscriptError(f"{where}: not UTF-8 text", line=number) from None
    except (ValueError, RecursionError):
        raise TranscriptError(f"{where}: not JSON; write one object a line", line=number) from None
    if not isinstance(value, dict):
        raise TranscriptError(f'{where}: not an object; write {{"text": "…"}}', line=number)
    try:
        return TranscriptLine.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise TranscriptError(f"{where}: {field}: {first['msg']}", line=number) from None
