"""An evaluation with an engine that the caller opened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.app import open_engine
from server.errors import ManifestError
from server.evaluation.evaluation import Evaluation
from server.evaluation.manifest import Row
from server.evaluation.run import HeldOut, Progress, evaluate_manifest, silent
from server.settings import Settings
from server.values.audio import Float32Array


class Networks:
    """Hears no overlap, and records which recording was announced before each call."""

    context_samples = 0

    def __init__(self) -> None:
        self.told: list[str] = []
        self.heard: list[str] = []

    def listen_to(self, row: Row) -> None:
        self.told.append(row.name)

    def hear(self, pcm: Float32Array, rows: int) -> Float32Array:
        if self.told[-1] not in self.heard:
            self.heard.append(self.told[-1])
        return np.zeros(rows, np.float32)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", 0.05 * rng.standard_normal(64_000), 16_000)
    path = tmp_path / "m.csv"
    path.write_text("path,low_background\na.wav,0\nmissing.wav,1\nb.wav,0\n", encoding="utf-8")
    return path


async def evaluated(path: Path, held_out: HeldOut | None = None, progress: Progress = silent) -> Evaluation:
    async with open_engine(Settings(mos=False, clap="off"), held_out) as engine:
        labels = engine.dictionaries.resolve(None)
        return await evaluate_manifest(engine, labels, path, max_s=60.0, held_out=held_out, progress=progress)


async def test_models_are_told_of_each_recording_before_they_hear_it(manifest: Path) -> None:
    networks = Networks()
    evaluation = await evaluated(manifest, networks)
    assert networks.told == ["a.wav", "missing.wav", "b.wav"]
    assert networks.heard == ["a.wav", "b.wav"]
    assert [str(fault) for fault in evaluation.faults] == ["3: missing.wav: No such file or directory"]


async def test_progress_is_told_of_every_recording_also_of_one_at_fault(manifest: Path) -> None:
    steps: list[str] = []

    @contextmanager
    def progress(total: int, doing: str) -> Iterator[Callable[[str], None]]:
        steps.append(f"{doing} {total}")
        yield steps.append

    await evaluated(manifest, progress=progress)
    assert steps == ["listening 3", "a.wav", "missing.wav", "b.wav", "cross-validating 0"]


async def test_a_manifest_without_a_readable_recording_is_refused_with_the_first_fault(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("path,low_background\ngone.wav,1\nlost.wav,0\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"no recording to evaluate; 2: gone\.wav: No such file"):
        await evaluated(path)
