"""Talkers, noises, coughs and rooms out of the shared recordings, in two halves that share no speaker and no sound."""

import csv
import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tools.material.visits.ceilings import has_ceiling
from tools.material.visits.sound import FRAME, direct_first, faded, intervals, levelled, load, rms_db, room
from tools.material.visits.truth import RATE, Audio

FOLDS = ("fit", "held")
SALT = 163
"""Chosen before anything was measured, so that every kind of noise with two files or more is in both halves."""
STEADY = frozenset(
    "babble fan_ac appliance music traffic wind rain machine construction electrical_hum".split()  # noqa: SIM905
)
EVENTS = frozenset("baby_cry dog_bark typing siren_alarm animal".split())  # noqa: SIM905
LEAST_DYNAMIC_DB = 30
"""Between a talker's level and the floor of the clip, so that a clean visit is clean."""
LEAST_S, LEAST_TALK_S = 2.4, 3.5
"""Of a clip, and of the speech in all clips of a patient: a visit says it again and again."""
NARROW = frozenset({"tc-asr"})
"""Groups whose clips stop at 4 kHz, whatever their rate."""
FASTEST_SPS = 5.5
"""Syllables per second of a patient, by transcript where there is one: faster is told rightly to slow down."""
PAD = RATE * 8 // 100
LEAST_PHRASE_S, LONGEST_PHRASE_S = 1.2, 5.0
DECAYS_S = {"fit": (0.22, 0.30, 0.42, 0.55), "held": (0.26, 0.36, 0.48)}
"""Of made rooms, apart for the halves as everything else."""

Row = dict[str, str]


class Noisy(NamedTuple):
    kind: str
    group: str
    samples: Audio


class Talker(NamedTuple):
    """``phrases``: 1–6 s of speech each, in order, levelled alike to -26 dBFS."""

    group: str
    language: str
    phrases: list[Audio]


def half(group: str) -> str:
    return FOLDS[hashlib.sha256(f"{SALT}:{group}".encode()).digest()[0] % 2]


class Sources:
    """Of one half, or of ``all``. Files are read when they are first needed and kept."""

    def __init__(self, audio: Path, fold: str = "all") -> None:
        self.audio = audio
        self.fold = fold
        with (audio / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.rows: list[Row] = [row for row in rows if fold in {"all", half(row["group"])}]
        self._talkers: dict[str, Talker] = {}
        self._sounds: dict[str, Audio] = {}

    def _under(self, folder: str) -> Iterator[Row]:
        return (row for row in self.rows if row["path"].startswith(f"{folder}/"))

    @cached_property
    def patients(self) -> list[str]:
        """Groups whose clips are clean, of one language, and not fast."""
        talk_s: dict[str, float] = {}
        for row in self._clean:
            talk_s[row["group"]] = talk_s.get(row["group"], 0.0) + float(row["seconds"]) * float(row["active_frac"])
        return sorted(group for group, seconds in talk_s.items() if seconds >= LEAST_TALK_S and group not in NARROW)

    @cached_property
    def left_out(self) -> list[str]:
        """Groups with a clip that would be clean, had it not been clipped in whatever it comes from."""
        return sorted({row["group"] for row in self._said_clean() if has_ceiling(self._load(row))})

    @cached_property
    def _clean(self) -> list[Row]:
        return [row for row in self._said_clean() if row["group"] not in self.left_out]

    def _said_clean(self) -> Iterator[Row]:
        """By the manifest."""
        for row in self._under("speech"):
            fine = row["clean"] == "yes" and row["language"] in {"en", "zh"} and float(row["seconds"]) >= LEAST_S
            if (
                fine
                and not float(row["clip_frac"])
                and float(row["active_db"]) - float(row["floor_db"]) >= LEAST_DYNAMIC_DB
                and not _fast(row)
            ):
                yield row

    def talker(self, group: str) -> Talker:
        if group not in self._talkers:
            rows = [row for row in self._clean if row["group"] == group]
            phrases = [phrase for row in rows for phrase in _phrases(self._load(row))]
            self._talkers[group] = Talker(group, rows[0]["language"], phrases)
        return self._talkers[group]

    def noise_rows(self, kinds: frozenset[str]) -> list[Row]:
        """Sorted by kind, so that kinds may be taken in turn."""
        return [row for row in sorted(self._under("noise"), key=lambda row: row["path"]) if row["kind"] in kinds]

    def noise(self, row: Row) -> Noisy:
        return Noisy(row["kind"], row["group"], self._load(row))

    @cached_property
    def outbursts(self) -> list[Row]:
        """The patient's own coughs, sneezes and laughs."""
        rows = [*self._under("clinical"), *(row for row in self._under("noise") if row["kind"] == "laughter")]
        return [row for row in rows if float(row["active_db"]) - float(row["floor_db"]) >= LEAST_DYNAMIC_DB]

    def outburst(self, row: Row) -> Audio:
        """The first one of the file, 3 s at most."""
        samples = self._load(row)
        start, end = intervals(samples, 25)[0]
        return faded(samples[max(0, start - FRAME) : min(end + PAD, start + 3 * RATE)])

    @cached_property
    def rubbing(self) -> list[Audio]:
        return [self._load(row) for row in self._under("noise") if row["kind"] == "mic_handling"]

    def far_room(self, rng: np.random.Generator) -> Audio:
        """From a loudspeaker at half a metre: recorded, or made."""
        recorded = [direct_first(self._load(row)) for row in self._under("rir")]
        echoing = [response for response in recorded if rms_db(response[RATE // 400 :]) > -60]
        if echoing and rng.random() < 0.4:
            return echoing[int(rng.integers(len(echoing)))]
        return room(self._decay_s(rng), float(rng.uniform(2, 10)), rng)

    def near_room(self, rng: np.random.Generator) -> Audio:
        """Around a patient at arm's length at most: the direct sound stands 14 dB and more over the tail."""
        return room(self._decay_s(rng), float(rng.uniform(14, 24)), rng)

    def _decay_s(self, rng: np.random.Generator) -> float:
        of_fold = DECAYS_S["fit"] + DECAYS_S["held"] if self.fold == "all" else DECAYS_S[self.fold]
        return float(rng.choice(of_fold))

    def _load(self, row: Row) -> Audio:
        if row["path"] not in self._sounds:
            self._sounds[row["path"]] = load(self.audio / row["path"])
        return self._sounds[row["path"]]


def _fast(row: Row) -> bool:
    syllables = sum("\u4e00" <= char <= "\u9fff" for char in row["transcript"])
    return syllables > FASTEST_SPS * float(row["seconds"]) * max(float(row["active_frac"]), 0.1)


def _phrases(clip: Audio) -> list[Audio]:
    """Cut in pauses only, so that no word is cut."""
    clip = levelled(clip, -26)
    pieces: list[tuple[int, int]] = []
    for start, end in intervals(clip, 28, join_s=0.3):
        short = pieces and pieces[-1][1] - pieces[-1][0] < LEAST_PHRASE_S * RATE
        if pieces and short and end - pieces[-1][0] <= LONGEST_PHRASE_S * RATE:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return [faded(clip[max(0, start - PAD) : end + PAD]) for start, end in pieces if end - start >= 0.5 * RATE]
