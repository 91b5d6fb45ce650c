"""The network that hears two people at once, on real recordings and on made sound."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from server.model.acoustic.crosstalk import LEAST_ROWS, LEAST_SNR_DB, MOST_ECHO, SURE, overlap_share
from server.model.acoustic.names import Internal
from server.model.acoustic.scorer import readings
from server.model.overlap import FRAME, STEP, WEIGHTS, OverlapNetwork, load_overlap, relative, spectrum
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Mos
from server.values.rows import Column
from tests.model.hearing import MixLabels, last_window, made_rows, mixer, overlap_network, samples_of, windows_of
from tools.material.overlap_layers import probabilities, weights_of_the_network

Float64Array = npt.NDArray[np.float64]
QUIET = Mos(3.5, 4.0, 3.3, 0)


def shares(samples: Float32Array) -> list[float]:
    """``overlap`` of every full window that has one."""
    found = [readings(window, QUIET)[0].values for window in windows_of(samples) if not window.partial]
    return [values[Internal.OVERLAP] for values in found if Internal.OVERLAP in values]


def spoken(n: int, overlap: float) -> Float32Array:
    rows = made_rows(n, level=-25.0, speech=0.9)
    rows[:, Column.OVERLAP] = overlap
    return rows


def test_two_voices_of_the_mixes_are_told_from_one(mixes: Path, mix_labels: MixLabels) -> None:
    two = [name for name, row in mix_labels.items() if "overlap" in row["tags"] and row["second_talker_rel_db"] >= -5]
    one = [name for name, row in mix_labels.items() if row["category"] == "clean" or "turns" in row["tags"]]
    told = {name: shares(samples_of(mixes / name)) for name in two}
    for name, values in told.items():
        # A second voice that fills every pause reads as noise; then the background is the finding.
        assert not values or np.median(values) >= 0.12, name
    assert sum(bool(values) for values in told.values()) >= 3
    for name in one:
        assert np.median(shares(samples_of(mixes / name)) or [0.0]) <= 0.06, name


def test_the_echo_of_a_voice_is_not_a_second_voice(shared: Path) -> None:
    made = mixer(shared)
    rir = next((shared / "audio" / "rir").glob("*rir1.flac"))
    speech = shared / "audio" / "speech" / "en" / "Resemblyzer__446-123501-0000.flac"
    echoing, _ = made.make_mix([str(speech)], rir=str(rir), seed=3)
    assert max(shares(echoing.astype(np.float32)), default=0.0) < 0.1


def test_the_gain_changes_nothing(mixes: Path) -> None:
    pcm = samples_of(mixes / "070_second_talker_en.flac")[:24_000]
    network = overlap_network()
    assert network.hear(np.asarray(pcm * 0.1, np.float32), 100) == pytest.approx(network.hear(pcm, 100), abs=2e-2)


@pytest.mark.parametrize("samples", [0, 160, FRAME, FRAME + 10 * STEP])
def test_too_little_sound_is_not_judged(samples: int) -> None:
    rows = samples // 160
    assert (overlap_network().hear(np.zeros(samples, np.float32), rows) == -1.0).all()


@pytest.mark.parametrize("pcm", [np.zeros(24_000), np.ones(24_000), np.sign(np.sin(np.arange(24_000)))])
def test_any_sound_has_a_probability(pcm: Float64Array) -> None:
    heard = overlap_network().hear(pcm.astype(np.float32), 100)
    assert heard.shape == (100,)
    assert heard.dtype == np.float32
    assert ((heard >= 0) & (heard <= 1)).all()


def test_an_answer_stands_where_its_sound_is() -> None:
    """Kernels that only let the level of one bin through: what comes out must rise where a tone begins."""
    arrays = {name: np.zeros_like(array) for name, array in np.load(WEIGHTS).items()}
    arrays["first"][10, 0] = arrays["second"][7 * 8, 0] = 1.0  # the middle of either kernel, channel 0
    arrays["project"][::16, 0] = 1.0  # every band of channel 0
    arrays["out"][0], arrays["out_bias"] = 1.0, np.float32(-8.0)
    pcm = np.zeros(24_000, np.float32)
    pcm[16_000:] = np.sin(2 * np.pi * 600 * np.arange(8_000) / 16_000)
    heard = OverlapNetwork(arrays).hear(pcm, 100)
    assert heard[:44].max() < heard[58:].min()


@pytest.mark.parametrize("name", ["000_clean_en.flac", "070_second_talker_en.flac"])
@pytest.mark.parametrize("frames", [12, 13, 47, 72])
def test_the_graph_gives_what_the_layers_give_one_by_one(name: str, frames: int, mixes: Path) -> None:
    weights = weights_of_the_network()
    for start in range(0, 160_000, 40_000):
        levels = relative(spectrum(samples_of(mixes / name)[start : start + 24_000]))[:frames]
        told = overlap_network().probabilities(levels)
        np.testing.assert_allclose(told, probabilities(weights, levels), atol=1e-6, rtol=0)


def test_what_the_network_reads_is_relative_to_its_loud_frames() -> None:
    rng = np.random.default_rng(0)
    levels = spectrum(np.asarray(rng.standard_normal(24_000) * 0.05, np.float32))
    assert levels.shape == (72, 192)
    assert relative(levels + 20.0) == pytest.approx(relative(levels), abs=1e-5)
    assert relative(levels).min() >= -2.5


def share(
    rows: Float32Array, snr_db: float | None = 40.0, mos_background: float | None = None, echo: float | None = 0.0
) -> float | None:
    return overlap_share(MarkedRows(rows), snr_db=snr_db, mos_background=mos_background, reverberation=echo)


def test_a_share_counts_the_sure_rows_of_the_speech() -> None:
    rows = spoken(400, 0.0)
    rows[100:200, Column.OVERLAP] = SURE
    rows[200:300, Column.OVERLAP] = SURE - 0.01
    assert share(rows) == pytest.approx(0.25)
    rows[100:200, Column.SPEECH] = 0.1
    assert share(rows) == 0.0


def test_overlap_is_absent_in_noise_in_an_echo_and_with_little_speech() -> None:
    rows = spoken(400, 0.9)
    assert share(rows, LEAST_SNR_DB, 4.0, MOST_ECHO - 0.01) == 1.0
    assert share(rows, LEAST_SNR_DB - 0.1, 4.0) is None
    assert share(rows, None) is None
    assert share(rows, mos_background=2.3) is None
    assert share(rows, mos_background=2.5) == 1.0
    assert share(rows, echo=MOST_ECHO) is None
    assert share(rows, echo=None) is None
    assert share(rows[: LEAST_ROWS - 1]) is None
    assert share(spoken(400, -1.0)) is None


def test_overlap_is_in_a_window_after_the_first_dnsmos_result_but_never_in_recent(mixes: Path) -> None:
    window = last_window(mixes / "073_second_talker_zh.flac")
    whole, recent = readings(window, QUIET)
    assert Internal.OVERLAP in whole.values
    assert Internal.OVERLAP not in recent.values
    noisy, _ = readings(window, Mos(3.0, 2.0, 2.5, 0))
    assert Internal.OVERLAP not in noisy.values
    unheard, _ = readings(window, None)
    assert Internal.OVERLAP not in unheard.values
    quiet, _ = readings(replace(window, rows=window.rows[:100], pcm=window.pcm[:16_000]), QUIET)
    assert Internal.OVERLAP not in quiet.values


def test_weights_that_are_missing_are_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", first=np.zeros((21, 8), np.float32))
    with pytest.raises(KeyError):
        load_overlap(tmp_path / "some.npz")
