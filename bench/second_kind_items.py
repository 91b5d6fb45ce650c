"""The items of bench/second_kind.py: what each is and what must be said of it, and the voices they start from."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from codecs_of_lines import Gtcrn
from voices import RATE, Audio, Cast, Fold, floor_noise, levelled

PEAK = 0.98
CLEAN_SNR_DB = 47.0
SMALL = 40
"""Items of each small fault, and of the same without it, in each fold."""
Source = Literal["file", "microphone", "telephone"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``accept``: no label may fail but ``may``; ``fail``: one of ``labels`` must, and none but these and ``may``.

    ``prompts``: of these one must be given; ``never``: none of these. ``says``: one of these words stands in the advice
    or a notice.
    """

    verdict: Literal["accept", "fail", "either"] = "accept"
    labels: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


def fails(*labels: str, may: tuple[str, ...] = (), says: tuple[str, ...] = ()) -> Wanted:
    """Clear speech is in doubt wherever something else fails."""
    return Wanted("fail", labels, ("intelligible", *may), says=says)


@dataclass(frozen=True, slots=True)
class Item:
    kind: str
    sound: Audio
    wanted: Wanted
    told: dict[str, Any]
    rate: int = RATE
    source: Source = "file"
    talker: str = ""
    noise: str = ""
    subtype: str = "PCM_16"


class Stage:
    """Talkers of one fold before a microphone, and what is done to their voices."""

    def __init__(self, fold: Fold, seed: int, enhancer: Gtcrn | None) -> None:
        self._cast = Cast(fold, seed)
        self._quiet_cast = Cast(fold, seed + 1, least_snr_db=CLEAN_SNR_DB)
        self._rng = self._cast.rng
        self._enhancer = enhancer

    def _voice(self, floor_dbfs: float | None = None) -> tuple[Audio, str]:
        """A talker at -31 to -21 dBFS over a quiet microphone's floor."""
        voice, talker = self._cast.voice(float(self._rng.uniform(10, 13)))
        floor = float(self._rng.uniform(-78, -66)) if floor_dbfs is None else floor_dbfs
        return levelled(voice, self._rng.uniform(-31, -21)) + floor_noise(voice.size, floor, self._rng), talker

    def _item(self, kind: str, sound: Audio, talker: str, wanted: Wanted, **told: Any) -> Item:
        """Turned down if it would clip. Numbers told are rounded."""
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in told.items()}
        return Item(kind, sound * min(1.0, PEAK / np.abs(sound).max()), wanted, rounded, talker=talker)
