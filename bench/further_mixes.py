"""Makes further labelled mixes in other combinations than the 126: every noise, many kinds of rooms, every fault.

    .venv/bin/python bench/further_mixes.py FOLDER [--seed 1]

FOLDER gets 16 kHz recordings and ``labels.json`` in the form that ``make_mixes.py`` of TINGQING_SHARED writes, with
its definitions of level and SNR, so that bench/mixes_table.py and bench/mixes_manifest.py can read them. Every talker
and every noise file is used. Rooms are simulated: boxes by the image method (Allen and Berkley 1979), and decaying
noise after a direct sound for given decay times and direct-to-reverberant ratios. As in the 126, a room counts as
echoing from 0.25 s on and under 10 dB.
"""

import argparse
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

ROOT = Path(__file__).resolve().parent.parent
AUDIO = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared")) / "audio"
sys.path.insert(0, str(AUDIO))
import make_mixes  # noqa: E402 - a module beside the recordings

RATE = 16_000
SOUND_M_S = 343.0
SNRS = (15, 8, 3, 20, 8, -3)
"""Used in turn: at most 8 dB is strong, at least 15 dB is not."""
NOISE_LEAST_S = 0.5
Audio = npt.NDArray[np.float64]
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """One mix: its description, and the arguments of ``make_mixes.make_mix``."""

    category: str
    tags: Sequence[str]
    arguments: dict[str, Any]
    told: dict[str, Any] = field(default_factory=dict)


def box_room(size: Sequence[float], decay_s: float, distance_m: float, rng: np.random.Generator) -> Audio:
    """Response of a box of ``size`` (m, three sides) whose walls give ``decay_s`` (Sabine), by images up to 0.5 s."""
    sides = np.array(size)
    area = 2 * (sides[0] * sides[1] + sides[0] * sides[2] + sides[1] * sides[2])
    absorbed = min(0.161 * sides.prod() / (area * decay_s), 0.95)
    reflected = np.sqrt(1 - absorbed)
    source = sides * rng.uniform(0.25, 0.75, 3)
    direction = rng.standard_normal(3)
    microphone = np.clip(source + distance_m * direction / np.linalg.norm(direction), 0.2, sides - 0.2)
    far = min(decay_s, 0.5) * SOUND_M_S
    spans = [np.arange(-int(far / (2 * side)) - 1, int(far / (2 * side)) + 2) for side in sides]
    n = int(min(decay_s, 0.5) * RATE) + RATE // 50
    response = np.zeros(n)
    for flips in itertools.product((0, 1), repeat=3):
        axes, counts = [], []
        for axis, flip in enumerate(flips):
            axes.append((1 - 2 * flip) * source[axis] + 2 * spans[axis] * sides[axis] - microphone[axis])
            counts.append(np.abs(2 * spans[axis] - flip))
        path = np.sqrt(axes[0][:, None, None] ** 2 + axes[1][:, None] ** 2 + axes[2] ** 2)
        bounces = counts[0][:, None, None] + counts[1][:, None] + counts[2]
        at = (path / SOUND_M_S * RATE).astype(int)
        near = at < n
        # Images of one sign would add up at low frequencies, which no room does (walls turn the phase).
        signs = np.where(bounces[near] > 0, rng.choice((-1.0, 1.0), near.sum()), 1.0)
        np.add.at(response, at[near], signs * reflected ** bounces[near] / np.maximum(path[near], 0.1))
    return response


