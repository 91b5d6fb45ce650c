"""The scene of a visit before anything happens in it: who speaks when, in which rooms, over which floor."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tools.material.visits.processing import loudspeaker
from tools.material.visits.sound import convolved, floor_noise
from tools.material.visits.sources import Sources
from tools.material.visits.truth import RATE, Audio, Stretch, Truth, Visit, joined
from tools.material.visits.turns import Conversation, Track, converse

LEVELS_DBFS, FLOORS_DBFS = (-31.0, -21.0), (-75.0, -60.0)
RELATIVES, ROOMS = 0.25, 0.6
"""Shares of the visits with a relative, and with a room around the patient."""
PEAK = 0.97
LEADS_S, TRAILS_S = (0.0, 0.08), (-0.05, 0.15)
"""The page hears the doctor before the loudspeaker plays it, and needs a moment to tell."""


@dataclass(slots=True)
class Scene:
    """``begin`` is called once before anything else is read, by the kind itself where it holds the patient to talk."""

    id: str
    kind: str
    number: int
    sources: Sources
    rng: np.random.Generator
    seconds: float
    listening: float
    db: float = 0.0
    floor_db: float = 0.0
    near: Audio = field(default_factory=lambda: np.ones(1))
    _talk: Conversation | None = None
    _held: Stretch | None = None
    _heard: bool = True

    def __post_init__(self) -> None:
        self.db, self.floor_db = float(self.rng.uniform(*LEVELS_DBFS)), float(self.rng.uniform(*FLOORS_DBFS))
        if self.rng.random() < ROOMS:
            self.near = self.sources.near_room(self.rng)

    def begin(self, held: Stretch) -> None:
        """The patient speaks all through ``held``."""
        assert self._talk is None, "begin comes first"
        self._held = held

    @property
    def talk(self) -> Conversation:
        if self._talk is None:
            places = self.rng.permutation(len(self.sources.patients))
            # In turn, so that few visits share a patient.
            groups = [self.sources.patients[self.number % len(places)]]
            groups += [name for name in (self.sources.patients[place] for place in places) if name not in groups][:2]
            patient, doctor, relative = map(self.sources.talker, groups)
            third = relative if self.rng.random() < RELATIVES else None
            self._talk = converse((patient, doctor, third), self.seconds, self.listening, self.db, self.rng, self._held)
        return self._talk

    @property
    def spoken_s(self) -> float:
        return max(sum(one.seconds for one in self.talk.patient.spoken), 1e-9)

    def voices(self) -> Audio:
        """Patient and relative in their room, with its floor."""
        return convolved(self.talk.patient.samples, self.near) + self.rest()

    def rest(self) -> Audio:
        """Everything but the patient: the relative further away, and the floor."""
        relative = self.talk.relative.samples
        return (convolved(relative, self.near) if self.talk.relative.spoken else relative) + self.floor()

    def floor(self) -> Audio:
        return floor_noise(round(self.seconds * RATE), self.floor_db, self.rng)

    def doctor(self, db: float) -> Audio:
        """Out of the loudspeaker, as it reaches the microphone."""
        return loudspeaker(self.talk.doctor.samples, self.sources.far_room(self.rng), db)

    def unheard(self) -> "Scene":
        """Nobody can be heard in what is recorded."""
        self._heard = False
        return self

    @property
    def heard(self) -> bool:
        return self._heard

    def page_says(self) -> tuple[Stretch, ...]:
        """When the page reports the doctor as speaking."""
        told = [
            Stretch(
                max(0.0, one.start_s - float(self.rng.uniform(*LEADS_S))),
                min(self.seconds, one.end_s + float(self.rng.uniform(*TRAILS_S))),
            )
            for one in joined(self.talk.doctor.spoken, 0.3)
        ]
        return tuple(joined(told, 0.0))


def finished(scene: Scene, samples: Audio, *, processing: str = "", **truth: Any) -> Visit:
    """The visit. What is too loud is turned down as a whole: no visit clips by accident."""
    peak = float(np.abs(samples).max())
    turned_db = min(0.0, float(20 * np.log10(PEAK / max(peak, 1e-9))))
    far_db = truth.pop("far_end_dbfs", None)
    silent = Track.silent(0)
    patient, relative = (scene.talk.patient, scene.talk.relative) if scene.heard else (silent, silent)
    known = Truth(
        patient=tuple(patient.spoken),
        doctor=tuple(scene.talk.doctor.spoken),
        relative=tuple(relative.spoken),
        listening=scene.talk.listening if scene.heard else 1.0,
        patient_dbfs=scene.db + turned_db,
        floor_dbfs=scene.floor_db + turned_db,
        far_end_dbfs=None if far_db is None else far_db + turned_db,
        **truth,
    )
    return Visit(
        id=scene.id,
        kind=scene.kind,
        fold=scene.sources.fold,
        samples=samples * 10 ** (turned_db / 20),
        truth=known,
        gaps=known.lost,
        far_end=scene.page_says() if far_db is not None else (),
        processing=processing,
    )
