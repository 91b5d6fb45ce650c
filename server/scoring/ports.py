"""Scoring as the rest of the server sees it: a port, with the values that cross it.

``server.scoring.service`` implements it on threads of this process; a scorer on other machines can implement it too.
What crosses is data alone (no futures, locks or callables), so that a request can be sent elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from server.errors import ScoringError
from server.judge.labels import LabelSet
from server.judge.sounds import Interference, PatientSound
from server.scoring.metrics import LaneMetrics
from server.values.audio import Capture
from server.values.measures import Measures, Mos
from server.values.scores import EvidenceKind, Opinion
from server.values.windows import Window


class Priority(IntEnum):
    """Live windows go before those of files and of ``pace=fast`` streams."""

    LIVE = 0
    FILE = 1


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One window of one session. ``mos``: the DNSMOS result that counts for this window, if any."""

    window: Window
    labels: LabelSet
    capture: Capture
    mos: Mos | None = None
    mos_shed: bool = False


@dataclass(frozen=True, slots=True)
class ScoreReply:
    """A scorer's opinions. A label that the scorer has nothing to say of is absent, not null.

    ``recent``: the same over the last 4 s (the prompt policy reads these); empty where the scorer cannot tell.
    ``interference``: what could be heard around the patient; whether it disturbs, the judgement decides. ``events``:
    the patient's own coughing and its like.
    """

    opinions: Mapping[str, Opinion]
    recent: Mapping[str, Opinion] = field(default_factory=dict)
    measures: Measures | None = None
    interference: tuple[Interference, ...] = ()
    events: tuple[PatientSound, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """One scorer's word on one window: a reply, or the failure that stands in its place. Times in seconds."""

    kind: EvidenceKind
    reply: ScoreReply | None
    failure: ScoringError | None = None
    queue_s: float = 0.0
    inference_s: float = 0.0


class MosTicket(Protocol):
    """One window that DNSMOS was asked about. Used on the loop that asked."""

    @property
    def begun(self) -> bool:
        """Whether DNSMOS works on it or has answered; until then, waiting means waiting for other windows too."""
        ...

    async def result(self, within_s: float) -> Mos | None:
        """The result, ``None`` where DNSMOS cannot judge the window. May be called again, before and after it is there.

        Raises TimeoutError where it takes longer than ``within_s``: the request goes on, and may be waited for again.
        Raises ScoringError: it failed, its deadline passed, or it was withdrawn. Cancelling the caller withdraws
        nothing.
        """
        ...

    def withdraw(self) -> None:
        """Nobody wants it any more: what has not begun never will. Changes nothing once the result is there."""
        ...


class Scoring(Protocol):
    """All scorers of the server. Used on one loop, between its start and its end."""

    @property
    def scorer_names(self) -> tuple[str, ...]:
        """In the order in which they are asked."""
        ...

    @property
    def has_mos(self) -> bool:
        """Whether DNSMOS is loaded; only then may ``ask_mos`` be called."""
        ...

    @property
    def alive(self) -> bool:
        """False as soon as a scorer cannot answer any more. Whether it does answer only a real score can tell."""
        ...

    def metrics(self) -> tuple[LaneMetrics, ...]:
        """One entry per scorer, and the last for DNSMOS where it is loaded."""
        ...

    async def prepare(self, labels: LabelSet) -> None:
        """What scorers do once per label set. Never raises: a failure shows again with the windows."""
        ...

    async def score(self, request: ScoreRequest, priority: Priority, within_s: float) -> list[Scored]:
        """Ask every scorer at once; one entry each, in the order of ``scorer_names``.

        A failure is an entry, never raised, and so is a scorer that has not answered after ``within_s`` seconds.
        Cancelling the caller withdraws the request.
        """
        ...

    def ask_mos(self, window: Window, priority: Priority, within_s: float) -> MosTicket:
        """Ask DNSMOS about a window, without waiting; the request is dropped if it has not begun after ``within_s``.

        Raises ScoringError for a live window that finds no room. A file finds room later: its ticket waits for it.
        """
        ...
