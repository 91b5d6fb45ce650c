"""What is left out of live windows while there is too much work: one thing after another, the cheapest loss first."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

from server.errors import ShedError
from server.judge.labels import LabelSet
from server.scoring.denoising import Denoised, DenoiseRequest
from server.scoring.metrics import LaneMetrics
from server.scoring.ports import MosTicket, Priority, Scored, ScoreRequest, Scoring
from server.scoring.talking import Talk, TalkRequest
from server.values.scores import NAMES, ScorerKind
from server.values.windows import Window


class Part(StrEnum):
    """In the order in which they are left out: DNSMOS supports what is measured anyway; the namer says what a noise is;
    the talker models tell whose voice it is; the denoiser hears noise under the words; CLAP names noises and judges
    labels that nothing else can."""

    MOS = "mos"
    NAMES = NAMES
    VOICES = "voices"
    DENOISER = "denoiser"
    CLAP = "clap"


KINDS: Mapping[Part, ScorerKind] = {Part.CLAP: "clap", Part.NAMES: NAMES}
"""Of the parts that score windows."""


class Shedding:
    """Which parts are left out now, of live windows alone; files and ``fast`` streams have them all.

    ``lanes``: those of the parts, as far as they are known. ``counts``: live windows judged without a part that was
    due, because it was left out, late or failed.
    """

    def __init__(self, parts: tuple[Part, ...] = ()) -> None:
        """``parts``: those that are loaded, if they are known yet."""
        self._out: list[Part] = []
        self.lanes: Callable[[], Mapping[Part, LaneMetrics]] = dict
        self.counts: Counter[Part] = Counter()
        self.load(parts)

    def load(self, parts: tuple[Part, ...]) -> None:
        """These are loaded, and can be left out."""
        self._parts = tuple(part for part in Part if part in parts)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those that are loaded, in order."""
        return self._parts

    @property
    def left_out(self) -> tuple[Part, ...]:
        """In the order in which they were left out."""
        return tuple(self._out)

    @property
    def kept(self) -> tuple[Part, ...]:
        """Those that are not left out, in order."""
        return tuple(part for part in self._parts if part not in self._out)

    def dearer(self, than: Part) -> tuple[Part, ...]:
        """Of those that are kept, the ones of a costlier loss, in order."""
        return tuple(part for part in self.kept if self._parts.index(part) > self._parts.index(than))

    @property
    def out_of_order(self) -> tuple[Part, ...]:
        """Those that are left out although one of a cheaper loss is kept."""
        return tuple(part for part in self._out if len(self.dearer(part)) < len(self.kept))

    def more(self, among: Collection[str] = ()) -> Part | None:
        """Leave out one part more: the first of those ``among``, or else of all. It, or ``None`` if nothing is
        left to leave out."""
        left = self.kept
        part = next((part for part in left if part in among), next(iter(left), None))
        if part is not None:
            self._out.append(part)
        return part

    def less(self, fits: Callable[[Part], bool] = lambda _: True) -> bool:
        """Take one part in again, the one of the costliest loss that ``fits``; False if there is none."""
        part = next((part for part in reversed(self._parts) if part in self._out and fits(part)), None)
        if part is None:
            return False
        self._out.remove(part)
        return True

    def sheds(self, part: Part, priority: Priority) -> bool:
        """Whether a window goes without ``part``."""
        return priority is Priority.LIVE and part in self._out

    def judged(self, without: Collection[str]) -> None:
        """A live window was judged; ``without``: as of ``Assessed``."""
        self.counts.update(part for part in self._parts if part in without)


class SheddingScoring:
    """``Scoring`` that leaves out what ``shedding`` says. ``base`` always scores; ``clap``, ``names`` may be left out.

    A part that is left out counts as failed with ShedError: its labels are null, ``why: shed``, where nothing else
    scores them.
    """

    def __init__(self, base: Scoring, clap: Scoring | None, shedding: Shedding, names: Scoring | None = None) -> None:
        self._base = base
        beside = {Part.CLAP: clap, Part.NAMES: names}
        self._beside = {part: one for part, one in beside.items() if one is not None}
        self._shedding = shedding
        shedding.lanes = self._lanes

    def _lanes(self) -> dict[Part, LaneMetrics]:
        names = {"mos": Part.MOS, "voices": Part.VOICES, "denoise": Part.DENOISER}
        lanes = {names[lane.name]: lane for lane in self._base.metrics() if lane.name in names}
        for part, one in self._beside.items():
            lanes.update((part, lane) for lane in one.metrics())
        return lanes

    @property
    def scorer_names(self) -> tuple[str, ...]:
        """See ``Scoring``."""
        return self._base.scorer_names + tuple(name for one in self._beside.values() for name in one.scorer_names)

    @property
    def has_mos(self) -> bool:
        """See ``Scoring``."""
        return self._base.has_mos

    @property
    def has_denoiser(self) -> bool:
        """See ``Scoring``."""
        return self._base.has_denoiser

    @property
    def has_talkers(self) -> bool:
        """See ``Scoring``."""
        return self._base.has_talkers

    @property
    def alive(self) -> bool:
        """See ``Scoring``."""
        return self._base.alive and all(one.alive for one in self._beside.values())

    @property
    def judging(self) -> bool:
        """See ``Scoring``."""
        clap = self._beside.get(Part.CLAP)
        return self._base.judging or (clap is not None and clap.judging)

    def metrics(self) -> tuple[LaneMetrics, ...]:
        """See ``Scoring``."""
        base, scorers = self._base.metrics(), len(self._base.scorer_names)
        beside = (lane for one in self._beside.values() for lane in one.metrics())
        return (*base[:scorers], *beside, *base[scorers:])

    async def prepare(self, labels: LabelSet) -> None:
        """See ``Scoring``."""
        for one in (self._base, *self._beside.values()):
            await one.prepare(labels)

    async def score(self, request: ScoreRequest, priority: Priority, within_s: float) -> list[Scored]:
        """See ``Scoring``."""
        asked = [self._base.score(request, priority, within_s)]
        asked += [self._score(part, one, request, priority, within_s) for part, one in self._beside.items()]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
        return [scored for task in tasks for scored in task.result()]

    async def _score(
        self, part: Part, scorers: Scoring, request: ScoreRequest, priority: Priority, within_s: float
    ) -> list[Scored]:
        if not self._shedding.sheds(part, priority):
            return await scorers.score(request, priority, within_s)
        left_out = ShedError("Left out: there is too much work.")
        return [Scored(KINDS[part], None, left_out) for _ in scorers.scorer_names]

    def ask_mos(self, window: Window, priority: Priority, within_s: float) -> MosTicket:
        """See ``Scoring``. Raises ShedError if it is left out."""
        if self._shedding.sheds(Part.MOS, priority):
            raise ShedError("Left out: there is too much work.")
        return self._base.ask_mos(window, priority, within_s)

    async def denoise(self, request: DenoiseRequest, priority: Priority, within_s: float) -> Denoised:
        """See ``Scoring``. Raises ShedError if it is left out."""
        if self._shedding.sheds(Part.DENOISER, priority):
            raise ShedError("Left out: there is too much work.")
        return await self._base.denoise(request, priority, within_s)

    async def talk(self, request: TalkRequest, priority: Priority, within_s: float) -> Talk:
        """See ``Scoring``. Raises ShedError if it is left out."""
        if self._shedding.sheds(Part.VOICES, priority):
            raise ShedError("Left out: there is too much work.")
        return await self._base.talk(request, priority, within_s)
