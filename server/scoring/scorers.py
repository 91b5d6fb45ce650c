"""The Scorer protocol: a pure function of windows, called on one dedicated thread through the batcher."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from server.judge.labels import LabelSet
from server.judge.sounds import Interference, PatientSound
from server.values.audio import Capture
from server.values.measures import Measures, Mos
from server.values.scores import EvidenceKind, Opinion
from server.values.windows import Window


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


class Scorer(Protocol):
    """Stateless and thread-confined: ``score`` blocks, runs on the scorer's own thread, and must not keep windows.

    Replies come in the order of the requests, one each. An exception answers every waiter with ScoringError.
    """

    name: str
    kind: EvidenceKind

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[ScoreReply]: ...


@runtime_checkable
class PreparedScorer(Protocol):
    """A scorer with work to do once per label set, such as embedding texts.

    ``prepare`` does a part of it, of under half a second, and returns True while there is more: label sets of several
    sessions take turns. It blocks, on any thread but the scorer's own, and may run beside ``score``; a window is sent
    once it has returned False. A scorer whose labels were not prepared still scores them, only later.
    """

    def prepare(self, labels: LabelSet) -> bool: ...


@runtime_checkable
class ParallelScorer(Protocol):
    """A scorer that works on ``side_by_side`` requests of one call at the same time: they take no longer than one."""

    @property
    def side_by_side(self) -> int: ...


class MosModel(Protocol):
    """DNSMOS. Blocks for about 0.2 s a window; runs on its own low-priority thread. ``None``: cannot be judged."""

    def score(self, window: Window) -> Mos | None: ...
