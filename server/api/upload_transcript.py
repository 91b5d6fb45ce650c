"""What was said in an uploaded recording: a second part of its form. In memory alone; no part of it is in a result."""

import asyncio

from starlette.datastructures import FormData, UploadFile

from server.errors import MalformedMessageError
from server.transcript.sources import WrittenTranscript
from server.transcript.uploaded import MAX_BYTES, MAX_CHARACTERS, uploaded_transcript

FIELD = "transcript"

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
    # A larger one would have been written to the disk while it came.
    data = await part.read(MAX_BYTES + 1) if isinstance(part, UploadFile) else part.encode()
    return await asyncio.to_thread(uploaded_transcript, data, FIELD)
