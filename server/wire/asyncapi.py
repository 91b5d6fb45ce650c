"""The AsyncAPI 3.0 document of the sockets, generated from the same models."""

import inspect
from typing import Any

from pydantic import BaseModel

from server.wire.base import MAX_FRAME_BYTES, PROTOCOL
from server.wire.call import CALL_CLIENT_MODELS, CALL_SERVER_MODELS
from server.wire.messages import ALL_CLIENT_MODELS, CLIENT_MODELS, OBSERVER_CLIENT_MODELS, SERVER_MODELS, type_of
from server.wire.server import (
    ErrorMessage,
    Heartbeat,
    LabelsUpdated,
    LevelMessage,
    PromptClearedMessage,
    PromptRaisedMessage,
    QualityUpdate,
    SessionEnded,
    SessionStateMessage,
    Snapshot,
    SpeechStartedMessage,
    SpeechStoppedMessage,
    WarningMessage,
)
from server.wire.transcriber import TRANSCRIBER_MODELS
from server.wire.transcript import SaidMessage
from server.wire.watching import PromptDeclinedMessage, PromptMutedMessage

AUDIO = "audio"

OBSERVER_MODELS: tuple[type[BaseModel], ...] = (
    Snapshot,
    QualityUpdate,
    LevelMessage,
    SpeechStartedMessage,
    SpeechStoppedMessage,
    PromptRaisedMessage,
    PromptClearedMessage,
    PromptMutedMessage,
    PromptDeclinedMessage,
    WarningMessage,
    SessionStateMessage,
    Heartbeat,
    SaidMessage,
    LabelsUpdated,
    SessionEnded,
    ErrorMessage,
)
"""What a doctor's socket receives."""


def document(schemas: dict[str, Any]) -> dict[str, Any]:
    """``schemas``: every model by name; they refer to each other under ``#/components/schemas/``."""
    others_only = (Snapshot, PromptMutedMessage, PromptDeclinedMessage, SaidMessage, *CALL_SERVER_MODELS)
    to_patient = tuple(model for model in SERVER_MODELS if model not in others_only)
    to_caller: tuple[type[BaseModel], ...] = (*CALL_SERVER_MODELS, Heartbeat, ErrorMessage)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tingqing",
            "version": PROTOCOL,
            "description": "Tells, while a patient speaks, whether a doctor will be able to use the recording. "
            "It judges recordings, not patients. It does not diagnose. docs/protocol.md describes the protocol.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8000", "protocol": "ws"}},
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "description": f"A patient's socket. Subprotocol {PROTOCOL}.",
                "messages": _references((*CLIENT_MODELS, *to_patient)) | {AUDIO: _reference(AUDIO)},
            },
            "observe": {
                "address": "/v1/sessions/{session_id}/observe",
                "description": f"A doctor's socket: a snapshot, then the latest updates. Subprotocol {PROTOCOL}.",
                "parameters": {"session_id": {"description": "From session.started; 128 random bits."}},
                "messages": _references((*OBSERVER_CLIENT_MODELS, *OBSERVER_MODELS)),
            },
            "transcribe": {
                "address": "/v1/sessions/{session_id}/transcribe",
                "description": f"For what was said; closes with the session. Subprotocol {PROTOCOL}.",
                "parameters": {"session_id": {"description": "From session.started; 128 random bits."}},
                "messages": _references((*TRANSCRIBER_MODELS, ErrorMessage)),
            },
            "call": {
                "address": "/v1/sessions/{session_id}/call",
                "description": f"Brings the browsers of patient and doctor together. Subprotocol {PROTOCOL}.",
                "parameters": {"session_id": {"description": "Of POST /v1/sessions; 128 random bits."}},
                "messages": _references((*CALL_CLIENT_MODELS, *to_caller)),
            },
        },
        "operations": {
            "sendAudioAndControl": _operation("receive", "stream", (*map(type_of, CLIENT_MODELS), AUDIO)),
            "pushScores": _operation("send", "stream", tuple(map(type_of, to_patient))),
            "keepObserving": _operation("receive", "observe", tuple(map(type_of, OBSERVER_CLIENT_MODELS))),
            "handOverWhatWasSaid": _operation("receive", "transcribe", tuple(map(type_of, TRANSCRIBER_MODELS))),
            "refuseWhatWasSaid": _operation("send", "transcribe", (type_of(ErrorMessage),)),
            "joinAndSignal": _operation("receive", "call", tuple(map(type_of, CALL_CLIENT_MODELS))),
            "passOnSignals": _operation("send", "call", tuple(map(type_of, to_caller))),
            "pushToObservers": _operation("send", "observe", tuple(map(type_of, OBSERVER_MODELS))),
        },
        "components": {
            "messages": {type_of(model): _message(model) for model in (*ALL_CLIENT_MODELS, *SERVER_MODELS)}
            | {AUDIO: _audio()},
            "schemas": schemas,
        },
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{name}"}


def _references(models: tuple[type[BaseModel], ...]) -> dict[str, dict[str, str]]:
    return {type_of(model): _reference(type_of(model)) for model in models}


def _operation(action: str, channel: str, names: tuple[str, ...]) -> dict[str, Any]:
    """``action`` is from the server's side, as AsyncAPI 3 defines it."""
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _message(model: type[BaseModel]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": type_of(model),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }
    if model.__doc__:
        message["summary"] = inspect.cleandoc(model.__doc__)
    return message


def _audio() -> dict[str, Any]:
    return {
        "name": AUDIO,
        "summary": f"A binary message: mono PCM as declared in session.start, 20–100 ms, {MAX_FRAME_BYTES} bytes "
        "at most.",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }
