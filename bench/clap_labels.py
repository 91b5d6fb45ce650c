"""How new labels delay other sessions: windows are scored every 100 ms while 200 label texts are embedded.

    .venv/bin/python bench/clap_labels.py [--labels 200] [--threads 2] [--json]

Uses the published architecture with random weights and the server's scoring service. One session's windows run in a
row beside another's `labels.update`. Reports how long a window took without and with the update, how long the texts
took, and how long a third session with one new label waited. Needs no weights and no network.
"""

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

import numpy as np
import torch

from server.dictionaries import Dictionaries
from server.judge.labels import LabelSet
from server.model.clap.random_weights import random_clap
from server.model.clap.scorer import ClapScorer
from server.model.clap.spectrogram import log_mel
from server.model.clap.stand_in import clips
from server.resources import labels_dir
from server.scoring.ports import Priority, ScoreRequest
from server.scoring.service import ScoringService
from server.values.audio import Capture, CaptureSource
from server.values.rows import N_COLUMNS
from server.values.windows import Window

BETWEEN_S = 0.1


def request(labels: LabelSet) -> ScoreRequest:
    pcm = clips(0)[0]
    rows = np.zeros((1_000, N_COLUMNS), np.float32)
    window = Window(0, pcm.shape[0], 48_000, False, rows, pcm[::3], tracked={"clap_mel": log_mel(pcm)})
    return ScoreRequest(window, labels, Capture(source=CaptureSource.FILE))


async def windows_until(service: ScoringService, asked: ScoreRequest, ended: asyncio.Event) -> list[float]:
    """Milliseconds of each window."""
    took = []
    while not ended.is_set():
        began = time.perf_counter()
        (scored,) = await service.score(asked, Priority.LIVE, 30.0)
        assert scored.reply is not None
        took.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(BETWEEN_S)
    return took


async def measured(labels: int) -> dict[str, Any]:
    scorer = ClapScorer(random_clap())
    dictionaries = Dictionaries.load(labels_dir())
    many = dictionaries.resolve(",".join(f"sound number {number} of many|silence" for number in range(labels)))
    one = dictionaries.resolve("a kettle boiling|silence")
    asked = request(dictionaries.resolve(None))
    async with ScoringService([scorer]) as service:
        await service.prepare(asked.labels)
        alone, ended = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().call_later(5.0, alone.set)
        before = await windows_until(service, asked, alone)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            meanwhile = group.create_task(windows_until(service, asked, ended))
            update = group.create_task(service.prepare(many))
            await asyncio.sleep(BETWEEN_S)
            waited = time.perf_counter()
            await service.prepare(one)
            third_s = time.perf_counter() - waited
            await update
            texts_s = time.perf_counter() - began
            ended.set()
    return {
        "window_ms": round(statistics.median(before), 1),
        "window_ms_meanwhile": round(statistics.median(meanwhile.result()), 1),
        "worst_ms": round(max(before), 1),
        "worst_ms_meanwhile": round(max(meanwhile.result()), 1),
        "labels": labels,
        "labels_s": round(texts_s, 1),
        "one_label_of_another_session_s": round(third_s, 2),
        "windows_meanwhile": len(meanwhile.result()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one object on one line")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    found = asyncio.run(measured(asked.labels))
    print(json.dumps(found) if asked.json else "\n".join(f"{name:<34}{value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
