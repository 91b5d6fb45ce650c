"""What a growing share of spoiled speech costs: the overall score shall fall steadily, without a cliff.

    .venv/bin/python bench/spoiled_share.py [--voices 1] [--kind overlap …] [--fold held] [--json FILE]

Needs the folder of recordings (TINGQING_SHARED). Talkers of ``bench/voices.py`` speak for 60 s, each kind another; in
one stretch of it, of 0 to 100 % of the length, a noise, a second voice, an echo or clipping is heard. Judged as
``tingqing assess`` does. A talker whose clean minute does not pass is left out: it tells nothing of the share.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from judged import Ear, open_ear
from spoil import self_echo
from voices import FOLDS, RATE, Audio, Cast, Fold, floor_noise, levelled, with_noise

from tools.accuracy.resume import KeptRows, key_of

SECONDS = 60
SHARES = (0.0, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.0)
FLOOR_DBFS = -66.0
BEGINS_S = 7.3
"""Where the stretch begins; what does not fit before the end goes on at the start."""
MOST_STEP, MOST_RISE = 0.15, 0.02
"""A fall by ``MOST_STEP`` for 5 % is a cliff; a rise by ``MOST_RISE`` is chance: a pause lies elsewhere."""
PASSES_UP_TO, NEVER_OVER = 0.05, 0.20
NOISES = ("babble", "fan_ac", "traffic", "music")

Spoil = Callable[[Audio, Cast], Audio]


@dataclass(frozen=True, slots=True)
class Point:
    """One judged recording. ``share``: of its length that is spoiled, 0..1."""

    kind: str
    voice: str
    share: float
    overall: float | None
    verdict: str | None
    failing: tuple[str, ...]


def noise_at(snr_db: float) -> Spoil:
    def spoil(voice: Audio, cast: Cast) -> Audio:
        kinds = [kind for kind in NOISES if kind in cast.kinds] or cast.kinds
        noise, _ = cast.noise(kinds[int(cast.rng.integers(len(kinds)))], voice.size)
        return with_noise(voice, noise, snr_db)

    return spoil


def too_loud(voice: Audio, _: Cast) -> Audio:
    """The peaks 10 dB over full scale, as from a talker who comes close."""
    return np.asarray(np.clip(voice / np.abs(voice).max() * 10 ** (10 / 20), -1, 1))


def two_voices(voice: Audio, cast: Cast) -> Audio:
    other, _ = cast.voice(voice.size / RATE)
    return np.asarray(voice + np.resize(other, voice.size))


KINDS: Mapping[str, Spoil] = {
    "noise 0 dB": noise_at(0.0),
    "noise 3 dB": noise_at(3.0),
    "noise 8 dB": noise_at(8.0),
    "clipping": too_loud,
    "echo": lambda voice, _: self_echo(voice, 200.0, 0.8),
    "overlap": two_voices,
}


def spoiled_for(clean: Audio, spoiled: Audio, share: float) -> Audio:
    """``clean`` with one stretch of ``share`` of its length as in ``spoiled``; the edges take 10 ms."""
    length = round(share * clean.size)
    gain = np.zeros(clean.size)
    gain[:length] = 1.0
    gain = np.roll(gain, round(BEGINS_S * RATE))
    if 0 < length < clean.size:
        gain = np.convolve(gain, np.ones(RATE // 100) / (RATE // 100), "same")
    return np.asarray(clean * (1.0 - gain) + spoiled * gain)


async def points(ear: Ear, cast: Cast, voices: int, kinds: Sequence[str], keep: Path | None = None) -> list[Point]:
    """Every kind at every share, with ``voices`` talkers of its own; at every share the same is said and heard.

    ``keep``: what was judged before; the recordings are made again, and only those that differ are heard.
    """
    kept = KeptRows(keep)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spoiled.wav"
        for name in (kind for kind in kinds for _ in range(voices)):
            clean, talker = await passing_voice(ear, cast, file, kept)
            spoiled = KINDS[name](clean, cast)
            for share in SHARES:
                told = await heard(ear, spoiled_for(clean, spoiled, share), file, kept)
                found.append(Point(name, talker, share, told["overall"], told["verdict"], tuple(told["failing"])))
                print(found[-1], flush=True)
    return found


async def heard(ear: Ear, sound: Audio, file: Path, kept: KeptRows) -> dict[str, Any]:
    """What is told of ``sound``, by way of ``file``; of the same samples it is judged once."""
    soundfile.write(file, np.clip(sound, -1, 1), RATE)
    key = key_of(file, {})
    row = kept.get(key)
    if row is None:
        result = await ear.judge(file)
        failing = [one for one, label in result.labels.items() if label.passed is False]
        told = result.overall
        row = {"overall": told.score, "verdict": told.verdict, "passed": told.passed, "failing": failing}
        row = kept.add(key, row)
    return row


async def passing_voice(ear: Ear, cast: Cast, file: Path, kept: KeptRows) -> tuple[Audio, str]:
    """The next talker of whom a clean minute passes. Raises RuntimeError if there is none."""
    for _ in range(cast.n_talkers):
        voice, talker = cast.voice(SECONDS)
        clean = levelled(voice, -26.0) + floor_noise(voice.size, FLOOR_DBFS, cast.rng)
        if (await heard(ear, clean, file, kept))["passed"]:
            return clean, talker
    raise RuntimeError("no clean minute passes")


def curves(found: Sequence[Point]) -> dict[tuple[str, str], list[Point]]:
    """The points of each kind and voice, by their share."""
    out: dict[tuple[str, str], list[Point]] = {}
    for one in sorted(found, key=lambda point: point.share):
        out.setdefault((one.kind, one.voice), []).append(one)
    return out


def steps(curve: Sequence[Point]) -> list[float]:
    """How much the score falls from each point to the next, for 5 % of the length; negative where it rises."""
    scores = [(one.share, 0.0 if one.overall is None else one.overall) for one in curve]
    return [(before - after) / max((to - at) / 0.05, 1.0) for (at, before), (to, after) in pairwise(scores)]


def figures(found: Sequence[Point]) -> dict[str, dict[str, Any]]:
    """By kind: the mean score at each share; the largest fall for 5 % and the largest rise of any voice; how many
    recordings pass with up to 5 % spoiled, and with more than 20 %."""
    out: dict[str, dict[str, Any]] = {}
    for kind in dict.fromkeys(one.kind for one in found):
        mine = [curve for (name, _), curve in curves(found).items() if name == kind]
        falls = [fall for curve in mine for fall in steps(curve)]
        little = [one for curve in mine for one in curve if one.share <= PASSES_UP_TO]
        much = [one for curve in mine for one in curve if one.share > NEVER_OVER + 1e-9]
        out[kind] = {
            "shares": [one.share for one in mine[0]],
            "mean": [float(np.mean([one.overall or 0.0 for one in at])) for at in zip(*mine, strict=True)],
            "largest_fall": max(falls, default=0.0),
            "largest_rise": -min(falls, default=0.0),
            "passed_of_little": [sum(one.verdict == "accept" for one in little), len(little)],
            "passed_of_much": [sum(one.verdict == "accept" for one in much), len(much)],
        }
    return out


SHOWN = (0.0, 0.05, 0.10, 0.15, 0.20, 0.30, 0.50, 0.70, 1.0)


def table(by_kind: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The figures of ``figures`` as the lines of a Markdown table."""
    head = [*(f"{share:.0%}" for share in SHOWN), "largest fall for 5 %", "largest rise", "pass up to 5 %", "over 20 %"]
    lines = [f"| spoiled by | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    for kind, one in by_kind.items():
        cells = [f"{np.interp(share, one['shares'], one['mean']):.2f}" for share in SHOWN]
        cells += [f"{one['largest_fall']:.2f}", f"{max(one['largest_rise'], 0.0):.2f}"]
        cells += ["{} of {}".format(*one[name]) for name in ("passed_of_little", "passed_of_much")]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return lines


def reached(by_kind: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether no kind has a cliff or a rise, and none passes with more than a fifth spoiled."""
    return all(
        one["largest_fall"] <= MOST_STEP and one["largest_rise"] <= MOST_RISE and not one["passed_of_much"][0]
        for one in by_kind.values()
    )


def measured(fold: Fold, voices: int, kinds: Sequence[str], seed: int = 1, keep: Path | None = None) -> dict[str, Any]:
    """What ``--json`` keeps: the points, and the figures by kind."""

    async def run() -> list[Point]:
        async with open_ear() as ear:
            return await points(ear, Cast(fold, seed), voices, kinds, keep)

    found = asyncio.run(run())
    on = {"fold": fold, "voices": voices, "seconds": SECONDS, "seed": seed}
    return {"measured_on": on, "kinds": figures(found), "points": [asdict(one) for one in found]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fold", choices=FOLDS, default="held")
    parser.add_argument("--voices", type=int, default=1, help="of each kind")
    parser.add_argument("--kind", choices=list(KINDS), nargs="+", default=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures and every point there")
    arguments = parser.parse_args()
    found = measured(arguments.fold, arguments.voices, arguments.kind, arguments.seed)
    print("\n".join(table(found["kinds"])))
    print("reached" if reached(found["kinds"]) else "missed")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
