"""Messages from a service that hands over what was said."""

from typing import get_args

from server.errors import UnexpectedMessageError
from server.wire.base import WireModel
from server.wire.client import KeepAlive, parse_client_message, type_of
from server.wire.transcript import Transcript

TranscriberMessage = Transcript | KeepAlive

TRANSCRIBER_MODELS: tuple[type[WireModel], ...] = get_args(TranscriberMessage)
_TYPES = tuple(map(type_of, TRANSCRIBER_MODELS))


def parse_transcriber_message(text: str | bytes) -> TranscriberMessage:
    """Parse one text message. Raises as ``parse_client_message``, and UnexpectedMessageError for what only a patient
    sends."""
    message = parse_client_message(text)
    if isinstance(message, TranscriberMessage):
        return message
    raise UnexpectedMessageError(f"This socket takes {' and '.join(_TYPES)} alone.", param="type")
