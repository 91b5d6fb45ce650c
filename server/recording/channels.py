"""Which channel of a recording holds whom: as the caller says, or found from the sound. No I/O."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from server.errors import ConfigError
from server.values.audio import Float32Array
from server.values.notices import Notice, NoticeCode
from server.values.text import Text

MOST_CHANNELS = 8
"""Recordings with more are mixed without being looked through: nobody puts a party on each of nine channels."""

CELL_S = 0.1
MAX_CELL_FRAMES = 65_536
"""A header may declare any rate; that of a real recording has no more frames in a cell."""

FLOOR_DB = -120.0

DEAD_DBFS = -70.0
"""A channel whose loud parts stay below this holds nothing but its own noise."""
STEADY_DB = 6.0
IDLE_UNDER_DB = 20.0
"""So does one whose level never changes by more than 6 dB, 20 dB or more under the loudest channel."""

INVERTED = -0.7
SAME = 0.9
"""Correlation of two channels, -1..1: below the first their sum cancels, above the second they are one sound."""

ACTIVE_DB = 20.0
APART_DB = 20.0
"""Two people on two channels: where either channel is within 20 dB of its loud parts, the difference of their levels
moves by more than 20 dB. One person between two microphones moves it by a few."""

_SIDES = {"left": 0, "right": 1}
_SIDE_WORDS = (Text("左声道", "left channel"), Text("右声道", "right channel"))

FORM = "write patient=right,doctor=left, or numbers from 1: patient=2,doctor=1"


@dataclass(frozen=True, slots=True)
class ChannelRoles:
    """Channel numbers from 0. ``doctor``: ``None`` if no channel is the doctor's alone."""

    patient: int
    doctor: int | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """What is judged as the patient: the mean of ``channels``. ``far_end``: the channels of others, possibly none."""

    channels: tuple[int, ...]
    far_end: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """``tracks``: to be judged one by one; the worst counts. ``notices``: what the caller should know."""

    tracks: tuple[Track, ...]
    notices: tuple[Notice, ...] = ()


def parse_roles(text: str) -> ChannelRoles:
    """``patient=right,doctor=left``. Raises ConfigError, ``param`` ``channels``."""
    roles: dict[str, int] = {}
    for part in re.split(r"[,，]", text):
        role, _, channel = (word.strip().lower() for word in part.partition("="))
        number = _SIDES.get(channel, int(channel) - 1 if re.fullmatch(r"[1-9]\d{0,3}", channel) else None)
        if role not in ("patient", "doctor") or role in roles or number is None or number in roles.values():
            raise ConfigError(f"channels: {FORM}.", param="channels")
        roles[role] = number
    if "patient" not in roles:
        raise ConfigError(f"channels: no patient; {FORM}.", param="channels")
    return ChannelRoles(roles["patient"], roles.get("doctor"))


def plan_of(roles: ChannelRoles, channels: int) -> ChannelPlan:
    """As the caller says. Raises ConfigError if the recording has no such channel."""
    for number in (roles.patient, roles.doctor):
        if number is not None and number >= channels:
            many = "1 channel" if channels == 1 else f"{channels} channels"
            raise ConfigError(f"channels: the recording has {many}, not {number + 1}.", param="channels")
    return ChannelPlan((Track((roles.patient,), () if roles.doctor is None else (roles.doctor,)),))


def channel_name(number: int, channels: int) -> Text:
    """In both languages, for the middle of a sentence."""
    return _SIDE_WORDS[number] if channels == 2 else Text(f"第 {number + 1} 声道", f"channel {number + 1}")


