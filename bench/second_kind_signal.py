"""Items of bench/second_kind.py whose signal is whole or broken: losses, levels, clipping, and what is no fault."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import soxr
from second_kind_items import CLEAN_SNR_DB, SMALL, Item, Stage, Wanted, fails
from spoil import clipped, concealed, gated, hum, lost_packets, lost_quanta, saturated, twelve_clipped
from voices import RATE, Audio, levelled, make_mixes

MIC_RATE = 48_000
QUIET_SHARE = 10
"""Percentile of the 20 ms frames that is a talker's floor."""
MOST_TRIED = 100


class Signals(Stage):
    """Items with nothing around the talker."""

    def all(self) -> Iterator[Item]:
        for group in (self._fine(), self._losses(), self._levels()):
            yield from group

    def _fine(self) -> Iterator[Item]:
        for _ in range(20):
            voice, talker = self._voice()
            yield self._item("clean", voice, talker, Wanted())
        for place in range(10):
            voice, talker = self._voice(-62)
            dbfs, edge = (-45, -50)[place % 2], (0, 1, 3)[place % 3]
            yield self._item("gate", gated(levelled(voice, -24), dbfs, edge), talker, Wanted(), dbfs=dbfs, edge_ms=edge)
        for place in range(8):
            voice, talker = self._without_floor(11)
            level = -41 - 5 * place / 7
            yield self._item("quiet, clean", levelled(voice, level), talker, Wanted(), dbfs=level)
        for _ in range(8):
            voice, talker = self._voice()
            yield replace(self._item("12 clipped samples", voice, talker, Wanted()), sound=twelve_clipped(voice))
        for _ in range(8):
            voice, talker = self._voice()
            sound = levelled(voice, self._rng.uniform(-24, -18))
            yield replace(self._item("8 bits", sound, talker, Wanted()), subtype="PCM_U8")
        for place in range(8):
            voice, talker = self._voice()
            offset, level = (0.05, -0.12, 0.2, -0.3)[place % 4], -42.0 - place % 3 * 4
            sound = voice * 0.6 + offset + hum(voice.size, (50, 60)[place % 2], level, 1, self._rng)
            yield self._item("DC and hum", sound, talker, Wanted(), dc=offset, hum_dbfs=level)

    def _without_floor(self, seconds: float) -> tuple[Audio, str]:
        """A talker whose quiet moments lie ``CLEAN_SNR_DB`` under the voice: a clip's stated floor may be its edges."""
        for _ in range(MOST_TRIED):
            voice, talker = self._quiet_cast.voice(seconds)
            frames = voice[: voice.size // 320 * 320].reshape(-1, 320)
            levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
            if make_mixes.active(voice) - np.percentile(levels[levels > -119], QUIET_SHARE) >= CLEAN_SNR_DB:
                return voice, talker
        raise AssertionError("some talker is clean enough")

    def _losses(self) -> Iterator[Item]:
        for place in range(SMALL):
            rate = (RATE, MIC_RATE)[place % 2]
            for kind, per_s in (("lost quanta", 8.0), ("lost quanta: whole", 0.0)):
                voice, talker = self._voice()
                sound = np.asarray(soxr.resample(voice, RATE, rate)) if rate != RATE else voice
                sound = lost_quanta(sound, rate, per_s, self._rng) if per_s else sound
                wanted = fails("continuous_signal") if per_s else Wanted()
                yield replace(self._item(kind, sound, talker, wanted, per_s=per_s), rate=rate)
        for place in range(10):
            voice, talker = self._voice()
            lost = self._lost_share(voice.size, 0.17 + 0.02 * place, 1 + place % 2)
            share = sum(end - start for start, end in lost) / voice.size
            yield self._item("concealed", concealed(voice, lost), talker, fails("continuous_signal"), share=share)
        for _ in range(8):
            voice, talker = self._voice()
            lost = lost_packets(voice.size, 0.006, 1, self._rng)[:5]
            yield self._item("concealed: few", concealed(voice, lost), talker, Wanted(), losses=len(lost))

    def _lost_share(self, n: int, least: float, burst: int) -> list[tuple[int, int]]:
        for asked in itertools.count(int(100 * least)):
            lost = lost_packets(n, asked / 100, burst, self._rng)
            if sum(end - start for start, end in lost) >= least * n:
                return lost
        raise AssertionError("some share is enough")

    def _levels(self) -> Iterator[Item]:
        for place in range(SMALL):
            rate = (RATE, RATE, MIC_RATE)[place % 3]
            gain = float(self._rng.uniform(0.8, 0.95))
            for kind, over in (("clipped, turned down", 10.0), ("loud: whole", 0.0)):
                voice, talker = self._voice()
                sound = clipped(np.asarray(soxr.resample(voice, RATE, MIC_RATE)), over) * gain
                sound = np.asarray(soxr.resample(sound, MIC_RATE, rate)) if rate != MIC_RATE else sound
                wanted = fails("no_clipping") if over else Wanted()
                yield replace(self._item(kind, sound, talker, wanted, gain=gain), rate=rate)
        for place in range(7):
            voice, talker = self._voice()
            drive = 17.0 + place
            yield self._item("saturated", saturated(voice, drive), talker, fails("no_clipping"), drive_db=drive)
