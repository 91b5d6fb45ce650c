"""The common base of all messages of ``tingqing.v1``."""

from pydantic import BaseModel, ConfigDict

PROTOCOL = "tingqing.v1"
"""The WebSocket subprotocol. Offered by the client, echoed by the server."""

MAX_FRAME_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 1024 * 1024
"""A frame over 64 KiB gets an error, then close code 1009; over 1 MiB the library closes with 1009 and no error."""


class WireModel(BaseModel):
    """Unknown fields are errors; JSON never holds NaN or Infinity. Errors may be logged, so they do not repeat what a
    peer sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
