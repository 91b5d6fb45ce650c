"""What CLAP says of a window, and when it says nothing."""

from pathlib import Path

import numpy as np
import pytest

from server.dictionaries import Dictionaries
from server.judge.labels import LabelSet
from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import load_clap
from server.model.clap.scorer import ClapScorer
from server.model.clap.spectrogram import log_mel, repeat_to_window
from server.resources import labels_dir
from server.scoring.ports import ScoreRequest
from server.values.audio import Capture, CaptureSource, Float32Array
from server.values.rows import N_COLUMNS, Column
from server.values.scores import Opinion, Why
from server.values.windows import Window

FILE = Capture(source=CaptureSource.FILE)
PROCESSED = Capture(source=CaptureSource.MICROPHONE)


@pytest.fixture(scope="module")
def scorer(checkpoint: Path) -> ClapScorer:
    return ClapScorer(load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32"))


@pytest.fixture(scope="module")
def dictionaries() -> Dictionaries:
    return Dictionaries.load(labels_dir())


def window_of(pcm: Float32Array, *, speech: float = 1.0) -> Window:
    """``pcm`` at 48 kHz; ``speech``: the probability in every row."""
    seconds = pcm.shape[0] // 48_000
    rows = np.zeros((seconds * 100, N_COLUMNS), np.float32)
    rows[:, Column.SPEECH] = speech
    with np.errstate(invalid="ignore"):
        mel = log_mel(repeat_to_window(pcm))
    return Window(0, pcm.shape[0], 48_000, seconds < 10, rows, pcm[::3], tracked={"clap_mel": mel})


def noise(seconds: int = 10, seed: int = 0) -> Float32Array:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, seconds * 48_000).astype(np.float32)


def opinions(scorer: ClapScorer, window: Window, labels: LabelSet, capture: Capture = FILE) -> dict[str, Opinion]:
    (reply,) = scorer.score([ScoreRequest(window, labels, capture)])
    assert not reply.recent
    return dict(reply.opinions)


def test_evidence_is_the_sigmoid_of_scaled_differences_of_cosines(
    scorer: ClapScorer, dictionaries: Dictionaries
) -> None:
    labels = dictionaries.resolve("low_background")
    window = window_of(noise())
    clap = scorer._clap
    heard = clap.audio.embed(np.asarray(window.tracked["clap_mel"], np.float32)[None])[0]
    (label,) = labels.shown()
    assert label.clap is not None
    near, far = (
        np.mean([text @ heard for text in clap.texts.embed(texts)])
        for texts in (label.clap.positive, label.clap.contrast)
    )
    expected = 1 / (1 + np.exp(-clap.scale * (near - far)))
    assert opinions(scorer, window, labels)[label.id].value == pytest.approx(expected, abs=1e-5)


def test_exactly_the_labels_with_texts_get_an_opinion(scorer: ClapScorer, dictionaries: Dictionaries) -> None:
    labels = dictionaries.resolve(None)
    told = opinions(scorer, window_of(noise()), labels)
    assert set(told) == {label.id for label in labels.labels if label.clap is not None}
    assert told


def test_a_further_label_changes_no_other_score(scorer: ClapScorer, dictionaries: Dictionaries) -> None:
    window = window_of(noise())
    alone = opinions(scorer, window, dictionaries.resolve("a dog barking|silence"))
    among = opinions(scorer, window, dictionaries.resolve("rain, a dog barking|silence, low_background, music"))
    ((label, opinion),) = alone.items()
    assert among[label] == opinion


def test_two_hundred_labels_are_scored(scorer: ClapScorer, dictionaries: Dictionaries) -> None:
    labels = dictionaries.resolve(",".join(f"sound number {number} of many" for number in range(200)))
    told = opinions(scorer, window_of(noise()), labels)
    assert len(told) == 200
    assert all(opinion.value is not None and 0 <= opinion.value <= 1 for opinion in told.values())