class ChannelSurvey:
    """Statistics over a whole recording with several channels: ``add`` all of its frames in order, then ``plan``."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._cell = min(max(1, round(sample_rate * CELL_S)), MAX_CELL_FRAMES)
        self._channels = channels
        self._rest = np.zeros((0, channels), np.float32)
        self._levels: list[Float32Array] = []
        self._products = np.zeros((channels, channels))

    def add(self, frames: Float32Array) -> None:
        """Float32 ``(n, channels)``; what is not finite counts as silence."""
        joined = np.concatenate((self._rest, np.nan_to_num(frames, nan=0.0, posinf=0.0, neginf=0.0)))
        cells = joined.shape[0] // self._cell
        self._rest = joined[cells * self._cell :]
        if cells:
            whole = joined[: cells * self._cell].reshape(cells, self._cell, self._channels).astype(np.float64)
            whole -= whole.mean(axis=1, keepdims=True)
            power = np.mean(np.square(whole), axis=1)
            self._levels.append((10.0 * np.log10(power + 1e-12)).astype(np.float32))
            flat = whole.reshape(-1, self._channels)
            self._products += flat.T @ flat

    def plan(self) -> ChannelPlan:
        """What to judge: no party and no live channel is lost by mixing."""
        everything = ChannelPlan((Track(tuple(range(self._channels))),))
        if not self._levels:
            return everything
        levels = np.concatenate(self._levels)
        loud = np.percentile(levels, 95.0, axis=0)
        live = self._live(levels, loud)
        if not live:
            return everything
        notices = [self._dead(live)] if len(live) < self._channels else []
        kept, cancelled = self._without_inverted(live, loud)
        if cancelled:
            notices.append(self._inverted(kept))
        parties = any(self._apart(levels, loud, a, b) for a, b in combinations(kept, 2))
        if parties:
            tracks = tuple(Track((one,), tuple(other for other in kept if other != one)) for one in kept)
            return ChannelPlan(tracks, tuple(notices))
        return ChannelPlan((Track(tuple(kept)),), tuple(notices))

    def _live(self, levels: Float32Array, loud: npt.NDArray[np.floating]) -> list[int]:
        steady = loud - np.percentile(levels, 10.0, axis=0) < STEADY_DB
        idle = steady & (loud <= loud.max() - IDLE_UNDER_DB)
        return [number for number in range(self._channels) if loud[number] > DEAD_DBFS and not idle[number]]

    def _without_inverted(self, live: list[int], loud: npt.NDArray[np.floating]) -> tuple[list[int], bool]:
        """The live channels, the loudest first to stay, without those that would cancel one that stays."""
        kept: list[int] = []
        for number in sorted(live, key=lambda one: (-round(float(loud[one])), one)):
            if all(self._correlation(number, other) > INVERTED for other in kept):
                kept.append(number)
        return sorted(kept), len(kept) < len(live)

    def _correlation(self, a: int, b: int) -> float:
        return float(self._products[a, b] / np.sqrt(self._products[a, a] * self._products[b, b] + 1e-30))

    def _apart(self, levels: Float32Array, loud: npt.NDArray[np.floating], a: int, b: int) -> bool:
        if self._correlation(a, b) >= SAME:
            return False
        active = (levels[:, a] > loud[a] - ACTIVE_DB) | (levels[:, b] > loud[b] - ACTIVE_DB)
        low, high = np.percentile((levels[:, a] - levels[:, b])[active], (10.0, 90.0))
        return bool(high - low > APART_DB)

    def _named(self, numbers: Sequence[int]) -> Text:
        names = [channel_name(number, self._channels) for number in numbers]
        return Text("、".join(name.zh for name in names), ", ".join(name.en for name in names))

    def _dead(self, live: Sequence[int]) -> Notice:
        dead = self._named([number for number in range(self._channels) if number not in live])
        judged = self._named(live)
        return Notice(
            f"{dead.zh}没有声音，只评估了{judged.zh}。",
            f"There is no sound on the {dead.en}. Only the {judged.en} was judged.",
            NoticeCode.DEAD_CHANNEL,
        )

    def _inverted(self, kept: Sequence[int]) -> Notice:
        judged = self._named(kept)
        return Notice(
            f"各声道互为反相，相加会抵消，只评估了{judged.zh}。",
            f"The channels are inverted and would cancel each other. Only the {judged.en} was judged.",
            NoticeCode.INVERTED_CHANNELS,
        )


def parties_notice(number: int, channels: int) -> Notice:
    """Of a recording whose channels were judged one by one; ``number`` is the worst."""
    worst = channel_name(number, channels)
    return Notice(
        f"各声道是不同的人，已分别评估，这里是较差的一个：{worst.zh}。"
        "请说明谁在哪个声道，例如 patient=right,doctor=left。",
        f"The channels hold different people and were judged one by one. This is the worse result: the {worst.en}. "
        "Say who is on which channel, for example patient=right,doctor=left.",
        NoticeCode.DIFFERENT_CHANNELS,
    )
