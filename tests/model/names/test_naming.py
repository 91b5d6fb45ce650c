"""What is named, by the lines of hum and by the network's scores; what is silent; what is heard once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.dictionaries.sounds import load_sounds
from server.judge.sounds import Sounds
from server.model.names import NamingScorer, open_namer
from server.model.names.hum import hums
from server.model.names.mel import PATCH_SAMPLES, log_mel
from server.model.names.network import PATCH_HOP, Network
from server.model.names.told import AROUND, KEPT, OWN, score
from server.model.small.store import SmallModels
from server.resources import labels_dir
from server.scoring.ports import ScoreReply, ScoreRequest
from server.values.audio import Capture, CaptureSource, Float32Array
from server.values.rows import N_COLUMNS, Column
from server.values.windows import Window
from tests.judge.builders import TELEMEDICINE

RATE = 16_000
SOUNDS = load_sounds(labels_dir())
FILE = Capture(source=CaptureSource.FILE)
PROCESSED = Capture(source=CaptureSource.MICROPHONE)
BARK, COUGH, CRY, MUSIC, TYPING = 70, 42, 20, 132, 378
RNG = np.random.default_rng(7)


class Ear:
    """A session that hears in each patch what a test says. Fake because a network with random weights hears nothing."""

    def __init__(self, **_: object) -> None:
        self.patches: list[Float32Array] = []
        self.heard: list[dict[int, float]] = []

    def run(self, _: None, inputs: dict[str, Float32Array]) -> list[Float32Array]:
        """One row for each patch; ``heard`` holds its classes, in order, the last for all that follow."""
        rows = np.zeros((inputs["patches"].shape[0], 521), np.float32)
        for row in rows:
            classes = self.heard[min(len(self.patches), len(self.heard) - 1)] if self.heard else {}
            self.patches.append(row)
            for number, value in classes.items():
                row[number] = value
        return [rows]


def noise(seconds: float) -> Float32Array:
    return (RNG.standard_normal(round(seconds * RATE)) * 0.02).astype(np.float32)


def hum(seconds: float, base: float, level: float = 0.02) -> Float32Array:
    time = np.arange(round(seconds * RATE)) / RATE
    lines = [np.sin(2 * np.pi * base * n * time + n) / n for n in range(1, 13)]
    return np.asarray(level * np.sum(lines, axis=0), np.float32)


def heard(
    scorer: NamingScorer, pcm: Float32Array, capture: Capture = FILE, *, start_s: int = 0, far_end: float = 0.0
) -> ScoreReply:
    rows = np.zeros((pcm.shape[0] // 160, N_COLUMNS), np.float32)
    rows[: int(far_end * len(rows)), Column.FAR_END] = 1.0
    start = start_s * RATE
    window = Window(start, start + pcm.shape[0], RATE, pcm.shape[0] < 10 * RATE, rows, pcm)
    (reply,) = scorer.score([ScoreRequest(window, TELEMEDICINE, capture)])
    return reply


def with_ear(*patches: dict[int, float]) -> tuple[NamingScorer, Ear]:
    ear = Ear()
    ear.heard = list(patches)
    return NamingScorer(SOUNDS, Network(ear)), ear


def named(reply: ScoreReply) -> list[str]:
    return [sound.id for sound in reply.interference] + [sound.id for sound in reply.events]


# -- hum


@pytest.mark.parametrize("base", [50.0, 49.95, 60.0])
def test_mains_hum_is_named_without_any_model(base: float) -> None:
    reply = heard(NamingScorer(SOUNDS), hum(10, base) + noise(10) * 0.1)
    assert named(reply) == ["electrical_hum"]
    assert reply.interference[0].prompt.en.startswith("I can hear an electrical hum.")
    assert not reply.opinions


@pytest.mark.parametrize("base", [41.0, 55.0, 65.4, 110.0])
def test_a_tone_with_other_harmonics_is_no_hum(base: float) -> None:
    assert not hums(hum(10, base) + noise(10) * 0.1)


def test_noise_silence_and_a_single_line_are_no_hum() -> None:
    time = np.arange(10 * RATE) / RATE
    line = (0.1 * np.sin(2 * np.pi * 50 * time)).astype(np.float32)
    for pcm in (noise(10), np.zeros(10 * RATE, np.float32), line + noise(10), line):
        assert not hums(pcm)


def test_hum_needs_two_and_a_half_seconds() -> None:
    assert not hums(hum(2, 50))
    assert hums(hum(3, 50))
    assert not hums(hum(0.001, 50))


def test_a_glide_over_the_lines_is_no_hum() -> None:
    time = np.arange(10 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(100 + 10 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    voice = np.sum([np.sin(n * phase) / n for n in range(1, 8)], axis=0).astype(np.float32)
    assert not hums(0.1 * voice + noise(10) * 0.1)


# -- the network's names


@pytest.mark.parametrize(
    ("patches", "expected"),
    [
        ([{CRY: 0.3}], ["baby_cry"]),
        ([{CRY: 0.9}, {}], []),
        ([{CRY: 0.9, BARK: 0.95}], []),
        ([{CRY: 0.24}], []),
        ([{MUSIC: 0.99}], ["music"]),
        ([{MUSIC: 0.97}], []),
        ([{TYPING: 0.2}], ["typing"]),
        ([{TYPING: 0.2}, {}], []),
        ([{TYPING: 0.2, 401: 0.3}], []),
        ([{BARK: 0.99}], []),
        ([{COUGH: 0.4}, {}], ["coughing"]),
        ([{COUGH: 0.4, BARK: 0.5}], []),
        ([{COUGH: 0.3}], []),
        ([{CRY: 0.5, MUSIC: 0.99, COUGH: 0.5}], ["baby_cry", "coughing"]),
        ([{}], []),
    ],
)
def test_a_sound_is_named_where_it_is_sure_and_no_rival_is_likelier(
    patches: list[dict[int, float]], expected: list[str]
) -> None:
    scorer, _ = with_ear(*patches)
    assert named(heard(scorer, noise(10))) == expected


def test_the_score_is_how_sure_the_network_is() -> None:
    scorer, _ = with_ear({CRY: 0.5}, {CRY: 0.7}, {})
    assert heard(scorer, noise(10)).interference[0].score == pytest.approx(0.6)


def test_hum_goes_before_the_music_that_the_network_takes_it_for() -> None:
    scorer, _ = with_ear({MUSIC: 0.99})
    assert named(heard(scorer, hum(10, 50) + noise(10) * 0.1)) == ["electrical_hum"]


def test_under_processing_only_the_patients_own_sounds_are_told() -> None:
    scorer, _ = with_ear({CRY: 0.5, COUGH: 0.5})
    assert named(heard(scorer, noise(10), PROCESSED)) == ["coughing"]


def test_nothing_is_told_where_the_doctor_is_heard() -> None:
    scorer, ear = with_ear({CRY: 0.5, COUGH: 0.5})
    assert named(heard(scorer, noise(10), far_end=0.5)) == []
    assert ear.patches == []


def test_what_the_sounds_file_leaves_out_is_not_named() -> None:
    ear = Ear()
    ear.heard = [{CRY: 0.9, COUGH: 0.9}]
    assert named(heard(NamingScorer(Sounds(), Network(ear)), noise(10))) == []


def test_every_sound_that_is_told_has_a_title_and_a_prompt() -> None:
    around = {sound.id for sound in SOUNDS.interference}
    assert {told.id for told in AROUND} | {"electrical_hum"} <= around
    assert {told.id for told in OWN} <= {sound.id for sound in SOUNDS.events}
    assert list(KEPT) == sorted(set(KEPT))


def test_no_patch_no_name() -> None:
    assert score(np.zeros((0, len(KEPT)), np.float32), AROUND[0]) is None


# -- heard once


def test_windows_share_the_patches_of_the_seconds_they_share() -> None:
    stream = noise(12)
    scorer, ear = with_ear({})
    heard(scorer, stream[: 10 * RATE])
    assert len(ear.patches) == 19
    heard(scorer, stream[RATE : 11 * RATE], start_s=1)
    assert len(ear.patches) == 19 + 2
    heard(scorer, stream[RATE : 11 * RATE], start_s=1)
    assert len(ear.patches) == 19 + 2


def test_what_is_remembered_is_what_is_computed_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sums:
        """Scores that follow from the patch, to tell patches apart."""

        def run(self, _: None, inputs: dict[str, Float32Array]) -> list[Any]:
            return [np.repeat(inputs["patches"].mean(axis=(1, 2), dtype=np.float32)[:, None], 521, axis=1)]

    monkeypatch.setattr("server.model.names.network.REMEMBERED", 5)
    network, pcm = Network(Sums()), noise(4)
    first, again = network.scores(pcm), network.scores(pcm)
    np.testing.assert_array_equal(first, again)
    alone = [log_mel(pcm[at : at + PATCH_SAMPLES]).mean() for at in range(0, 4 * RATE - PATCH_SAMPLES + 1, PATCH_HOP)]
    np.testing.assert_allclose(first[:, 0], alone, rtol=1e-5)
    assert len(network._known) == 5


@pytest.mark.parametrize("pcm", [noise(0.5), np.full(RATE, np.nan, np.float32)], ids=["short", "not_finite"])
def test_too_short_or_broken_audio_has_no_patches(pcm: Float32Array) -> None:
    network = Network(Ear())
    assert network.scores(pcm).shape == (0, len(KEPT))


def test_without_weights_hum_alone_is_named(tmp_path: Path) -> None:
    scorer = open_namer(SmallModels(tmp_path), SOUNDS)
    assert named(heard(scorer, hum(10, 50))) == ["electrical_hum"]
    assert named(heard(scorer, noise(10))) == []
