"""What was said in an uploaded recording: a second part of its form. In memory alone; no part of it is in a result."""

import asyncio

from starlette.datastructures import FormData, UploadFile

from server.errors import MalformedMessageError, PayloadTooLargeError
from server.transcript.files import transcript_of
from server.transcript.sources import WrittenTranscript

FIELD = "transcript"
MAX_BYTES = 1_000_000
"""Of the part, with times and names of fields. A larger one would be written to the disk while it comes."""

MAX_CHARACTERS = 50_000
"""Of text: three hours of speech without a pause. A thread searches them for seconds, beside live sessions."""

PROPERTY = {
    "type": "string",
    "format": "binary",
    "description": "What was said: JSON lines of text, start_s, end_s, speaker (patient, doctor, other), as a file or "
    f"as text; at most {MAX_CHARACTERS} characters of text. Content labels then have a state. Kept nowhere.",
}


async def said_in(form: FormData) -> WrittenTranscript | None:
    """``None`` where none was sent. Raises TranscriptError, MalformedMessageError, PayloadTooLargeError."""
    parts = form.getlist(FIELD)
    if len(parts) > 1:
        raise MalformedMessageError("There is more than one transcript. Send one.", param=FIELD)
    if not parts:
        return None
    (part,) = parts
    data = await part.read(MAX_BYTES + 1) if isinstance(part, UploadFile) else part.encode()
    if len(data) > MAX_BYTES:
        raise _too_large()
    transcript = await asyncio.to_thread(transcript_of, data, FIELD)
    if sum(len(line.text) for line in transcript.lines) > MAX_CHARACTERS:
        raise _too_large()
    return transcript


def _too_large() -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The transcript has more than {MAX_CHARACTERS} characters of text. Send the recording in parts.",
        zh=f"转写文字超过 {MAX_CHARACTERS} 字。请把录音分段发送。",
        param=FIELD,
    )
