"""The models of each side's messages, in the order of the documentation."""

from pydantic import BaseModel

from server.wire import client, server

CLIENT_MODELS: tuple[type[BaseModel], ...] = (
    client.SessionStart,
    client.AudioPause,
    client.AudioResume,
    client.AudioGap,
    client.LabelsUpdate,
    client.PromptSnooze,
    client.KeepAlive,
    client.SessionEnd,
)

SERVER_MODELS: tuple[type[BaseModel], ...] = (
    server.SessionStarted,
    server.AudioAck,
    server.LevelMessage,
    server.QualityUpdate,
    server.SpeechStartedMessage,
    server.SpeechStoppedMessage,
    server.PromptRaisedMessage,
    server.PromptClearedMessage,
    server.WarningMessage,
    server.Heartbeat,
    server.GoAway,
    server.SessionEnded,
    server.ErrorMessage,
    server.LabelsUpdated,
    server.SessionStateMessage,
    server.Snapshot,
)


def type_of(model: type[BaseModel]) -> str:
    """The value of the message's ``type`` field."""
    (value,) = model.model_fields["type"].annotation.__args__  # type: ignore[union-attr]  # always Literal["…"]
    return str(value)
