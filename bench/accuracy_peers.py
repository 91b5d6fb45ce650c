"""Other measures on the same recordings, each in its own discipline: SNR and WADA-SNR on noise, SRMR on echo, DNSMOS on
both and on the whole."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from judged import judge_all
from live_prompts import AUDIO
from mixes_manifest import sources, truths
from mixes_table import auc
from overlap_folds import mix_groups
from peers import peers_of

from tools.accuracy.part import Found, Goal, Part, Run, ranged, table

RESAMPLES = 1000
LEAST = 5
"""Recordings of either side from which a figure means something."""
Row = Mapping[str, Any]
Floats = npt.NDArray[np.float64]

PEERS_OF: Mapping[str, Callable[[Row], float | None]] = {
    "DNSMOS overall": lambda row: row["measures"]["mos_overall"],
    "DNSMOS signal": lambda row: row["measures"]["mos_signal"],
    "DNSMOS background": lambda row: row["measures"]["mos_background"],
    "plain SNR": lambda row: row["measures"]["snr_db"],
    "WADA-SNR": lambda row: row["wada_db"],
    "SRMR": lambda row: row["srmr"],
}


@dataclass(frozen=True, slots=True)
class Discipline:
    """``ours``: the label that is compared, or ``overall``. ``truth``: whether a recording is fine; ``None``: not
    known, left out."""

    name: str
    ours: str
    peers: tuple[str, ...]
    truth: Callable[[Row], bool | None]


def truth_of(label: str) -> Callable[[Row], bool | None]:
    return lambda row: {"1": True, "0": False}.get(truths(row).get(label, ""))


def fails_by(label: str) -> Callable[[Row], bool | None]:
    """The second kind: what must be accepted against what must fail by ``label``."""

    def truth(row: Row) -> bool | None:
        wanted = row["wanted"]
        return True if wanted["verdict"] == "accept" else False if label in wanted["labels"] else None

    return truth


def accepted(row: Row) -> bool | None:
    verdict = row["wanted"]["verdict"]
    return None if verdict == "either" else bool(verdict == "accept")


NOISE = ("plain SNR", "WADA-SNR", "DNSMOS background", "DNSMOS overall")
ECHO = ("SRMR", "DNSMOS signal", "DNSMOS overall")
OF_MIXES = (
    Discipline(
        "mixes: noise, SNR ≤ 8 dB against ≥ 15 dB and clean", "low_background", NOISE, truth_of("low_background")
    ),
    Discipline("mixes: echo against dry", "low_reverberation", ECHO, truth_of("low_reverberation")),
)
OF_SECOND = (
    Discipline("second kind: must fail against must pass", "overall", ("DNSMOS overall", "DNSMOS signal"), accepted),
    Discipline("second kind: noise against what must pass", "low_background", NOISE, fails_by("low_background")),
    Discipline("second kind: echo against what must pass", "low_reverberation", ECHO, fails_by("low_reverberation")),
)


def ours_of(row: Row, name: str) -> float | None:
    value: float | None = row["overall"] if name == "overall" else row["labels"].get(name)
    return value


def value_of(name: str, ours: str) -> Callable[[Row], float | None]:
    return PEERS_OF.get(name, lambda row: ours_of(row, ours))


def compared(discipline: Discipline, rows: Sequence[Row]) -> tuple[list[tuple[str, ...]], list[Goal]]:
    """A line per measure, and a goal per peer. What a measure cannot judge stands in its middle: it decides nothing."""
    known = [(row, told) for row in rows if (told := discipline.truth(row)) is not None]
    fine = np.array([told for _, told in known], np.bool_)
    counts = f"{int(fine.sum())} / {int((~fine).sum())}"
    if min(fine.sum(), (~fine).sum()) < LEAST:
        return [(discipline.name, counts, "–", "too few", "")], []
    names = (discipline.ours, *discipline.peers)
    values = {name: filled([value_of(name, discipline.ours)(row) for row, _ in known]) for name in names}
    drawn = resampled([talker(row) for row, _ in known])
    aucs = {name: auc_of(one, fine) for name, one in values.items()}
    spread = {name: [auc_of(one[places], fine[places]) for places in drawn] for name, one in values.items()}
    lines: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for name in names:
        cells = (drawn_range(aucs[name], spread[name]), "")
        if name != discipline.ours:
            ahead = aucs[discipline.ours] - aucs[name]
            by = drawn_range(ahead, list(np.subtract(spread[discipline.ours], spread[name])), sign=True)
            cells = (cells[0], by)
            text = f"{discipline.name}: `{discipline.ours}` ahead of {name}"
            goals.append(Goal(text, f"AUC {aucs[discipline.ours]:.3f} against {aucs[name]:.3f}: {by}", bool(ahead > 0)))
        first = name == discipline.ours
        lines.append(
            (discipline.name if first else "", counts if first else "", f"`{name}`" if first else name, *cells)
        )
    return lines, goals


def filled(values: Sequence[float | None]) -> Floats:
    there = [value for value in values if value is not None]
    middle = float(np.median(there)) if there else 0.0
    return np.array([middle if value is None else value for value in values])


def auc_of(values: Floats, fine: npt.NDArray[np.bool_]) -> float:
    low, high = list(values[~fine]), list(values[fine])
    return auc(low, high) if low and high else float("nan")


def talker(row: Row) -> str:
    told: str = row.get("talker") or row["file"]
    return told


def resampled(talkers: Sequence[str]) -> list[npt.NDArray[np.intp]]:
    """Places drawn with replacement, those of one talker together."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(talkers):
        places[name].append(place)
    groups, rng = list(places.values()), np.random.default_rng(1)
    return [
        np.array([place for group in rng.integers(len(groups), size=len(groups)) for place in groups[group]])
        for _ in range(RESAMPLES)
    ]


def drawn_range(value: float, drawn: Sequence[float], *, sign: bool = False) -> str:
    """``value`` with the 95 % interval of what was drawn."""
    low, high = np.nanpercentile(np.array(drawn), (2.5, 97.5))
    return ranged(value, float(low), float(high), sign=sign)


def mix_rows(run: Run) -> list[Row]:
    """The 126 mixes as judged with everything as shipped, with what peers say of each."""
    rows, groups = mix_groups()
    group_of = {file: file for row in rows for file in row.get("speech_files", [])}
    items = [
        {**row, "talker": " ".join(sorted(sources(row, group_of)[0])) or str(row["file"])}
        for row, _ in zip(rows, groups, strict=True)
    ]
    return list(asyncio.run(judge_all(AUDIO / "mixes", items, run.folder / "mixes.jsonl", peers_of)))


def measure(run: Run) -> Found:
    goals, lines = beside_peers(OF_MIXES, mix_rows(run))
    return Found(goals, {"table": lines})


def beside_peers(disciplines: Sequence[Discipline], rows: Sequence[Row]) -> tuple[list[Goal], str]:
    """The goals, one per peer, and the table."""
    found = [compared(discipline, rows) for discipline in disciplines]
    head = ("discipline", "fine / not", "measure", "AUC (95 %)", "ours ahead by (95 %)")
    lines = [line for more, _ in found for line in more]
    return [goal for _, more in found for goal in more], table(head, lines)


PEERS = Part("peers", "126 mixes beside peers, each in its own discipline", measure, ("table",))
