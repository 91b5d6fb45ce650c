"""A tiny CLAP learns from sounds and captions; then our path names unseen sounds in unseen words."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from transformers import ClapModel, ClapProcessor

from server.app import open_engine
from server.dictionaries.sounds import load_sounds
from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import load_clap
from server.model.clap.scorer import ClapScorer
from server.model.clap.spectrogram import repeat_to_window
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.resources import labels_dir
from server.scoring.ports import ScoreRequest
from server.settings import Settings
from server.values.audio import Capture, CaptureSource
from tests.api.client import stream_file
from tests.api.conftest import start as serve
from tools.material.clap.hearing import accuracy, areas, evidence, windows_of
from tools.material.clap.learning import FIRST_UNSEEN, label_set, learn
from tools.material.clap.sounds import KINDS, captions, sound, wordings

EACH = 8
AROUND = ("hum", "hiss", "rumble", "clicks", "siren", "gusts", "beeps")
OWN = ("knocks", "bells")
QUIET, SPEAKING = "rise", "fall"
CHANCE = 1 / len(KINDS)
UNSEEN = [(kind, FIRST_UNSEEN + number) for kind in KINDS for number in range(EACH)]
TRUTH = [kind for kind, _ in UNSEEN]

# The first test of the file waits for the training, on whatever machine this is.
pytestmark = pytest.mark.timeout(1_200)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that tells twelve kinds of sound apart. All that ask it are in this file: it is trained once."""
    return learn(tmp_path_factory.mktemp("models") / "learned-clap", steps=200, sounds=12)


@pytest.fixture(scope="module")
def scorer(learned: Path) -> ClapScorer:
    return ClapScorer(load_clap(Checkpoint("learned", "1", learned), device="cpu", dtype="fp32"))


@pytest.fixture(scope="module")
def told(scorer: ClapScorer) -> np.ndarray:
    """Evidence of every label for the last window of every unseen sound, through core, tracker, tower and texts."""
    return evidence(scorer, [windows_of(sound(*one))[-1] for one in UNSEEN], label_set())


def test_no_text_of_a_label_was_learned_from() -> None:
    for kind in KINDS:
        assert not set(wordings(kind)) & set(captions(kind, seen=True))


def test_unseen_sounds_are_named_in_unseen_words_far_above_chance(told: np.ndarray) -> None:
    assert accuracy(told, TRUTH) > 8 * CHANCE


def test_every_label_tells_its_sounds_from_all_others(told: np.ndarray) -> None:
    found = areas(told, TRUTH)
    assert min(found.values()) > 0.8, found
    assert np.mean(list(found.values())) > 0.93


def test_evidence_is_high_for_a_labels_own_sounds_and_low_for_others(told: np.ndarray) -> None:
    mine = np.array([[kind == truth for kind in KINDS] for truth in TRUTH])
    assert np.median(told[mine]) > 0.9
    assert np.median(told[~mine]) < 0.4


def test_evidence_is_that_of_clap_model_and_its_own_processor(learned: Path, told: np.ndarray) -> None:
    model = ClapModel.from_pretrained(learned, local_files_only=True)
    processor = ClapProcessor.from_pretrained(learned, local_files_only=True)
    texts = [text for kind in KINDS for text in wordings(kind)]
    for row, (kind, seed) in list(zip(told, UNSEEN, strict=True))[::7]:
        pcm = repeat_to_window(sound(kind, seed))
        given = processor(text=texts, audio=pcm, sampling_rate=48_000, return_tensors="pt", padding=True)
        given["is_longer"] = torch.zeros(1, 1, dtype=torch.bool)
        with torch.inference_mode():
            logits = model(**given).logits_per_audio[0].double().numpy().reshape(len(KINDS), -1)
        contrast = np.array([np.delete(logits[:, 0], number).mean() for number in range(len(KINDS))])
        expected = 1 / (1 + np.exp(contrast - logits.mean(1)))
        assert row == pytest.approx(expected, abs=1e-4)
        assert np.array_equal(np.argsort(row), np.argsort(expected))


