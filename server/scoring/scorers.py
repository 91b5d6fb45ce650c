"""What a model implements to be a scorer: a pure function of windows, called on one dedicated thread."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from server.judge.labels import LabelSet
from server.scoring.denoising import Denoised, DenoiseRequest
from server.scoring.ports import ScoreReply, ScoreRequest
from server.scoring.talking import Talk, TalkRequest
from server.values.measures import Mos
from server.values.scores import ScorerKind
from server.values.windows import Window


class Scorer(Protocol):
    """Stateless and thread-confined: ``score`` blocks, runs on the scorer's own thread, and must not keep windows.

    Replies come in the order of the requests, one each. An exception answers every waiter with ScoringError.
    """

    name: str
    kind: ScorerKind

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[ScoreReply]:
        """One reply per request, in their order; raises if the batch could not be scored."""
        ...


@runtime_checkable
class PreparedScorer(Protocol):
    """A scorer with work to do once per label set, such as embedding texts.

    ``prepare`` does a part of that work, in under half a second, and returns True while more is left, so that label
    sets of several sessions take turns. It blocks on any thread but the scorer's own, and may run beside ``score``.
    Windows are sent once it has returned False. Labels that were not prepared are still scored, only later.
    """

    def prepare(self, labels: LabelSet) -> bool:
        """Do a part of the work that the labels need before their first score; True if more is left."""
        ...


@runtime_checkable
class ParallelScorer(Protocol):
    """A scorer that works on ``side_by_side`` requests of one call in parallel: they take no longer than one."""

    @property
    def side_by_side(self) -> int:
        """How many windows take no longer than one."""
        ...


class MosModel(Protocol):
    """DNSMOS. Blocks for about 0.2 s per window; runs on its own low-priority thread. ``None``: cannot be judged."""

    def score(self, window: Window) -> Mos | None:
        """``None`` if a rating would mislead: no speech, or broken speech."""
        ...


class Denoiser(Protocol):
    """Parts voice and noise, second by second. Stateless: what it remembers crosses in request and answer."""

    def denoise(self, request: DenoiseRequest) -> Denoised:
        """Levels of voice and noise in each tenth of the seconds asked for. Blocks; runs on its own thread."""
        ...


class TalkerModel(Protocol):
    """Tells who speaks when, and what each voice is known by. Stateless."""

    def talk(self, request: TalkRequest) -> Talk:
        """Who speaks in the new rows. Blocks for some 0.1 s; runs on its own low-priority thread."""
        ...
