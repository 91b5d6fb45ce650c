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
from server.values.scores import EvidenceKind
from server.values.windows import Window

CLAP_KIND: EvidenceKind = "clap"


class Part(StrEnum):
    """In the order in which they are left out: DNSMOS supports what is measured anyway; the talker models tell whose
    voice it is; the denoiser hears noise under the words; CLAP names noises and judges labels that nothing else can."""

    MOS = "mos"
    VOICES = "voices"
    DENOISER = "denoiser"
    CLAP = "clap"


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

    @property
    def out_of_order(self) -> bool:
        """Whether one is left out although one of a cheaper loss is kept."""
        return bool(self._out and self.kept) and max(map(self._parts.index, self._out)) > self._parts.index(
            self.kept[0]
        )

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
    """``Scoring`` that leaves out what ``shedding`` says. ``base`` always scores; ``clap`` may be left out.

    A part that is left out counts as failed with ShedError: its labels are null, ``why: shed``, where nothing else
    scores them.
    """

    def __init__(self, base: Scoring, clap: Scoring | None, shedding: Shedding) -> None:
        self._base = base
        self._clap = clap
        self._shedding = shedding
        shedding.lanes = self._lanes

    def _lanes(self) -> dict[Part, LaneMetrics]:
        names = {"mos": Part.MOS, "voices": Part.VOICES, "denoise": Part.DENOISER}
        lanes = {names[lane.name]: lane for lane in self._base.metrics() if lane.name in names}
        for lane in () if self._clap is None else self._clap.metrics():
            lanes[Part.CLAP] = lane
        return lanes

    @property
    def scorer_names(self) -> tuple[str, ...]:
        """See ``Scoring``."""
        return self._base.scorer_names + (() if self._clap is None else self._clap.scorer_names)

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
        return self._base.alive and (self._clap is None or self._clap.alive)

    def metrics(self) -> tuple[LaneMetrics, ...]:
        """See ``Scoring``."""
        base, clap = self._base.metrics(), () if self._clap is None else self._clap.metrics()
        scorers = len(self._base.scorer_names)
        return (*base[:scorers], *clap, *base[scorers:])

    async def prepare(self, labels: LabelSet) -> None:
        """See ``Scoring``."""
        await self._base.prepare(labels)
        if self._clap is not None:
            await self._clap.prepare(labels)

    async def score(self, request: ScoreRequest, priority: Priority, within_s: float) -> list[Scored]:
        """See ``Scoring``."""
        if self._clap is None:
            return await self._base.score(request, priority, within_s)
        if self._shedding.sheds(Part.CLAP, priority):
            left_out: list[Scored] = [
                Scored(CLAP_KIND, None, ShedError("Left out: there is too much work.")) for _ in self._clap.scorer_names
            ]
            return [*await self._base.score(request, priority, within_s), *left_out]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(one.score(request, priority, within_s)) for one in (self._base, self._clap)]
        return [scored for task in asked for scored in task.result()]

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
