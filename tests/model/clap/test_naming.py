"""Sounds named from a window's embedding, from the socket to the result."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import numpy as np
import pytest
import soundfile

from server.dictionaries import Dictionaries
from server.dictionaries.sounds import load_sounds
from server.judge.labels import LabelSet
from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import LoadedClap, load_clap
from server.model.clap.devices import Dtype
from server.model.clap.scorer import ClapScorer
from server.resources import labels_dir
from server.scoring.ports import ScoreReply, ScoreRequest
from server.values.audio import Capture, CaptureSource, Float32Array
from tests.api.client import stream_file
from tests.api.conftest import Served
from tests.api.conftest import start as serve
from tests.model.clap.test_clap_scorer import noise, window_of

if TYPE_CHECKING:
    from server.model.clap.texts import TextEmbedder

SOUNDS = load_sounds(labels_dir())
FILE = Capture(source=CaptureSource.FILE)
PROCESSED = Capture(source=CaptureSource.MICROPHONE)


class OneHot:
    """Texts of which each has an axis of its own. Fake because those of a tiny random model lie all in one place."""

    def __init__(self) -> None:
        self._axes: dict[str, int] = {}

    def embed(self, texts: Sequence[str]) -> list[Float32Array]:
        return [np.eye(512, dtype=np.float32)[self._axes.setdefault(text, len(self._axes))] for text in texts]


class Ear:
    """An audio backend that hears in every window what a test says. Fake for the same reason."""

    name: str = "ear"
    dtype: Dtype = "fp32"
    side_by_side: int = 1

    def __init__(self, texts: OneHot) -> None:
        self._texts = texts
        self.hear("quiet")

    def hear(self, *names: str) -> None:
        """These sounds, the first one best."""
        heard = np.zeros(512, np.float32)
        for place, name in enumerate(names):
            heard += sum(self._texts.embed(SOUNDS.texts()[name])) * np.float32(0.8**place)
        self.hears: Float32Array = heard / np.linalg.norm(heard)

    def embed(self, mels: Float32Array) -> Float32Array:
        return np.stack([self.hears] * mels.shape[0])


@pytest.fixture
def ear() -> Ear:
    return Ear(OneHot())


@pytest.fixture
def scorer(ear: Ear) -> ClapScorer:
    return ClapScorer(LoadedClap("ear@1", ear, cast("TextEmbedder", ear._texts), 20.0), SOUNDS)


@pytest.fixture(scope="module")
def labels() -> LabelSet:
    return Dictionaries.load(labels_dir()).resolve("low_background")


def reply(scorer: ClapScorer, labels: LabelSet, capture: Capture = FILE) -> ScoreReply:
    (told,) = scorer.score([ScoreRequest(window_of(noise()), labels, capture)])
    return told


@pytest.mark.parametrize("sound_id", [sound.id for sound in SOUNDS.interference])
def test_an_embedding_at_a_sound_is_named_by_it(ear: Ear, scorer: ClapScorer, labels: LabelSet, sound_id: str) -> None:
    ear.hear(sound_id)
    told = reply(scorer, labels)
    assert [one.id for one in told.interference] == [sound_id]
    assert told.events == ()


@pytest.mark.parametrize("sound_id", [sound.id for sound in SOUNDS.events])
def test_an_embedding_at_a_sound_of_the_patient_is_an_event(
    ear: Ear, scorer: ClapScorer, labels: LabelSet, sound_id: str
) -> None:
    ear.hear(sound_id)
    told = reply(scorer, labels)
    assert [one.id for one in told.events] == [sound_id]
    assert told.interference == ()


def test_processing_hides_what_is_around_and_not_the_patient(ear: Ear, scorer: ClapScorer, labels: LabelSet) -> None:
    ear.hear("tv", "coughing")
    assert reply(scorer, labels).interference
    told = reply(scorer, labels, PROCESSED)
    assert told.interference == ()
    assert [one.id for one in told.events] == ["coughing"]


def test_quiet_and_digital_silence_name_nothing(ear: Ear, scorer: ClapScorer, labels: LabelSet) -> None:
    ear.hear("quiet", "speaking")
    told = reply(scorer, labels)
    assert (told.interference, told.events) == ((), ())
    ear.hear("tv")
    silent = ScoreRequest(window_of(np.zeros(480_000, np.float32)), labels, FILE)
    assert scorer.score([silent])[0].interference == ()


def test_sounds_change_no_opinion_and_their_texts_are_embedded_before_the_first_window(
    checkpoint: Path, labels: LabelSet
) -> None:
    clap = load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32")
    scorer = ClapScorer(clap, SOUNDS)
    while scorer.prepare(labels):
        pass
    before = len(clap.texts._known)
    assert before >= len({text for texts in SOUNDS.texts().values() for text in texts})
    told = reply(scorer, labels)
    assert len(clap.texts._known) == before
    assert told.opinions == reply(ClapScorer(clap), labels).opinions


def test_without_sounds_nothing_is_named(ear: Ear, labels: LabelSet) -> None:
    ear.hear("tv", "coughing")
    told = reply(ClapScorer(LoadedClap("ear@1", ear, cast("TextEmbedder", ear._texts), 20.0)), labels)
    assert (told.interference, told.events) == ((), ())


# -- from the socket to the result


@pytest.fixture
def noisy_room(tmp_path: Path) -> Path:
    """16 s of loud noise at 16 kHz."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(3).uniform(-0.3, 0.3, 16 * 16_000), 16_000, subtype="PCM_16")
    return path


