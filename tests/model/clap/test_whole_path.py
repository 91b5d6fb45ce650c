"""From a checkpoint's files to a score pushed over a real socket, without a network."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import connect

from server.errors import SettingsError
from server.settings import Settings
from tests.api.client import PROTOCOL, receive, start, stream_file, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve

LABELS = "rain, low_background"


@pytest.fixture(scope="module")
def served(checkpoint: Path) -> Iterator[Served]:
    running = serve(clap=str(checkpoint), dtype="fp32", mos=False, drain_s=1.0)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 s of noise at 16 kHz that swells."""
    path = tmp_path_factory.mktemp("audio") / "noise.wav"
    swell = 0.2 + 0.19 * np.sin(np.arange(14 * 16_000) / 16_000)
    samples = np.random.default_rng(3).uniform(-1, 1, swell.shape[0]) * swell
    soundfile.write(path, samples, 16_000, subtype="PCM_16")
    return path


async def test_clap_scores_reach_the_socket_and_the_result(served: Served, recording: Path) -> None:
    messages = await stream_file(served.ws, recording, labels=LABELS)
    started, ended = messages[0], messages[-1]
    assert started["scorers"] == ["acoustic", "clap", "names"]
    assert started["basic_mode"] is False
    rain = next(label["id"] for label in started["labels"] if label["id"].startswith("custom_"))
    updates = [message for message in messages if message["type"] == "quality.update"]
    assert len(updates) == 12
    for update in updates:
        told = update["labels"][rain]
        assert 0 <= told["score"] <= 1
        assert told["evidence"]["clap"] == told["score"]
    model = ended["result"]["model"]
    assert model["scorers"] == ["acoustic", "clap", "names"]
    assert model["clap"].startswith("tiny-clap@")
    assert ended["result"]["labels"][rain]["score"] is not None


async def test_recording_scores_as_it_does_live(served: Served, recording: Path) -> None:
    live = (await stream_file(served.ws, recording, labels=LABELS))[-1]["result"]
    async with httpx.AsyncClient(timeout=60) as client:
        files = {"file": ("noise.wav", await asyncio.to_thread(recording.read_bytes))}
        answer = await client.post(f"{served.url}/v1/assess", files=files, data={"labels": LABELS})
    for window, other in zip(answer.json()["windows"], live["windows"], strict=True):
        for label, told in window["labels"].items():
            assert told["evidence"] == pytest.approx(other["labels"][label]["evidence"], abs=1e-5)


async def test_labels_changed_in_the_middle_are_scored_from_the_next_window_on(served: Served, recording: Path) -> None:
    pcm = np.asarray(soundfile.read(recording, dtype="int16")[0], "<i2").tobytes()
    async with connect(f"{served.ws}/v1/stream", subprotocols=[PROTOCOL], compression=None, max_size=None) as socket:
        await socket.send(start(16_000, labels="low_background"))
        for at in range(0, 3 * 32_000, 32_000):
            await socket.send(pcm[at : at + 32_000])
        first = await until(socket, "quality.update")
        await socket.send(json.dumps({"type": "labels.update", "labels": "a door slamming"}))
        for at in range(3 * 32_000, len(pcm), 32_000):
            await socket.send(pcm[at : at + 32_000])
        while True:
            message = await receive(socket)
            if message["type"] == "quality.update" and message["labels"].keys() != first["labels"].keys():
                break
        (told,) = message["labels"].values()
        assert told["evidence"]["clap"] is not None


def test_readiness_names_the_checkpoint(served: Served) -> None:
    ready = httpx.get(f"{served.url}/readyz").json()
    assert ready["ready"]
    assert ready["basic_mode"] is False
    assert ready["clap"].startswith("tiny-clap@")
    assert ready["hint"] is None


async def test_an_explicit_model_that_is_not_there_is_an_error_at_start(tmp_path: Path) -> None:
    from server.app import open_engine

    settings = Settings(clap="no/such-model", model_cache_dir=tmp_path)
    with pytest.raises(SettingsError, match="tingqing models download no/such-model"):
        async with open_engine(settings):
            pass


async def test_without_weights_the_engine_says_how_to_get_them(tmp_path: Path) -> None:
    from server.app import open_engine

    async with open_engine(Settings(clap="auto", model_cache_dir=tmp_path, mos=False)) as engine:
        assert engine.basic_mode
        assert engine.clap is None
        assert engine.hint is not None
        assert "tingqing models download" in engine.hint