async def test_recordings_are_named_from_file_to_result(learned: Path, tmp_path: Path) -> None:
    labels = label_set()
    named = []
    async with open_engine(Settings(clap=str(learned), dtype="fp32", mos=False)) as engine:
        for kind in KINDS:
            path = tmp_path / f"{kind}.flac"
            soundfile.write(path, sound(kind, FIRST_UNSEEN), 48_000)
            result = await assess_recording(engine, read_recording(path, kind, max_s=60), labels)
            scores = {name: label.score.score for name, label in result.labels.items()}
            assert None not in scores.values()
            named.append(max(scores, key=lambda name: scores[name] or 0.0) == kind)
    assert np.mean(named) > 8 * CHANCE


def test_training_again_gives_the_same_weights(tmp_path: Path) -> None:
    one, other = (learn(tmp_path / name, steps=2, sounds=1) for name in ("one", "other"))
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


# -- sounds named, from the file of sounds to the prompt that a patient would see


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Label files of an installation that names the sounds this CLAP knows, in wordings it never saw."""
    folder = tmp_path_factory.mktemp("labels")
    shutil.copy(labels_dir() / "telemedicine.toml", folder)
    lines = ["margin = 0.2"]
    lines += [f"[{name}]\ntexts = {list(wordings(kind))}" for name, kind in (("quiet", QUIET), ("speaking", SPEAKING))]
    for table, kinds in (("interference", AROUND), ("event", OWN)):
        for kind in kinds:
            prompt = (
                f'prompt = {{ zh = "有{kind}。", en = "I can hear: {kind}." }}\n' if table == "interference" else ""
            )
            title = f'title = {{ zh = "{kind}声", en = "{kind}" }}'
            lines.append(f'[[{table}]]\nid = "{kind}"\n{title}\n{prompt}texts = {list(wordings(kind))}')
    (folder / "sounds").mkdir()
    (folder / "sounds" / "sounds.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_most_unseen_sounds_are_named_and_hardly_one_wrongly(learned: Path, folder: Path) -> None:
    clap = load_clap(Checkpoint("learned", "1", learned), device="cpu", dtype="fp32")
    scorer = ClapScorer(clap, load_sounds(folder))
    kinds = [kind for kind in (*AROUND, *OWN, QUIET) for _ in range(EACH)]
    windows = [windows_of(sound(kind, FIRST_UNSEEN + number))[-1] for number, kind in enumerate(kinds)]
    capture = Capture(source=CaptureSource.FILE)
    replies = scorer.score([ScoreRequest(window, label_set(), capture) for window in windows])
    around = [[one.id for one in reply.interference] for reply in replies]
    own = [[one.id for one in reply.events] for reply in replies]
    right = np.mean([[kind] == names for kind, names in zip(kinds, around, strict=True) if kind in AROUND])
    wrong = np.mean([names not in ([], [kind]) for kind, names in zip(kinds, around, strict=True)])
    told = np.mean([[kind] == names for kind, names in zip(kinds, own, strict=True) if kind in OWN])
    assert right > 0.75, around
    assert wrong < 0.15, around
    assert told > 0.6, own


async def test_a_siren_in_the_room_is_named_to_the_patient(learned: Path, folder: Path, tmp_path: Path) -> None:
    siren = repeat_to_window(sound("siren", FIRST_UNSEEN + 1))
    path = tmp_path / "siren.wav"
    soundfile.write(path, np.tile(0.5 * siren / np.abs(siren).max(), 2), 48_000, subtype="PCM_16")
    running = serve(clap=str(learned), dtype="fp32", mos=False, labels_dir=folder, drain_s=1.0)
    try:
        messages = await stream_file(running.ws, path, labels="low_background")
    finally:
        running.stop()
    (prompt,) = [message for message in messages if message["type"] == "prompt.raised"]
    assert prompt["text"]["en"] == "I can hear: siren."
    assert [one["id"] for one in messages[-1]["result"]["interference"]] == ["siren"]