def test_a_batch_scores_as_its_windows_one_by_one(scorer: ClapScorer, dictionaries: Dictionaries) -> None:
    labels = dictionaries.resolve(None)
    silent = np.zeros(480_000, np.float32)
    requests = [ScoreRequest(window_of(pcm), labels, FILE) for pcm in (noise(seed=1), silent, noise(3, seed=2))]
    together = scorer.score(requests)
    assert [reply.opinions for reply in together] == [scorer.score([request])[0].opinions for request in requests]


@pytest.mark.parametrize("level", [0.0, 0.5], ids=["zeros", "dc-alone"])
def test_digital_silence_gives_no_evidence(scorer: ClapScorer, dictionaries: Dictionaries, level: float) -> None:
    told = opinions(scorer, window_of(np.full(480_000, level, np.float32)), dictionaries.resolve("rain, close_enough"))
    assert {opinion.why for opinion in told.values()} == {Why.NO_EVIDENCE}


def test_a_non_finite_sample_gives_no_evidence(scorer: ClapScorer, dictionaries: Dictionaries) -> None:
    pcm = noise()
    pcm[1234] = np.nan
    told = opinions(scorer, window_of(pcm), dictionaries.resolve("rain"))
    assert {opinion.why for opinion in told.values()} == {Why.NO_EVIDENCE}


@pytest.mark.parametrize(
    "pcm",
    [
        np.sign(noise()).astype(np.float32),
        (np.sign(noise()) * 32_767).astype(np.float32),
        noise() + np.float32(0.5),
        noise(3),
    ],
    ids=["full-scale", "int16-taken-for-float", "dc", "three-seconds"],
)
def test_odd_sound_is_scored(scorer: ClapScorer, dictionaries: Dictionaries, pcm: Float32Array) -> None:
    told = opinions(scorer, window_of(pcm), dictionaries.resolve("rain, low_background"))
    assert all(opinion.value is not None and 0 <= opinion.value <= 1 for opinion in told.values())


def test_labels_about_speech_wait_for_speech_and_ad_hoc_ones_do_not(
    scorer: ClapScorer, dictionaries: Dictionaries
) -> None:
    labels = dictionaries.resolve("rain, low_background")
    told = opinions(scorer, window_of(noise(), speech=0.0), labels)
    assert told.pop("low_background") == Opinion(None, Why.NO_SPEECH)
    assert [opinion.why for opinion in told.values()] == [None]


def test_clap_never_passes_a_label_that_processing_hides(scorer: ClapScorer, dictionaries: Dictionaries) -> None:
    labels = dictionaries.resolve("low_background, close_enough")
    told = opinions(scorer, window_of(noise()), labels, PROCESSED)
    assert {told[label].why for label in ("low_background", "close_enough")} == {Why.PROCESSING_ENABLED}


@pytest.mark.parametrize(
    ("asked", "hidden"),
    [
        ("rain", True),
        ("a voice from far away", True),
        ("有狗=a dog barking", True),
        ("clear speech|speech in background noise", True),
        ("a hoarse voice", False),
        ("哭腔=a person speaking in tears|an even voice", False),
    ],
)
def test_processing_hides_what_an_ad_hoc_label_says_of_noise_or_loudness_and_nothing_else(
    scorer: ClapScorer, dictionaries: Dictionaries, asked: str, hidden: bool
) -> None:
    (told,) = opinions(scorer, window_of(noise()), dictionaries.resolve(asked), PROCESSED).values()
    assert told.why is (Why.PROCESSING_ENABLED if hidden else None)
    (told,) = opinions(scorer, window_of(noise()), dictionaries.resolve(asked)).values()
    assert told.value is not None


def test_preparing_labels_leaves_no_text_to_a_window(scorer: ClapScorer, dictionaries: Dictionaries) -> None:
    labels = dictionaries.resolve("a kettle boiling")
    while scorer.prepare(labels):
        pass
    before = len(scorer._clap.texts._known)
    opinions(scorer, window_of(noise()), labels)
    assert len(scorer._clap.texts._known) == before
