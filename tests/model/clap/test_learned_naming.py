"""Sounds nobody taught, named in words nobody taught, by a CLAP that has learned something: from the file of sounds to
the prompt that a patient would see."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.dictionaries.sounds import load_sounds
from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import load_clap
from server.model.clap.scorer import ClapScorer
from server.model.clap.spectrogram import repeat_to_window
from server.resources import labels_dir
from server.scoring.ports import ScoreRequest
from server.values.audio import Capture, CaptureSource
from tests.api.client import stream_file
from tests.api.conftest import start as serve
from tools.material.clap.hearing import windows_of
from tools.material.clap.learning import FIRST_UNSEEN, label_set
from tools.material.clap.sounds import sound, wordings

AROUND = ("hum", "hiss", "rumble", "clicks", "siren", "gusts", "beeps")
OWN = ("knocks", "bells")
QUIET, SPEAKING = "rise", "fall"
EACH = 8

# Whichever test comes first waits for the training.
pytestmark = pytest.mark.timeout(1_200)


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