def decaying_room(decay_s: float, ratio_db: float, rng: np.random.Generator) -> Audio:
    """A direct sound, and noise that decays by 60 dB in ``decay_s`` and holds the direct sound less ``ratio_db``."""
    n = int(min(decay_s, 2.4) * RATE)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / (decay_s * RATE))
    tail[: RATE // 400] = 0
    tail *= np.sqrt(10 ** (-ratio_db / 10) / np.sum(tail**2))
    tail = np.clip(tail, -0.9, 0.9)
    tail[0] = 1.0
    return tail


class Sources:
    """Talkers and noises, each in turn."""

    def __init__(self, seed: int) -> None:
        self.rows = make_mixes.csv.DictReader((AUDIO / "manifest.csv").open(encoding="utf-8"))
        rows: list[Row] = list(self.rows)
        self._rng = np.random.default_rng(seed)
        talkers: dict[str, list[Row]] = {}
        for row in rows:
            spoken = row["path"].startswith("speech/") and row["clean"] in {"yes", "fair"}
            if spoken and row["language"] in {"en", "zh"} and float(row["seconds"]) >= 2.4:
                talkers.setdefault(row["group"], []).append(row)
        groups = list(talkers.values())
        self._talkers = itertools.cycle([groups[place] for place in self._rng.permutation(len(groups))])
        self.n_talkers = len(groups)
        self.noises = [
            row for row in rows if row["path"].startswith("noise/") and float(row["seconds"]) >= NOISE_LEAST_S
        ]
        self._by_kind = {
            kind: itertools.cycle([row for row in self.noises if row["kind"] == kind])
            for kind in {row["kind"] for row in self.noises}
        }
        self.rooms = [str(AUDIO / row["path"]) for row in rows if row["path"].startswith("rir/")]

    def talker(self) -> list[Row]:
        return next(self._talkers)

    def noise(self, kind: str) -> Row:
        return next(self._by_kind[kind])


def paths(rows: Sequence[Row]) -> list[str]:
    return [str(AUDIO / row["path"]) for row in rows]


def echoes(room: Audio | str) -> bool:
    told = make_mixes.reverb(np.eye(1, RATE)[0], room)[1]
    return (told["rt60_s"] or 0) >= 0.25 and told["drr_db"] < 10


def rooms(sources: Sources, rng: np.random.Generator) -> Iterator[Audio | str]:
    yield from sources.rooms
    for decay_s, ratio_db in itertools.product((0.4, 0.7, 1.1, 1.8), (-8, -3, 2)):
        yield decaying_room(decay_s, ratio_db, rng)
    for side, decay_s, distance_m in ((3, 0.5, 1.5), (4, 0.6, 2), (5, 0.8, 2.5), (6, 1.0, 3), (8, 1.5, 4), (4, 1.0, 1)):
        yield box_room((side, side * 0.8, 2.7), decay_s, distance_m, rng)


def plain_jobs(sources: Sources, rng: np.random.Generator) -> Iterator[Job]:
    for place in range(sources.n_talkers):
        yield Job("clean", ["clean"], {"level": -26 + (place % 5 - 2) * 4})
    for place, noise in enumerate(sources.noises):
        for snr in (SNRS[place % 6], SNRS[(place + 3 + place // 6) % 6]):
            tags = [f"noise:{noise['kind']}"] + (["loud_noise"] if snr <= 8 else [])
            arguments = {"noise": str(AUDIO / noise["path"]), "snr": snr}
            yield Job("noise", tags, arguments, {"noise_kind": noise["kind"]})
    for place, room in enumerate(rooms(sources, rng)):
        if echoes(room):
            yield Job("far", ["reverb"], {"rir": room})
            yield Job("far", ["reverb", "far"], {"rir": room, "direct_db": -10, "level": -34 + place % 3 * 4})
    for place in range(4):
        yield Job("second_talker", ["second_talker", "turns"], {"turns": True, "second_db": 0.0}, {"place": place})


def fault_jobs(sources: Sources, rng: np.random.Generator) -> Iterator[Job]:
    for ceiling, after in itertools.product((0.8, 0.6, 0.4, 0.25), (0.0, -6.0, -14.0)):
        yield Job("clipped", ["clipping"], {"clip": ceiling, "post_clip_db": after})
    for level in (-42, -44, -46, -48, -50, -52, -54, -56):
        for _ in range(3):
            yield Job("too_quiet", ["too_quiet"], {"level": level})
    for fraction, burst_ms, repeat in itertools.product((0.03, 0.08, 0.2), (20, 40, 80), (False, True)):
        lost = {"frac": fraction, "burst_ms": burst_ms, "repeat": repeat}
        yield Job("dropouts", ["dropouts"], {"dropouts": lost})
    for gaps, gap_s in ((2, 0.3), (2, 0.9), (3, 0.5), (4, 0.2)):
        yield Job("dropouts", ["dropouts"], {"dropouts": {"gaps": gaps, "gap_s": gap_s}})
    for place in range(8):
        yield Job("narrowband", ["narrowband"], {"narrow": True, "level": -22 - 2 * place})
    for offset in (-0.3, -0.1, 0.05, 0.2):
        yield Job("dc_offset", ["dc_offset"], {"dc": offset})
    yield Job("silence", ["no_speech", "silence"], {"gain": -200})
    yield Job("silence", ["no_speech", "near_silence"], {})
    for kind in sorted({row["kind"] for row in sources.noises}):
        noise = sources.noise(kind)
        yield Job(
            "noise_only", ["no_speech", f"noise:{kind}"], {"noise": str(AUDIO / noise["path"])}, {"noise_kind": kind}
        )


def combined_jobs(sources: Sources, rng: np.random.Generator) -> Iterator[Job]:
    steady = ("babble", "traffic", "fan_ac", "appliance", "music", "electrical_hum", "rain", "wind")
    for place, kind in enumerate(steady):
        noise = str(AUDIO / sources.noise(kind)["path"])
        told = {"noise_kind": kind}
        loud, quiet = [f"noise:{kind}", "loud_noise"], [f"noise:{kind}"]
        room = decaying_room((0.6, 1.0)[place % 2], -3, rng)
        yield Job("combo", [*loud, "clipping"], {"noise": noise, "snr": 5, "clip": 0.4}, told)
        yield Job("combo", [*quiet, "clipping"], {"noise": noise, "snr": 15, "clip": 0.3}, told)
        yield Job("combo", [*quiet, "too_quiet"], {"noise": noise, "snr": 10, "level": -47}, told)
        yield Job("combo", [*quiet, "reverb"], {"noise": noise, "snr": 15, "rir": room}, told)
        yield Job("combo", [*loud, "reverb"], {"noise": noise, "snr": 8, "rir": room}, told)
        yield Job("combo", [*loud, "too_quiet"], {"noise": noise, "snr": 3, "level": -46}, told)


def spoken(job: Job, sources: Sources) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments with a talker if one speaks, and the talker's description."""
    if "no_speech" in job.tags:
        return dict(job.arguments), {}
    rows = sources.talker()
    arguments = {**job.arguments, "speech": paths(rows)}
    told = {"language": rows[0]["language"], "talker": rows[0]["group"]}
    if "second_talker" in job.tags:
        others = sources.talker()
        arguments["second"] = paths(others)
        told["second_talker"] = others[0]["group"]
    return arguments, told


def make(folder: Path, seed: int) -> int:
    """Write the mixes and their ``labels.json`` into ``folder``; returns the number of mixes."""
    folder.mkdir(parents=True, exist_ok=True)
    sources, rng = Sources(seed), np.random.default_rng(seed)
    jobs = [*plain_jobs(sources, rng), *fault_jobs(sources, rng), *combined_jobs(sources, rng)]
    labels = []
    for place, job in enumerate(jobs):
        arguments, told = spoken(job, sources)
        if isinstance(arguments.get("rir"), np.ndarray):
            room = folder / f"{place:03d}_room.wav"
            soundfile.write(room, arguments["rir"] / np.abs(arguments["rir"]).max(), RATE, subtype="FLOAT")
            arguments["rir"] = str(room)
        mix, made = make_mixes.make_mix(seed=seed * 1000 + place, **arguments)
        if made.get("lost_fraction") == 0:
            continue
        snr = f"_snr{job.arguments['snr']}" if "snr" in job.arguments else ""
        kind = f"_{job.told['noise_kind']}" if "noise_kind" in job.told else ""
        name = f"{place:03d}_{job.category}{kind}{snr}.flac"
        soundfile.write(folder / name, mix, RATE, subtype="PCM_16")
        labels.append({"file": name, "category": job.category, "tags": list(job.tags), **job.told, **told, **made})
    text = json.dumps({"seed": seed, "mixes": labels}, ensure_ascii=False, indent=1)
    (folder / "labels.json").write_text(text, encoding="utf-8")
    return len(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{make(arguments.folder, arguments.seed)} mixes in {arguments.folder}")


if __name__ == "__main__":
    main()
