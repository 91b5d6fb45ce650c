"""Which channel of a recording holds whom: as the caller says, or found from the sound. No I/O."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from server.errors import ConfigError
from server.recording.channel_notices import (
    dead_notice,
    inverted_notice,
    mixed_notice,
    one_sound_notice,
    unexamined_notice,
)
from server.recording.channel_pairs import MAX_CELL_FRAMES, PairSurvey
from server.values.audio import Float32Array
from server.values.notices import Notice

MOST_CHANNELS = 16
"""Recordings with more are mixed without being compared, which is told: the pairs would be too many."""

CELL_S = 0.1

FLOOR_DB = -120.0

DEAD_DBFS = -70.0
"""A channel whose loud parts stay below this holds nothing but its own noise."""
STEADY_DB = 6.0
IDLE_UNDER_DB = 20.0
"""So does one whose level never changes by more than 6 dB, 20 dB or more under the loudest channel."""
LASTING_CELLS = 3
LEAST_CELLS = 10
"""Clicks are shorter than 0.3 s; sound that lasts, if only for a second in all, may be the one answer of a visit."""

ACTIVE_DB = 20.0
APART_DB = 20.0
"""Two people on two channels: where either channel is within 20 dB of its loud parts, the difference of their levels
moves by more than 20 dB, or is so much another where the one channel is loud than where the other is. One person
between two microphones moves it by a few."""

_SIDES = {"left": 0, "right": 1}

FORM_ZH = "请写 patient=right,doctor=left，或从 1 开始的编号：patient=2,doctor=1"
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
            raise ConfigError(f"channels: {FORM}.", zh=f"channels：{FORM_ZH}。", param="channels")
        roles[role] = number
    if "patient" not in roles:
        raise ConfigError(f"channels: no patient; {FORM}.", zh=f"channels：没有说明患者；{FORM_ZH}。", param="channels")
    return ChannelRoles(roles["patient"], roles.get("doctor"))


def plan_of(roles: ChannelRoles, channels: int) -> ChannelPlan:
    """As the caller says. Raises ConfigError if the recording has no such channel."""
    for number in (roles.patient, roles.doctor):
        if number is not None and number >= channels:
            many = "1 channel" if channels == 1 else f"{channels} channels"
            raise ConfigError(
                f"channels: the recording has {many}, not {number + 1}.",
                zh=f"channels：录音只有 {channels} 个声道，没有第 {number + 1} 个。",
                param="channels",
            )
    return ChannelPlan((Track((roles.patient,), () if roles.doctor is None else (roles.doctor,)),))


class ChannelSurvey:
    """Statistics over a whole recording with several channels: ``add`` all of its frames in order, then ``plan``."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._cell = min(max(1, round(sample_rate * CELL_S)), MAX_CELL_FRAMES)
        self._channels = channels
        self._rest = np.zeros((0, channels), np.float32)
        self._levels: list[Float32Array] = []
        self._pairs = PairSurvey(sample_rate, channels)

    def add(self, frames: Float32Array) -> None:
        """Float32 ``(n, channels)``; what is not finite counts as silence."""
        finite = np.nan_to_num(frames, nan=0.0, posinf=0.0, neginf=0.0)
        self._pairs.add(finite)
        joined = np.concatenate((self._rest, finite))
        cells = joined.shape[0] // self._cell
        self._rest = joined[cells * self._cell :]
        if cells:
            whole = joined[: cells * self._cell].reshape(cells, self._cell, self._channels).astype(np.float64)
            whole -= whole.mean(axis=1, keepdims=True)
            power = np.mean(np.square(whole), axis=1)
            self._levels.append((10.0 * np.log10(power + 1e-12)).astype(np.float32))

    def plan(self) -> ChannelPlan:
        """What to judge: no party and no live channel is lost by mixing."""
        everything = ChannelPlan((Track(tuple(range(self._channels))),))
        if not self._levels:
            return everything
        levels = np.concatenate(self._levels)
        loud = np.array([_loud(level) for level in levels.T])
        live = self._live(levels, loud)
        if not live:
            return everything
        notices = [dead_notice(live, self._channels)] if len(live) < self._channels else []
        alike = self._alike(live, loud)
        for one, others in alike.items():
            if any(others.values()):
                notices.append(inverted_notice(one, self._channels))
            elif others:
                notices.append(one_sound_notice(sorted((one, *others)), one, self._channels))
        kept = tuple(alike)
        if any(self._apart(levels, loud, a, b) for a, b in combinations(kept, 2)):
            tracks = tuple(Track((one,), tuple(other for other in kept if other != one)) for one in kept)
            return ChannelPlan(tracks, tuple(notices))
        if len(kept) > 1:
            notices.append(mixed_notice(kept, self._channels))
        return ChannelPlan((Track(kept),), tuple(notices))

    def _live(self, levels: Float32Array, loud: npt.NDArray[np.floating]) -> list[int]:
        steady = loud - np.percentile(levels, 10.0, axis=0) < STEADY_DB
        idle = steady & (loud <= loud.max() - IDLE_UNDER_DB)
        return [number for number in range(self._channels) if loud[number] > DEAD_DBFS and not idle[number]]

    def _alike(self, live: Sequence[int], loud: npt.NDArray[np.floating]) -> dict[int, dict[int, bool]]:
        """The channels that stand for all live ones, the loudest first to stay.

        Each maps to the others that carry the same sound: whether they are inverted.
        """
        kept: dict[int, dict[int, bool]] = {}
        for number in sorted(live, key=lambda one: (-round(float(loud[one])), one)):
            for other, same in kept.items():
                relation = self._pairs.relation(number, other)
                if relation.one_sound:
                    same[number] = relation.correlation < 0
                    break
            else:
                kept[number] = {}
        return dict(sorted(kept.items()))

    def _apart(self, levels: Float32Array, loud: npt.NDArray[np.floating], a: int, b: int) -> bool:
        if self._pairs.relation(a, b).prevails:
            # One sound prevails on both, but does not stand for both: somebody faint is beside it on one of them.
            return True
        difference = levels[:, a] - levels[:, b]
        active = [levels[:, one] > loud[one] - ACTIVE_DB for one in (a, b)]
        low, high = np.percentile(difference[active[0] | active[1]], (10.0, 90.0))
        turns = abs(float(np.median(difference[active[0]]) - np.median(difference[active[1]])))
        return bool(max(high - low, turns) > APART_DB)


def _loud(levels: Float32Array) -> float:
    """The loud parts of a channel, dBFS; however rarely it is loud. ``levels``: of its cells, float32 ``(n,)``."""
    over = levels > max(float(np.percentile(levels, 10.0)) + STEADY_DB, DEAD_DBFS)
    lasting = np.convolve(over, np.ones(LASTING_CELLS), "valid") == LASTING_CELLS
    rare = np.count_nonzero(lasting) >= LEAST_CELLS
    return float(np.percentile(levels[over], 90.0) if rare else np.percentile(levels, 95.0))


def unexamined(channels: int) -> ChannelPlan:
    """The mix of all, told as such."""
    return ChannelPlan((Track(tuple(range(channels))),), (unexamined_notice(channels, MOST_CHANNELS),))
