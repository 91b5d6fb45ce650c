"""Weights once per process, texts once per label: whatever the number of sessions and windows."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from server.app import open_engine
from server.assessment.assessment import Assessment
from server.dictionaries import Dictionaries
from server.model.clap import backends
from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import load_clap
from server.model.clap.scorer import ClapScorer
from server.resources import labels_dir
from server.scoring.ports import Priority, ScoreRequest
from server.scoring.service import ScoringService
from server.settings import Settings
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Encoding
from tests.model.clap.test_clap_scorer import noise, window_of
from tools.material.clap.hearing import FILE

SESSIONS = 20


def held_bytes() -> dict[int, int]:
    """Every piece of memory that tensors of this process hold now: address to bytes."""
    gc.collect()
    # Weights have no owner that lists them: a copy too many is one that nobody knows of.
    tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor)]
    return {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}


@contextmanager
def new_bytes() -> Iterator[dict[int, int]]:
    """Filled at the end of the block: the memory held then but not before."""
    before = held_bytes()
    found: dict[int, int] = {}
    yield found
    found.update({where: size for where, size in held_bytes().items() if before.get(where) != size})


@pytest.fixture
def torch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where OpenVINO is not installed."""
    monkeypatch.setattr(backends, "has_openvino", lambda: False)


async def test_twenty_sessions_share_the_weights(checkpoint: Path, torch_alone: None) -> None:
    pcm = noise(4).astype("<f4").tobytes()
    async with open_engine(Settings(clap=str(checkpoint), dtype="fp32", mos=False)) as engine:
        labels = engine.dictionaries.resolve("rain, low_background")
        sessions = []
        with new_bytes() as grown:
            for _ in range(SESSIONS):
                core = engine.make_core(AudioFormat(Encoding.PCM_F32LE, 48_000))
                assessment = Assessment(engine, labels, FILE, priority=Priority.FILE)
                sessions.append((core, assessment))
                windows = [event.window for event in core.receive_pcm(pcm) if isinstance(event, WindowReady)]
                assert (await assessment.assess(windows[0])).failures == ()
        assert len(sessions) == SESSIONS
        assert sum(grown.values()) < 4_096
        for _, assessment in sessions:
            assessment.close()


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_loaded_checkpoint_holds_each_weight_once(checkpoint: Path, torch_alone: None, dtype: str) -> None:
    with new_bytes() as held:
        loaded = load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype=dtype)
    assert isinstance(loaded.audio, backends.TorchBackend)
    tower = loaded.audio._tower
    text = [*loaded.texts._model.parameters(), *loaded.texts._model.buffers(), *loaded.texts._projection.parameters()]
    mine = [*tower.parameters(), *tower.buffers(), *text]
    needed = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in mine}
    assert sum(held.values()) <= 1.02 * sum(needed.values())


class Heard:
    """Stands in for the tokenizer and remembers what went to the text tower, and on which thread."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.texts: list[str] = []
        self.threads: set[str] = set()

    def __call__(self, texts: list[str], **options: Any) -> Any:
        self.texts += texts
        self.threads.add(threading.current_thread().name)
        return self._tokenizer(texts, **options)


async def test_a_new_label_is_embedded_once_beside_the_windows_and_never_for_one(checkpoint: Path) -> None:
    loaded = load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32")
    loaded.texts._tokenizer = heard = Heard(loaded.texts._tokenizer)
    dictionaries = Dictionaries.load(labels_dir())
    few, more = (dictionaries.resolve(asked) for asked in ("rain|silence", "rain|silence, a kettle boiling|silence"))
    window = window_of(noise(3))
    async with ScoringService([ClapScorer(loaded)]) as service:
        for labels in (few, more, more, few):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(service.prepare(labels))
            known = list(heard.texts)
            for _ in range(5):
                (scored,) = await service.score(ScoreRequest(window, labels, FILE), Priority.LIVE, 30.0)
                assert scored.reply is not None
                assert len(scored.reply.opinions) == len(labels.shown())
            assert heard.texts == known
    assert sorted(heard.texts) == ["a kettle boiling", "rain", "silence"]
    assert all(name.startswith("prepare") for name in heard.threads)
