"""Other sounds in a window: around the patient, and the patient's own. Pure functions of cosines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from server.values.text import Text

QUIET = "quiet"
SPEAKING = "speaking"


@dataclass(frozen=True, slots=True)
class Interference:
    """A sound around the patient. ``score``: its share among the sounds it was compared with, 0..1. ``prompt``: the
    sentence that names it."""

    id: str
    title: Text
    score: float
    prompt: Text


@dataclass(frozen=True, slots=True)
class PatientSound:
    """A cough or a similar sound: shown to the doctor, never a reason to prompt. ``score`` as in ``Interference``."""

    id: str
    title: Text
    score: float


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound that can be named. ``texts``: English label texts whose cosines are averaged. ``margin``: by how much
    its share must exceed the next best, 0..1."""

    id: str
    title: Text
    texts: tuple[str, ...]
    margin: float


@dataclass(frozen=True, slots=True)
class Disturbance(Sound):
    """A sound around the patient. ``prompt``: what the patient is asked if this sound disturbs."""

    prompt: Text


@dataclass(frozen=True, slots=True)
class OwnSound(Sound):
    """A sound made by the patient. ``rivals``: disturbances that it is easily confused with."""

    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sounds:
    """All sounds that can be named (``labels/sounds/``), and texts for quiet and for plain speech."""

    quiet: tuple[str, ...] = ()
    speaking: tuple[str, ...] = ()
    interference: tuple[Disturbance, ...] = ()
    events: tuple[OwnSound, ...] = ()

    def texts(self) -> dict[str, tuple[str, ...]]:
        """The texts to compare with a window, by id, including ``quiet`` and ``speaking``. Empty: compare none."""
        if not self.interference and not self.events:
            return {}
        named = {sound.id: sound.texts for sound in (*self.interference, *self.events)}
        return {QUIET: self.quiet, SPEAKING: self.speaking} | named


def disturbance(nearness: Mapping[str, float], sounds: Sounds) -> Interference | None:
    """The sound around the patient that stands out, if any.

    ``nearness``: the checkpoint's scale times the mean cosine, by id of ``sounds.texts()``. The score is the sound's
    share of a softmax over all disturbances and quiet: one closed, related set. ``None`` if the best is less than its
    margin above the next, or if one of the patient's own sounds is nearer: a cough must never be taken for a dog.
    """
    found = _standing_out(nearness, QUIET, sounds.interference)
    if found is None:
        return None
    best, share = found
    if any(nearness[own.id] >= nearness[best.id] for own in sounds.events):
        return None
    return Interference(best.id, best.title, share, best.prompt)


def own_sound(nearness: Mapping[str, float], sounds: Sounds) -> PatientSound | None:
    """The patient's own sound that stands out, if any; like ``disturbance``, over the patient's sounds and plain
    speech. ``None`` if one of its rivals is nearer."""
    found = _standing_out(nearness, SPEAKING, sounds.events)
    if found is None:
        return None
    best, share = found
    if any(nearness[rival] >= nearness[best.id] for rival in best.rivals):
        return None
    return PatientSound(best.id, best.title, share)


_Named = TypeVar("_Named", bound=Sound)


def _standing_out(nearness: Mapping[str, float], plain: str, sounds: Sequence[_Named]) -> tuple[_Named, float] | None:
    """The best of ``sounds`` and its share, if it exceeds the next best by its margin, and ``plain``."""
    if not sounds or not all(math.isfinite(value) for value in nearness.values()):
        return None
    shares = softmax([nearness[plain], *(nearness[sound.id] for sound in sounds)])
    share, best = max(zip(shares[1:], sounds, strict=True), key=lambda pair: pair[0])
    second = sorted(shares)[-2]
    stands_out = share > shares[0] and share - second >= best.margin
    return (best, share) if stands_out else None


def softmax(values: Sequence[float]) -> list[float]:
    """Shares of finite ``values`` that add up to 1."""
    top = max(values)
    weights = [math.exp(value - top) for value in values]
    total = sum(weights)
    return [weight / total for weight in weights]
