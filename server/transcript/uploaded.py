"""A transcript that comes with an uploaded recording, within limits: a thread of the server searches it."""

from server.errors import PayloadTooLargeError
from server.transcript.files import transcript_of
from server.transcript.sources import WrittenTranscript

MAX_BYTES = 1_000_000
"""With times and names of fields."""

MAX_CHARACTERS = 50_000
"""Of text: three hours of speech without a pause. A thread searches them for seconds, beside live sessions."""


def uploaded_transcript(data: bytes, name: str) -> WrittenTranscript:
    """As ``transcript_of``. Raises TranscriptError, PayloadTooLargeError."""
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    transcript = transcript_of(data, name)
    if sum(len(line.text) for line in transcript.lines) > MAX_CHARACTERS:
        raise _too_large(name)
    return transcript


def _too_large(name: str) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The transcript has more than {MAX_CHARACTERS} characters of text. Send the recording in parts.",
        zh=f"转写文字超过 {MAX_CHARACTERS} 字。请把录音分段发送。",
        param=name,
    )
