"""Which prompts are up and which were cleared, for a patient who comes back."""

from collections.abc import Iterator
from typing import Any

from server.wire.server import PromptClearedMessage, PromptRaisedMessage

PromptMessage = PromptRaisedMessage | PromptClearedMessage


class PromptBoard:
    """Told of every prompt event in order. A prompt for the doctor is up too, but is not the patient's."""

    def __init__(self) -> None:
        self._up: dict[str, PromptRaisedMessage] = {}
        self._taken_back: dict[str, PromptClearedMessage] = {}

    @property
    def up(self) -> list[PromptRaisedMessage]:
        """In the order in which they were raised."""
        return list(self._up.values())

    def show(self, message: PromptMessage) -> None:
        """Take note of a prompt that was raised or cleared."""
        if isinstance(message, PromptRaisedMessage):
            self._up[message.id] = message
        else:
            self._up.pop(message.id, None)
            if message.audience == "patient":
                self._taken_back[message.id] = message

    def as_it_stands(self) -> Iterator[PromptMessage]:
        """For a patient who may have missed messages: the cleared prompts, then the one that is up."""
        up = [prompt for prompt in self._up.values() if prompt.audience == "patient"]
        yield from (cleared for cleared in self._taken_back.values() if all(cleared.id != one.id for one in up))
        yield from up

    def snapshot(self) -> list[dict[str, Any]]:
        """JSON-able; for ``restore``."""
        return [message.model_dump() for message in (*self._taken_back.values(), *self._up.values())]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Raises ValueError for anything but a ``snapshot``."""
        for message in state:
            raised = message.get("type") == "prompt.raised"
            model = PromptRaisedMessage if raised else PromptClearedMessage
            self.show(model.model_validate(message))
