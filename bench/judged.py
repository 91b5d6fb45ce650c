"""Hears recordings with the product, as ``tingqing assess`` does, in this process."""

import os
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from server.app import open_engine
from server.assessment.assessment import Assessment
from server.assessment.conclusion import build_result
from server.assessment.engine import Engine, HeardAudio
from server.assessment.result import Identity, Result
from server.judge.labels import LabelSet
from server.recording.decode import Gap, read_recording
from server.recording.parties import assess_recording
from server.settings import load_settings
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding
from tools.accuracy.resume import KeptRows, code_digest, key_of, lines

MAKERS = (
    *("codecs_of_lines", "further_mixes", "pairs", "second_kind", "second_kind_items", "second_kind_places"),
    *("second_kind_signal", "spoil", "voices", "heard", "microphones"),
)
"""Of bench/: what makes the second kind of recordings and the pairs."""
AUDIO = Path(os.environ.get("TINGQING_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "audio"

PROCESSED = "processed"

PACE = "moderate_pace"
"""How fast the talkers of the material speak is not what these benches test."""


class Ear:
    """Judges files by all labels of the default dictionary. Made by ``open_ear``."""

    def __init__(self, engine: Engine, labels: LabelSet, max_s: float) -> None:
        self._engine = engine
        self._labels = labels
        self._max_s = max_s

    async def judge(self, file: Path, source: str = "file") -> Result:
        """``source``: ``file`` goes the way of ``tingqing assess``; ``processed`` is a microphone of which nothing is
        known; another is judged as a raw capture from it. A source that this version does not know counts as a file."""
        recording = read_recording(file, max_s=self._max_s)
        if source != PROCESSED and (source == "file" or source not in set(CaptureSource)):
            return await assess_recording(self._engine, recording, self._labels)
        capture = Capture() if source == PROCESSED else Capture(CaptureSource(source), False, False, False)
        core = self._engine.make_core(AudioFormat(Encoding.PCM_F32LE, recording.sample_rate))
        assessment = Assessment(self._engine, self._labels, capture)
        try:
            for block in recording.blocks():
                events = (
                    core.receive_gap(block.samples) if isinstance(block, Gap) else core.receive_pcm(block.tobytes())
                )
                await self._take(assessment, events)
            await self._take(assessment, core.finish())
            await assessment.conclude()
            return build_result(assessment, HeardAudio.of(core), Identity(id=file.stem, kind="file", name=file.name))
        finally:
            assessment.close()
            recording.close()

    @staticmethod
    async def _take(assessment: Assessment, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, WindowReady):
                await assessment.assess(event.window)


@asynccontextmanager
async def open_ear() -> AsyncIterator[Ear]:
    """With the settings of the environment, CLAP aside unless these ask for it."""
    settings = load_settings()
    async with open_engine(settings) as engine:
        yield Ear(engine, engine.dictionaries.resolve(None), settings.max_audio_s)


async def judge_all(
    folder: Path,
    items: Sequence[Mapping[str, Any]],
    keep: Path | None,
    more: Callable[[Path], dict[str, Any]] = lambda _file: {},
) -> list[dict[str, Any]]:
    """Every item of ``items`` (``file``, perhaps ``source``) with what was told of it, and ``more`` of its file.

    ``keep``: a file with a line for each item judged so far; those are not heard again, unless the recording, what is
    true of it or the code that makes it has changed. They are heard in a mixed order, so that what is there at any time
    stands for all.
    """
    kept, makers = KeptRows(keep), makers_digest()
    keys = {item["file"]: key_of(folder / item["file"], item, makers) for item in items}
    rows = {}
    async with open_ear() as ear:
        for item in random.Random(1).sample(items, len(items)):
            key, file = keys[item["file"]], folder / item["file"]
            row = kept.get(key)
            if row is None:
                result = await ear.judge(file, item.get("source", "file"))
                row = kept.add(key, {**item, **more(file), **told(result)})
            rows[item["file"]] = row
    return [rows[item["file"]] for item in items]


def makers_digest() -> str:
    """Of the code that makes the sets of recordings."""
    return code_digest([*(Path(__file__).with_name(f"{name}.py") for name in MAKERS), AUDIO / "make_mixes.py"])


def kept_rows(file: Path) -> list[dict[str, Any]]:
    """What ``judge_all`` has kept, the last of each item; none where there is no file yet."""
    return list({row["file"]: row for row in lines(file)}.values())


def failing(result: Result) -> list[str]:
    """Ids of the quality labels that do not pass, lowest score first; the talker's pace aside."""
    failed = [(one.score.score, name) for name, one in result.labels.items() if one.passed is False and name != PACE]
    return [name for score, name in sorted(failed, key=lambda pair: (pair[0] is None, pair[0]))]


def told(result: Result) -> dict[str, Any]:
    """What a table needs of a result, as JSON: unrounded scores, measures, prompts, advice."""
    return {
        "overall": result.overall.score,
        "verdict": result.overall.verdict,
        "labels": {name: one.score.score for name, one in result.labels.items() if one.score.score is not None},
        "failing": failing(result),
        "prompts": list(result.prompts),
        "advice": result.advice.en,
        "notices": [notice.en for notice in result.notices],
        "measures": asdict(result.measures),
    }