@pytest.fixture
def quiet_room(tmp_path: Path) -> Path:
    path = tmp_path / "quiet.wav"
    soundfile.write(path, np.random.default_rng(3).uniform(-3e-4, 3e-4, 16 * 16_000), 16_000, subtype="PCM_16")
    return path


@pytest.fixture
def served(scorer: ClapScorer) -> Iterator[Served]:
    """The real server, but for the weights."""
    running = serve(open_clap=lambda *_, **__: scorer, mos=False, drain_s=1.0)
    yield running
    running.stop()


def of_type(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [message for message in messages if message["type"] == kind]


async def test_the_television_is_named_in_update_prompt_and_result(served: Served, ear: Ear, noisy_room: Path) -> None:
    ear.hear("tv", "coughing")
    messages = await stream_file(served.ws, noisy_room, labels="low_background")
    updates = of_type(messages, "quality.update")
    assert len(updates) == 14
    for update in updates:
        (named,) = update["interference"]
        assert (named["id"], named["title"]) == ("tv", {"zh": "电视声", "en": "Television"})
        assert 0.2 <= named["score"] <= 1
        (event,) = update["events"]
        assert (event["id"], event["start_s"], event["end_s"]) == ("coughing", 0, update["window"]["end_s"])
    (prompt,) = of_type(messages, "prompt.raised")
    assert (prompt["id"], prompt["audience"]) == ("move_somewhere_quieter", "patient")
    assert prompt["text"] == {
        "zh": "周围有电视声，请到安静一点的地方再说。",
        "en": "I can hear the television. Please move somewhere quieter.",
    }
    result = messages[-1]["result"]
    assert [one["id"] for one in result["interference"]] == ["tv"]
    (event,) = result["events"]
    assert (event["title"]["en"], event["start_s"], event["end_s"]) == ("Coughing", 0, 16)
    assert result["prompts"] == ["move_somewhere_quieter"]


async def test_a_file_is_told_the_same_names_as_the_stream(served: Served, ear: Ear, noisy_room: Path) -> None:
    ear.hear("music", "sneezing")
    live = (await stream_file(served.ws, noisy_room, labels="low_background"))[-1]["result"]
    async with httpx.AsyncClient(timeout=60) as client:
        files = {"file": ("noise.wav", await asyncio.to_thread(noisy_room.read_bytes))}
        answer = await client.post(f"{served.url}/v1/assess", files=files, data={"labels": "low_background"})
    told = answer.json()
    assert told["interference"] == live["interference"] != []
    assert told["events"] == live["events"] != []


async def test_in_a_quiet_room_a_cough_is_named_but_a_television_is_not(
    served: Served, ear: Ear, quiet_room: Path
) -> None:
    ear.hear("tv", "coughing")
    messages = await stream_file(served.ws, quiet_room, labels="low_background")
    assert {len(update["interference"]) for update in of_type(messages, "quality.update")} == {0}
    assert of_type(messages, "prompt.raised") == []
    result = messages[-1]["result"]
    assert result["interference"] == []
    assert [event["id"] for event in result["events"]] == ["coughing"]


async def test_the_sounds_of_the_patient_raise_no_prompt_of_their_own(
    served: Served, ear: Ear, noisy_room: Path
) -> None:
    ear.hear("coughing", "dog_bark")
    messages = await stream_file(served.ws, noisy_room, labels="low_background")
    assert {len(update["interference"]) for update in of_type(messages, "quality.update")} == {0}
    (prompt,) = of_type(messages, "prompt.raised")
    assert prompt["text"]["en"] == "It is a bit noisy. Please move somewhere quieter."


async def test_a_real_checkpoint_of_random_weights_names_only_ids_of_the_file(
    checkpoint: Path, noisy_room: Path
) -> None:
    running = serve(clap=str(checkpoint), dtype="fp32", mos=False, drain_s=1.0)
    try:
        messages = await asyncio.wait_for(stream_file(running.ws, noisy_room, labels="low_background"), 60)
    finally:
        await asyncio.to_thread(running.stop)
    updates = of_type(messages, "quality.update")
    assert len(updates) == 14
    around, own = {one.id for one in SOUNDS.interference}, {one.id for one in SOUNDS.events}
    for update in (*updates, messages[-1]["result"]):
        assert {one["id"] for one in update["interference"]} <= around
        assert {one["id"] for one in update["events"]} <= own
