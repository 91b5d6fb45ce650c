"""What a doctor who watches asks of the patient: prompts that are sent, and prompts that are muted for the visit."""

from collections.abc import Iterable, Iterator
from typing import Any

from server.access.buckets import Bucket
from server.errors import TooManyPromptsError, UnknownPromptError
from server.judge.labels import LabelSet
from server.live.prompt_board import PromptMessage
from server.rendering import wire
from server.wire.common import TextModel
from server.wire.server import PromptClearedMessage, PromptRaisedMessage, PromptText

SENDS = 3
"""Prompts that doctors may send at once; another every ``SEND_EVERY_S``. More would be noise to a patient."""

SEND_EVERY_S = 10.0
UP_S = 20.0
"""How long a doctor's prompt stays: as long as one of the listener before it may give way."""


def sendable(labels: LabelSet) -> list[PromptText]:
    """The prompts of ``labels``, each id once, in the words of the first label that has it."""
    prompts = {label.prompt.id: label.prompt for label in reversed(labels.labels) if label.prompt is not None}
    return [PromptText(id=one.id, text=wire.text(one.text)) for one in reversed(prompts.values())]


def prompt_of(prompt_id: str, labels: LabelSet) -> tuple[str, TextModel]:
    """The first label that has this prompt, and its words. Raises UnknownPromptError."""
    for label in labels.labels:
        if label.prompt is not None and label.prompt.id == prompt_id:
            return label.id, wire.text(label.prompt.text)
    raise UnknownPromptError("The labels of this session have no such prompt; see 'sendable'.", param="id")


class Nudges:
    """Between the listener's prompts and the patient, who sees one prompt at a time. Times in seconds of one clock.

    While a doctor's prompt is up, those of the listener to the patient are held back; the one that still holds follows.
    Methods return the messages to send, in order.
    """

    def __init__(self, now: float) -> None:
        self._bucket = Bucket(SENDS, 1 / SEND_EVERY_S, now)
        self._up: PromptRaisedMessage | None = None
        self._until = 0.0
        self._held: PromptRaisedMessage | None = None
        self._muted: list[str] = []

    @property
    def muted(self) -> list[str]:
        """Ids, in the order in which they were muted."""
        return list(self._muted)

    # -- the doctor's

    def asked(self, prompt_id: str, labels: LabelSet, now: float) -> PromptRaisedMessage:
        """The prompt to ``send``. Raises UnknownPromptError, TooManyPromptsError."""
        label_id, text = prompt_of(prompt_id, labels)
        if (wait_s := self._bucket.wait_s(now)) > 0:
            raise TooManyPromptsError(
                "The patient is asked too much; wait a little.", param="id", retry_after_s=round(wait_s, 1)
            )
        self._bucket.take(now)
        return PromptRaisedMessage(id=prompt_id, label=label_id, text=text, source="doctor")

    def send(
        self, raised: PromptRaisedMessage, shown: Iterable[PromptRaisedMessage], now: float
    ) -> list[PromptMessage]:
        """Show ``raised`` in place of what the patient sees: of ``shown``, all prompts that are up."""
        former = [one for one in shown if one.audience == "patient"]
        self._held = next((one for one in former if one.source == "listener"), self._held)
        self._up, self._until = raised, now + UP_S
        return [*map(_cleared, former), raised]

    def mute(self, prompt_id: str) -> bool:
        """Whether it was not muted before. The listener's policy is told by the caller."""
        new = prompt_id not in self._muted
        if new:
            self._muted.append(prompt_id)
        return new

    def stop(self, prompt_id: str) -> list[PromptMessage]:
        """Nobody wants to see this prompt any more."""
        return self._end() if self._up is not None and self._up.id == prompt_id else []

    # -- time

    def over(self, now: float) -> list[PromptMessage]:
        """Call with each window: a doctor's prompt ends after ``UP_S``."""
        return self._end() if self._up is not None and now >= self._until else []

    def seen_again(self, now: float) -> None:
        """The patient is back, and sees what is up from now on."""
        self._until = now + UP_S

    # -- the listener's

    def passing(self, message: PromptMessage) -> Iterator[PromptMessage]:
        """What is shown of a prompt of the listener."""
        if self._up is None or message.audience == "doctor":
            yield message
        elif isinstance(message, PromptRaisedMessage):
            self._held = message
        elif self._held is not None and self._held.id == message.id:
            self._held = None

    def drop_held(self) -> None:
        """The listener has taken back what it asked."""
        self._held = None

    def _end(self) -> list[PromptMessage]:
        assert self._up is not None, "it was up"
        over, held = _cleared(self._up), self._held
        self._up = self._held = None
        return [over] if held is None else [over, held]

    # -- for a resume elsewhere

    def snapshot(self, now: float) -> dict[str, Any]:
        """JSON-able; for ``restore``."""
        return {
            "up": None if self._up is None else self._up.model_dump(),
            "held": None if self._held is None else self._held.model_dump(),
            "left_s": self._until - now,
            "muted": self.muted,
        }

    def restore(self, state: dict[str, Any], now: float) -> None:
        """Raises KeyError, TypeError or ValueError for anything but a ``snapshot``."""
        self._up = None if state["up"] is None else PromptRaisedMessage.model_validate(state["up"])
        self._held = None if state["held"] is None else PromptRaisedMessage.model_validate(state["held"])
        self._until = now + float(state["left_s"])
        self._muted = [str(one) for one in state["muted"]]


def _cleared(raised: PromptRaisedMessage) -> PromptClearedMessage:
    return PromptClearedMessage(
        id=raised.id, label=raised.label, text=raised.text, audience=raised.audience, source=raised.source
    )
