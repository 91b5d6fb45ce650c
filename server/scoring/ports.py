"""The port through which the rest of the server reaches the scorers, with the values that cross it.

``server.scoring.service`` implements it on threads of this process; scorers on other machines can implement it too.
Only data crosses it (no futures, locks or callables), so that a request can be sent elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from server.errors import ScoringError
from server.judge.labels import LabelSet
from server.judge.sounds import Interference, PatientSound
from server.scoring.denoising import UNKNOWN_LEVELS, Denoised, DenoiseRequest
from server.scoring.metrics import LaneMetrics
from server.scoring.talking import NOBODY_ASKED, Talk, TalkRequest
from server.values.audio import Capture, Float32Array
from server.values.measures import Measures, Mos
from server.values.scores import Opinion, ScorerKind
from server.values.windows import Window


class Priority(IntEnum):
    """Live windows go before windows of files and of ``pace=fast`` streams."""

    LIVE = 0
    FILE = 1


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One window of one session. ``mos``: the DNSMOS result that counts for this window, if any. ``denoised``: levels
    of voice and noise by a denoiser, as ``Denoised.levels``, from the window's start; shorter or empty where unknown.
    ``together``: float32 ``(rows,)``, 1 where two talkers speak at once, 0 where not, -1 where nobody was asked; empty
    without the talker models.
    """

    window: Window
    labels: LabelSet
    capture: Capture
    mos: Mos | None = None
    mos_shed: bool = False
    denoised: Float32Array = field(default_factory=lambda: UNKNOWN_LEVELS, repr=False)
    together: Float32Array = field(default_factory=lambda: NOBODY_ASKED, repr=False)


@dataclass(frozen=True, slots=True)
class ScoreReply:
    """A scorer's opinions. A label on which the scorer has no opinion is absent, not null.

    ``recent``: the same over the last 4 s, for the prompt policy; empty if the scorer cannot tell. ``interference``:
    sounds around the patient; the judgement decides whether they disturb. ``events``: the patient's own sounds, such as
    coughing.
    """

    opinions: Mapping[str, Opinion]
    recent: Mapping[str, Opinion] = field(default_factory=dict)
    measures: Measures | None = None
    interference: tuple[Interference, ...] = ()
    events: tuple[PatientSound, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """One scorer's answer on one window: a reply or a failure. Times in seconds."""

    kind: ScorerKind
    reply: ScoreReply | None
    failure: ScoringError | None = None
    queue_s: float = 0.0
    inference_s: float = 0.0


class MosTicket(Protocol):
    """One window for which DNSMOS was requested. Used on the loop that requested it."""

    @property
    def begun(self) -> bool:
        """Whether DNSMOS has started or finished it; before that, waiting means waiting for other windows too."""
        ...

    async def result(self, within_s: float) -> Mos | None:
        """The result, ``None`` if DNSMOS cannot judge the window. May be called repeatedly.

        Raises TimeoutError after ``within_s``: the request continues and can be waited for again. Raises ScoringError
        if it failed, its deadline passed, or it was withdrawn. Cancelling the caller does not withdraw the request.
        """
        ...

    def withdraw(self) -> None:
        """Withdraw the request: it is dropped if it has not started. No effect once the result is there."""
        ...


class Scoring(Protocol):
    """All scorers of the server. Used on one loop, between its start and its end."""

    @property
    def scorer_names(self) -> tuple[str, ...]:
        """In the order in which they are called."""
        ...

    @property
    def has_mos(self) -> bool:
        """Whether DNSMOS is loaded; only then may ``ask_mos`` be called."""
        ...

    @property
    def has_denoiser(self) -> bool:
        """Whether a denoiser is loaded; only then may ``denoise`` be called."""
        ...

    @property
    def has_talkers(self) -> bool:
        """Whether talkers are told apart; only then may ``talk`` be called."""
        ...

    @property
    def alive(self) -> bool:
        """False as soon as a scorer cannot answer any more. Only a real score shows whether it does answer."""
        ...

    @property
    def judging(self) -> bool:
        """False while no scorer at all can answer: a new session would have no scores. DNSMOS and other parts that
        help scorers do not count."""
        ...

    def metrics(self) -> tuple[LaneMetrics, ...]:
        """One entry per scorer, then one each for DNSMOS, the denoiser and the talker models where they are loaded."""
        ...

    async def prepare(self, labels: LabelSet) -> None:
        """Do the work needed once per label set. Never raises: a failure shows when a window is scored."""
        ...

    async def score(self, request: ScoreRequest, priority: Priority, within_s: float) -> list[Scored]:
        """Ask every scorer at once; one entry each, in the order of ``scorer_names``.

        A failure is an entry, never raised, and so is a scorer that has not answered after ``within_s`` seconds.
        Cancelling the caller withdraws the request.
        """
        ...

    def ask_mos(self, window: Window, priority: Priority, within_s: float) -> MosTicket:
        """Request DNSMOS for a window, without waiting; dropped if it has not started after ``within_s``.

        Raises ScoringError if a live window finds no room. A file finds room later: its ticket waits for it.
        """
        ...

    async def denoise(self, request: DenoiseRequest, priority: Priority, within_s: float) -> Denoised:
        """Part voice and noise in some seconds of a session. Cancelling the caller withdraws the request.

        Raises ScoringError if it finds no room, fails, or has no answer after ``within_s`` seconds.
        """
        ...

    async def talk(self, request: TalkRequest, priority: Priority, within_s: float) -> Talk:
        """Tell who speaks in some seconds of a session. Cancelling the caller withdraws the request.

        Raises ScoringError if it finds no room, fails, or has no answer after ``within_s`` seconds.
        """
        ...
