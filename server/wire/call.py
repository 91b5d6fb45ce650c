"""What the two sides of a call tell each other through the server, until their browsers speak with each other alone."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from server.wire.base import WireModel
from server.wire.client import KeepAlive, first_fault, type_of

CallRole = Literal["patient", "doctor"]

MAX_SEAT = 2048


class CallJoin(WireModel):
    """The first message. ``seat``: of ``call.joined``, for a patient who comes back: their link works once."""

    type: Literal["call.join"]
    seat: str | None = Field(default=None, max_length=MAX_SEAT)


class CallSignal(WireModel):
    """To the other side, as it is: a description or an ICE candidate of the browser (RFC 8829). One of another
    ``meeting`` is dropped: it is for a side that has gone."""

    type: Literal["call.signal"]
    meeting: int = Field(ge=0)
    signal: dict[str, Any]


class CallLeave(WireModel):
    """This side hangs up. A socket that closes without it may come back."""

    type: Literal["call.leave"]


class IceServer(WireModel):
    """As ``RTCPeerConnection`` takes it."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class CallJoined(WireModel):
    """``role``: by the token. ``meeting``: of the other side if it is ``present``. ``seat``: secret, to come back with;
    empty for a doctor, whose link works again."""

    type: Literal["call.joined"] = "call.joined"
    role: CallRole
    seat: str
    present: bool
    meeting: int
    ice_servers: list[IceServer]


class CallPeer(WireModel):
    """The other side came (``present``), hung up (``left``) or lost its line. Each time it comes is another
    ``meeting``, in which both begin anew."""

    type: Literal["call.peer"] = "call.peer"
    present: bool
    meeting: int
    left: bool = False


CallMessage = CallJoin | CallSignal | CallLeave | KeepAlive

CALL_CLIENT_MODELS: tuple[type[WireModel], ...] = get_args(CallMessage)
CALL_SERVER_MODELS: tuple[type[WireModel], ...] = (CallJoined, CallPeer, CallSignal)
_TYPES = tuple(map(type_of, CALL_CLIENT_MODELS))
_messages: TypeAdapter[Any] = TypeAdapter(Annotated[CallMessage, Field(discriminator="type")])


def parse_call_message(text: str | bytes) -> CallMessage:
    """Parse one text message. Raises MalformedMessageError as ``parse_client_message`` does."""
    try:
        message: CallMessage = _messages.validate_json(text)
    except ValidationError as error:
        raise first_fault(error, types=_TYPES) from None
    return message
