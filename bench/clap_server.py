"""``tingqing serve`` with CLAP of the published shapes and random weights, or with transformers in its place.

    .venv/bin/python bench/clap_server.py --scorer ours|peer [--port 8000] [--max-sessions 64] [--no-mos]

For benchmarks: random weights cost as much as real ones; their scores mean nothing. ``peer`` puts the zero-shot
pipeline of transformers (processor, model, softmax, five label texts, as in ``tingqing bench clap``) behind the same
sockets, stream, lane and judgement, on the same windows; the rest of the server is unchanged.
"""

import argparse
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from server import app
from server.judge.labels import LabelSet
from server.logs import configure_logging
from server.model.clap.mel import MEL
from server.model.clap.published import LABEL_TEXTS
from server.model.clap.random_weights import random_clap
from server.model.clap.scorer import ClapScorer
from server.model.clap.stand_in import models, peer
from server.scoring.ports import ScoreReply, ScoreRequest
from server.settings import Settings
from server.values.scores import EvidenceKind, Opinion


class Peer:
    """``scoring.scorers.Scorer``: runs the pipeline for each window, with the texts every time."""

    name: str = "peer"
    kind: EvidenceKind = "clap"
    model: str = "transformers"

    def __init__(self) -> None:
        self._score = peer(*models(None, 0))

    def prepare(self, labels: LabelSet) -> None:
        """The pipeline has no preparation."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        return [self._reply(request) for request in requests]

    def _reply(self, request: ScoreRequest) -> ScoreReply:
        shares = self._score(request.window.pcm, LABEL_TEXTS)[0].tolist()
        labels = [label.id for label in request.labels.labels if label.clap is not None]
        return ScoreReply({label: Opinion(float(share)) for label, share in zip(labels, shares, strict=False)})


class NoMel:
    """In place of our mel: the pipeline computes its own."""

    name: str = MEL

    def advance(self, pcm: npt.NDArray[np.float32], sample_rate: int) -> None: ...

    def window(self, hops: int) -> npt.NDArray[np.generic]:
        return np.zeros(0, np.float32)

    def reset(self) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scorer", choices=("ours", "peer"), default="ours")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--max-sessions", type=int, default=64)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--no-mos", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    configure_logging("warning")

    def open_scorer(clap: str, *, sounds: Any, at_once: int, **_: Any) -> Any:
        if arguments.scorer == "peer":
            return Peer()
        return ClapScorer(random_clap(dtype=arguments.dtype, at_once=at_once), sounds)

    names: Any = app
    names.open_clap = open_scorer
    if arguments.scorer == "peer":
        names.MelTracker = NoMel
    settings = Settings(port=arguments.port, max_sessions=arguments.max_sessions, mos=not arguments.no_mos)
    app.make_server(settings).run()


if __name__ == "__main__":
    main()
