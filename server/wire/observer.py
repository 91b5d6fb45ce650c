"""Messages from an observer: a doctor, or whoever else watches a session."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from server.errors import UnexpectedMessageError
from server.wire.base import WireModel
from server.wire.client import ClientMessage, KeepAlive, first_fault, type_of


class PromptSend(WireModel):
    """Ask the patient something now, by the id of a prompt of the session's labels; the words are the dictionary's.

    Needs the scope ``nudge``. Answered by ``prompt.raised`` with ``source: doctor`` to everybody, or an ``error``.
    """

    type: Literal["prompt.send"]
    id: str = Field(min_length=1, max_length=100)


class PromptMute(WireModel):
    """Do not raise this prompt again in this visit. Needs the scope ``nudge``; answered by ``prompt.muted``."""

    type: Literal["prompt.mute"]
    id: str = Field(min_length=1, max_length=100)


ObserverMessage = KeepAlive | PromptSend | PromptMute

OBSERVER_CLIENT_MODELS: tuple[type[WireModel], ...] = get_args(ObserverMessage)
OBSERVER_TYPES = tuple(map(type_of, OBSERVER_CLIENT_MODELS))

_messages: TypeAdapter[Any] = TypeAdapter(
    Annotated[ClientMessage | PromptSend | PromptMute, Field(discriminator="type")]
)


def parse_observer_message(text: str | bytes) -> ObserverMessage:
    """Parse one text message.

    Raises MalformedMessageError as ``parse_client_message`` does, UnexpectedMessageError for what only a patient sends.
    """
    try:
        message = _messages.validate_json(text)
    except ValidationError as error:
        raise first_fault(error, types=OBSERVER_TYPES) from None
    if isinstance(message, ObserverMessage):
        return message
    raise UnexpectedMessageError("An observer sends none of a patient's messages.", param="type")
