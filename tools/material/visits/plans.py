"""Which visits are made: the same ones for the same numbers, whoever makes them and in whatever order."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.material.visits.kinds import KINDS
from tools.material.visits.setting import Scene
from tools.material.visits.sources import FOLDS, Sources
from tools.material.visits.truth import Visit

GOLDEN = 0.6180339887


@dataclass(frozen=True, slots=True)
class Plan:
    kind: str
    number: int
    seed: int
    fold: str

    @property
    def id(self) -> str:
        return f"{self.fold}-{self.seed}-{self.kind}-{self.number:03d}"

    @classmethod
    def of(cls, visit_id: str) -> "Plan":
        """The plan with that id. Raises ValueError."""
        found = re.fullmatch(r"(fit|held|all)-(\d+)-(\w+)-(\d+)", visit_id)
        if found is None or found[3] not in KINDS:
            raise ValueError(f"{visit_id!r} is not the id of a visit, such as held-1-clean-003")
        return cls(found[3], int(found[4]), int(found[2]), found[1])


def plans(sessions: int, fold: str, seed: int, kinds: Sequence[str] = ()) -> list[Plan]:
    """So many visits, the kinds mixed by their weights. The first n of them are what ``plans(n, …)`` gives."""
    weights = {kind: KINDS[kind].weight for kind in (kinds or KINDS)}
    credit, counts = dict.fromkeys(weights, 0.0), dict.fromkeys(weights, 0)
    out = []
    for _ in range(sessions):
        for kind, weight in weights.items():
            credit[kind] += weight
        kind = max(credit, key=lambda one: credit[one])
        credit[kind] -= sum(weights.values())
        out.append(Plan(kind, counts[kind], seed, fold))
        counts[kind] += 1
    return out


class Maker:
    """Makes visits; sources are read once for all of a fold."""

    def __init__(self, audio: Path) -> None:
        self._audio = audio
        self._sources: dict[str, Sources] = {}

    def make(self, plan: Plan) -> Visit:
        sources = self._sources.setdefault(plan.fold, Sources(self._audio, plan.fold))
        kind = KINDS[plan.kind]
        place = ("all", *FOLDS).index(plan.fold)
        rng = np.random.default_rng([zlib.crc32(plan.kind.encode()), place, plan.seed, plan.number])
        # Spread evenly over the range, however few visits there are.
        low, high = kind.listening
        listening = low + (high - low) * ((plan.number + 0.5) * GOLDEN % 1)
        scene = Scene(
            plan.id, plan.kind, plan.number, sources, rng, round(float(rng.uniform(*kind.seconds)), 1), listening
        )
        return kind.make(scene)
