"""The prompts of one session: what the listener and the doctors ask, who is told, and how it stands."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from server.judge.judgement import PromptEvent
from server.judge.labels import LabelSet
from server.live.clock import Clock
from server.live.course import Course
from server.live.nudges import Nudges, sendable
from server.live.outbox import Audience
from server.live.prompt_board import PromptBoard, PromptMessage
from server.rendering import wire
from server.wire.server import PromptClearedMessage, PromptRaisedMessage, QualityUpdate
from server.wire.watching import PromptDeclinedMessage, PromptMutedMessage


class Tell(Protocol):
    """Sends a message to the patient's socket, the observers, or both."""

    def __call__(self, message: BaseModel, *, to: Audience = "everyone") -> None:
        """See ``Session.tell``."""
        ...


class Prompting:
    """One per session, whatever sockets it has. ``tell``: the session's."""

    def __init__(self, tell: Tell, clock: Clock, counted: Callable[[str, Literal["patient", "doctor"]], None]) -> None:
        """``counted``: told the id and the audience of each prompt that is shown."""
        self._counted = counted
        self._tell = tell
        self._clock = clock
        self._board = PromptBoard()
        self._nudges = Nudges(clock.now())
        self._declined: list[str] = []
        self.course = Course()

    @property
    def up(self) -> list[PromptRaisedMessage]:
        """In the order in which they were raised."""
        return self._board.up

    @property
    def muted(self) -> list[str]:
        """Ids of the prompts that a doctor muted."""
        return self._nudges.muted

    @property
    def declined(self) -> list[str]:
        """Ids of the prompts to which the patient said "not now"."""
        return list(self._declined)

    # -- the listener's

    def listener(self, events: Iterable[PromptEvent]) -> None:
        """Those for the doctor are not sent to the patient; those for the patient wait while a doctor asks."""
        for event in events:
            self._show(*self._nudges.passing(wire.prompt_event(event)))

    def take_back(self) -> None:
        """The listener asked for nothing that it could know."""
        self._nudges.drop_held()
        for up in self.up:
            if up.source == "listener":
                self._show(PromptClearedMessage(id=up.id, label=up.label, text=up.text, audience=up.audience))

    def window_judged(self, update: QualityUpdate, prompts: Iterable[PromptEvent], labels: LabelSet) -> None:
        """``prompts``: of this window, already shown. A doctor's prompt may have been up for long enough."""
        self.course.judged(update, prompts, labels)
        self._show(*self._nudges.over(self._clock.now()))

    # -- the doctor's

    def asked(self, prompt_id: str, labels: LabelSet) -> PromptRaisedMessage:
        """The prompt to ``send``. Raises UnknownPromptError, TooManyPromptsError."""
        return self._nudges.asked(prompt_id, labels, self._clock.now())

    def send(self, raised: PromptRaisedMessage) -> None:
        """Ask the patient now."""
        self._show(*self._nudges.send(raised, self.up, self._clock.now()))

    def mute(self, prompt_id: str) -> None:
        """Tell the other observers that this prompt is muted. Raising it no more is the judge's."""
        if self._nudges.mute(prompt_id):
            self._tell(PromptMutedMessage(ids=self.muted), to="observers")

    # -- the patient's

    def stop(self, prompt_id: str) -> None:
        """ "Not now", or muted: a doctor's prompt of this id is taken down."""
        self._show(*self._nudges.stop(prompt_id))

    def decline(self, prompt_id: str, labels: LabelSet) -> None:
        """ "Not now": the observers see it as such. An id that no label has is nobody's answer."""
        if prompt_id in self._declined or all(prompt_id != one.id for one in sendable(labels)):
            return
        self._declined.append(prompt_id)
        self._tell(PromptDeclinedMessage(ids=self.declined), to="observers")

    def recall(self) -> None:
        """After a resume, for missed messages: the state of each prompt, the one that is up last."""
        self._nudges.seen_again(self._clock.now())
        for message in self._board.as_it_stands():
            self._tell(message, to="patient")

    def _show(self, *messages: PromptMessage) -> None:
        for message in messages:
            if isinstance(message, PromptRaisedMessage):
                self._counted(message.id, message.audience)
            self._board.show(message)
            self._tell(message, to="observers" if message.audience == "doctor" else "everyone")

    # -- for a resume elsewhere

    def snapshot(self) -> dict[str, Any]:
        """JSON-able; for ``restore``."""
        nudges = self._nudges.snapshot(self._clock.now())
        states = {"board": self._board.snapshot(), "nudges": nudges, "declined": self.declined}
        return states | {"course": self.course.snapshot()}

    def restore(self, state: dict[str, Any], saved_at: float) -> None:
        """Raises KeyError, TypeError or ValueError for anything but a ``snapshot``, made at ``saved_at``."""
        self._board.restore(state["board"])
        self._nudges.restore(state["nudges"], saved_at)
        self._declined = [str(one) for one in state.get("declined", ())]  # not in those of an older version
        if "course" in state:  # nor this
            self.course.restore(state["course"])
