"""How often sounds get the right name, on the half of the sources that their thresholds were not fitted on.

Needs YAMNet in the model cache (``tingqing models download yamnet`` says where to get it); hum is measured without. One
and a half minutes of CPU:

    .venv/bin/python bench/accuracy.py --only names
"""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import make_mixes
import numpy as np
import numpy.typing as npt
from live_prompts import AUDIO

from server.model.names.hum import hums
from server.model.names.mel import PATCH_SAMPLES, log_mel
from server.model.names.network import PATCH_HOP
from server.model.names.opening import MODEL_ID, ONNX
from server.model.names.told import AROUND, KEPT, OWN, Told, score
from server.model.onnx import one_thread_session
from server.model.small.deriving import derive
from server.model.small.store import SmallModels
from server.settings import load_settings
from server.values.audio import Float32Array
from tools.accuracy.part import Found, Goal, Part, Run, table

SEED, SECONDS, RATE = 3, 10, 16_000
SNRS_DB = (8, 3, -3)
ALONE, VOICE = -99, 99
"""In place of a ratio: a noise without speech, and speech or a cough without noise."""
TIMES = 3
SAFETY, LEAST, MOST = 1.2, 0.1, 0.98
PRECISION = 0.9
KINDS = {"coughing": "cough"}
UNSURE = {"coughing": {"meeting", "sneeze"}}
"""Kinds that may hold the sound too: they count neither as right nor as wrong."""


@dataclass(frozen=True)
class Heard:
    """One window of 10 s. ``half``: of its source."""

    kind: str
    source: str
    half: int
    snr_db: int
    scores: Float32Array
    hum: bool


def measure(_: Run) -> Found:
    graph = derive(SmallModels(load_settings().model_cache_dir), MODEL_ID, ONNX)
    session = None if graph is None else one_thread_session(graph)
    heard = list(windows(session))
    rows, goals = [_hum_row(heard)], []
    for told in (*AROUND, *OWN) if session is not None else ():
        row, precision = _held_out(told, heard)
        rows.append(row)
        goals.append(
            Goal(f"`{told.id}`: names are right in ≥ {PRECISION:.0%}", f"{precision:.2f}", precision >= PRECISION)
        )
    if session is None:
        goals.append(Goal("names of YAMNet", "not measured: its weights are absent"))
    clean = [one for one in heard if one.snr_db == VOICE and one.kind in {"read", "spontaneous", "command"}]
    wrong = sum(one.hum or any(score(one.scores, told) is not None for told in AROUND) for one in clean)
    goals.append(Goal(f"no name on speech alone, {len(clean)} windows", str(wrong), wrong == 0))
    head = ("sound", "precision", "told", "of windows at ≤ 8 dB", "wrong on", "sources named")
    return Found(goals, {"table": table(head, rows)})


def windows(session: Any) -> Iterator[Heard]:
    """Noises alone and under speech, then everything that is no noise."""
    base, rng = AUDIO, np.random.default_rng(SEED)
    with (base / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    talk = [row["path"] for row in rows if row["clean"] == "yes" and row["kind"] in {"read", "spontaneous"}]
    for row in rows:
        path, sound = row["path"], make_mixes.load(str(base / row["path"]))
        if path.startswith("noise/"):
            cuts = [make_mixes.fit_noise(sound, SECONDS, rng) for _ in range(TIMES)]
            yield _window(row, ALONE, cuts[0] * 10 ** ((-30 - make_mixes.rms_db(cuts[0])) / 20), session)
            for cut in cuts:
                for snr_db in SNRS_DB:
                    voice, _, _ = make_mixes.track([str(base / talk[rng.integers(len(talk))])], SECONDS, rng)
                    under = cut * 10 ** ((-26 - snr_db - make_mixes.rms_db(cut)) / 20)
                    yield _window(row, snr_db, np.clip(voice + under, -1, 1), session)
        elif path.startswith(("speech/", "realworld/", "clinical/")):
            if path.startswith("clinical/"):
                sound = make_mixes.fit_noise(sound, SECONDS, rng) * 10 ** ((-26 - make_mixes.active(sound)) / 20)
            for start in range(0, max(1, len(sound) - SECONDS * RATE + 1), SECONDS * RATE // 2):
                yield _window(row, VOICE, sound[start : start + SECONDS * RATE], session)


def _window(row: dict[str, str], snr_db: int, sound: npt.NDArray[np.float64], session: Any) -> Heard:
    pcm = sound.astype(np.float32)
    scores = np.zeros((0, len(KEPT)), np.float32)
    if session is not None and pcm.size >= PATCH_SAMPLES:
        patches = np.lib.stride_tricks.sliding_window_view(pcm, PATCH_SAMPLES)[::PATCH_HOP]
        scores = session.run(None, {"patches": log_mel(patches)})[0][:, KEPT]
    half = hashlib.sha256(f"f7:{row['group']}".encode()).digest()[0] % 2
    return Heard(row["kind"], row["group"], half, snr_db, scores, hums(pcm))


def _sure(told: Told, one: Heard) -> float:
    """The least of its best patches: where the threshold lies below, it is named."""
    exact = replace(told, least=0.0, patches=1)
    if one.scores.shape[0] < told.patches:
        return 0.0
    each = sorted(score(row[np.newaxis], exact) or 0.0 for row in one.scores)
    return each[-told.patches]


def _held_out(told: Told, heard: Sequence[Heard]) -> tuple[tuple[str, ...], float]:
    kind = KINDS.get(told.id, told.id)
    sure = {id(one): _sure(told, one) for one in heard}
    true = [one for one in heard if one.kind == kind and one.snr_db != ALONE]
    false = [one for one in heard if one.kind != kind and one.kind not in UNSURE.get(told.id, ())]
    right: list[Heard] = []
    wrong: list[Heard] = []
    for half in (0, 1):
        worst = max(sure[id(one)] for one in false if one.half == half)
        least = min(MOST, max(LEAST, SAFETY * worst))
        right += [one for one in true if one.half != half and sure[id(one)] >= least]
        wrong += [one for one in false if one.half != half and sure[id(one)] >= least]
    precision = len(right) / max(1, len(right) + len(wrong))
    sources = f"{len({one.source for one in right})} of {len({one.source for one in true})}"
    kinds = ", ".join(sorted({one.kind for one in wrong})) or "–"
    return (f"`{told.id}`", f"{precision:.2f}", str(len(right)), str(len(true)), kinds, sources), precision


def _hum_row(heard: Sequence[Heard]) -> tuple[str, ...]:
    true = [one for one in heard if one.kind == "electrical_hum" and one.snr_db != ALONE]
    right = [one for one in true if one.hum]
    wrong = [one for one in heard if one.kind != "electrical_hum" and one.hum]
    precision = len(right) / max(1, len(right) + len(wrong))
    sources = f"{len({one.source for one in right})} of {len({one.source for one in true})}"
    kinds = ", ".join(sorted({one.kind for one in wrong})) or "–"
    return ("`electrical_hum`", f"{precision:.2f}", str(len(right)), str(len(true)), kinds, sources)


NAMES = Part("names", "names of sounds", measure, ("table",))
