"""The models of each side's messages, in the order of the documentation."""

from typing import get_args

from pydantic import BaseModel

from server.wire.call import CALL_CLIENT_MODELS, CALL_SERVER_MODELS
from server.wire.client import CLIENT_MODELS, type_of
from server.wire.observer import OBSERVER_CLIENT_MODELS
from server.wire.server import ServerMessage

__all__ = ["ALL_CLIENT_MODELS", "CLIENT_MODELS", "OBSERVER_CLIENT_MODELS", "SERVER_MODELS", "type_of"]

SERVER_MODELS: tuple[type[BaseModel], ...] = (*get_args(get_args(ServerMessage)[0]), *CALL_SERVER_MODELS)

ALL_CLIENT_MODELS = tuple(dict.fromkeys((*CLIENT_MODELS, *OBSERVER_CLIENT_MODELS, *CALL_CLIENT_MODELS)))
"""Of patients, observers and both sides of a call, each once."""
