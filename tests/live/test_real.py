"""End to end with the real core, scorer, DNSMOS, labels and judge, on real recordings."""

import io
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from server.app import open_engine
from server.assessment.engine import Engine
from server.live.manager import SessionManager
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.rendering.results import result_model
from server.settings import Settings
from tests.live.patient import Patient, chunks

SECONDS = 24


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """The engine that the server itself would open."""
    async with open_engine(Settings()) as engine:
        yield engine


@pytest.fixture
async def manager(engine: Engine) -> AsyncIterator[SessionManager]:
    async with SessionManager(engine) as manager:
        yield manager


def recordings(mixes: Path, count: int) -> list[Path]:
    """Evenly over the folder, so that clean, noisy and broken ones are among them."""
    files = sorted(mixes.glob("*.flac"))
    return files[:: max(1, len(files) // count)][:count]


def pcm_of(path: Path) -> tuple[bytes, int]:
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    return samples[: SECONDS * rate, 0].astype("<i2").tobytes(), rate


def start_of(rate: int, **more: Any) -> dict[str, Any]:
    return {
        "audio": {"encoding": "pcm_s16le", "sample_rate": rate},
        "capture": {"source": "file"},
        "pace": "fast",
    } | more


async def stream(manager: SessionManager, path: Path, ms: int = 100) -> dict[str, Any]:
    pcm, rate = pcm_of(path)
    patient = Patient(manager)
    await patient.start(**start_of(rate))
    for chunk in chunks(pcm, ms, rate):
        patient.socket.say(chunk)
    ended = await patient.end()
    assert len(patient.windows()) == len(ended["result"]["windows"]), "every window was told"
    result: dict[str, Any] = ended["result"]
    return result


def assert_close(one: Any, other: Any, where: str = "") -> None:
    """Equal, numbers to 1e-6; but for what names the run."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one.keys() - {"id", "name", "kind", "lag_ms", "seq"}:
            assert_close(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_close(left, right, f"{where}[{number}]")
    elif isinstance(one, float) and other is not None:
        assert math.isclose(one, other, abs_tol=1e-6), (where, one, other)
    else:
        assert one == other, where


async def test_streamed_recordings_score_as_assessed_ones(manager: SessionManager, engine: Engine, mixes: Path) -> None:
    for path, ms in zip(recordings(mixes, 4), (20, 100, 330, 1000), strict=True):
        streamed = await stream(manager, path, ms)
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        assessed = await _assess(engine, samples[: SECONDS * rate, 0], rate)
        assert_close(streamed, assessed, path.name)


async def _assess(engine: Engine, samples: Any, rate: int) -> dict[str, Any]:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    file.seek(0)
    result = await assess_recording(engine, read_recording(file, "copy.wav"), engine.dictionaries.resolve(None))
    parsed: dict[str, Any] = result_model(result).model_dump(mode="json")
    return parsed


async def test_two_sessions_at_once_never_influence_each_other(manager: SessionManager, mixes: Path) -> None:
    first, second = recordings(mixes, 2)
    alone = [await stream(manager, path) for path in (first, second)]
    (first_pcm, first_rate), (second_pcm, second_rate) = pcm_of(first), pcm_of(second)
    ours, theirs = Patient(manager), Patient(manager)
    await ours.start(**start_of(first_rate))
    await theirs.start(**start_of(second_rate))
    for one, other in zip(chunks(first_pcm, 100, first_rate), chunks(second_pcm, 100, second_rate), strict=False):
        ours.socket.say(one)
        theirs.socket.say(other)
        await ours.taken()
        await theirs.taken()
    together = [(await ours.end())["result"], (await theirs.end())["result"]]
    for one_alone, beside in zip(alone, together, strict=True):
        shorter = min(len(one_alone["windows"]), len(beside["windows"]))
        assert shorter > 5
        assert_close(one_alone["windows"][:shorter], beside["windows"][:shorter])


@pytest.mark.parametrize("broken_at_s", [6.6, 17.2])
async def test_resumed_session_scores_as_the_unbroken_one_on_real_speech(
    manager: SessionManager, mixes: Path, broken_at_s: float
) -> None:
    path = recordings(mixes, 3)[1]
    expected = await stream(manager, path)
    pcm, rate = pcm_of(path)
    first = Patient(manager)
    started = await first.start(**start_of(rate))
    for chunk in chunks(pcm[: round(broken_at_s * rate) * 2], 100, rate):
        first.socket.say(chunk)
    await first.taken()
    await first.updated(5 * rate)
    first.socket.vanish()
    await first.done
    second = Patient(manager)
    resume = {key: started[key] for key in ("session_id", "resume_token")}
    again = await second.start(**start_of(rate, resume=resume))
    assert again["next_sample"] < broken_at_s * rate
    for chunk in chunks(pcm[2 * again["next_sample"] :], 100, rate):
        second.socket.say(chunk)
    result = (await second.end())["result"]
    assert_close(expected, result)
