"""What every message of ``tingqing.v1`` shares."""

from pydantic import BaseModel, ConfigDict

PROTOCOL = "tingqing.v1"
"""The WebSocket subprotocol. Offered by the client, echoed by the server."""

MAX_FRAME_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 1024 * 1024
"""A frame over 64 KiB is answered with an error, then 1009; over 1 MiB the library closes 1009 alone."""


class WireModel(BaseModel):
    """Unknown fields are errors; NaN and Infinity never leave or enter as JSON. Errors, which may be logged, do not
    repeat what a peer sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
