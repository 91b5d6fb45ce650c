"""Every shipped dictionary on real recordings, and what callers ask for beside them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.app import open_engine
from server.assessment.engine import Engine
from server.assessment.nothing_judged import NOTHING_JUDGED
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.rendering.flat import flat
from server.settings import Settings
from server.values.labels import RequestedLabel

NAMES = ["telemedicine", "cardiology", "chronic-followup", "pediatrics", "rehabilitation", "respiratory"]


@pytest.fixture(scope="module")
def recording(mixes: Path) -> Path:
    return next(path for path in sorted(mixes.glob("*.flac")) if "clean" in path.name)


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with open_engine(Settings(mos=False, clap="off")) as engine:
        yield engine


@pytest.mark.parametrize("name", NAMES)
async def test_every_dictionary_assesses_a_real_file(engine: Engine, recording: Path, name: str) -> None:
    labels = engine.dictionaries.resolve(name)
    result = await assess_recording(engine, read_recording(recording, "a.flac"), labels)
    assert (result.provenance.dictionary, result.provenance.dictionary_version) == (name, labels.version)
    assert list(result.labels) == [label.id for label in labels.shown()]
    assert 10 <= len(result.labels) <= 15
    assert result.overall.score is not None
    assert result.overall.verdict is not None
    for label in result.labels.values():
        if label.label.kind == "content":
            assert (label.score.score, label.score.why) == (None, "needs_transcript")
    assert result.advice.zh.endswith("。")
    assert result.advice.en.endswith(".")
    assert result.notices == ()


async def test_custom_chinese_titles_and_equal_titles_stand_in_result_and_table(
    engine: Engine, recording: Path
) -> None:
    labels = engine.dictionaries.resolve("狗叫=a dog barking|silence,狗叫=a dog howling|silence,咳嗽声=coughing")
    result = await assess_recording(engine, read_recording(recording, "a.flac"), labels)
    assert [label.label.title.zh for label in result.labels.values()] == ["狗叫", "狗叫", "咳嗽声"]
    assert {label.score.why for label in result.labels.values()} == {"needs_clap"}
    first, second, _ = result.labels
    assert list(flat(result, "zh")) == [f"狗叫 ({first})", f"狗叫 ({second})", "咳嗽声", "综合建议"]
    read, judged = result.notices
    assert read == labels.notices[0]
    assert "coughing" in read.en
    assert judged == NOTHING_JUDGED


async def test_two_hundred_labels_are_assessed(engine: Engine, recording: Path) -> None:
    asked = [RequestedLabel(label=f"the sound of machine {number}|silence") for number in range(199)]
    labels = engine.dictionaries.resolve([RequestedLabel(label="low_background", threshold=0.5, weight=2.0), *asked])
    result = await assess_recording(engine, read_recording(recording, "a.flac"), labels)
    assert len(result.labels) == 200
    assert result.overall.assessed == "1 of 200"
    asked_for = result.labels["low_background"].label
    assert (asked_for.threshold, asked_for.weight) == (0.5, 2.0)
