"""The acoustic scorer on real mixes: each label fails where it should, and is null, with the reason, where it must."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.judge.labels import AcousticPart, Label, LabelSet
from server.model.acoustic import AcousticScorer
from server.model.acoustic.names import MEASURE_NAMES
from server.scoring.ports import ScoreReply, ScoreRequest
from server.values.audio import Basis, Capture, CaptureSource
from server.values.measures import Mos
from server.values.rows import Column
from server.values.scores import Opinion, Why
from server.values.windows import Window
from tests.model.hearing import MixLabels, last_window, made_rows, samples_of, telemedicine, windows_of

FILE = Capture(CaptureSource.FILE)
UNKNOWN_MICROPHONE = Capture()
RAW_MICROPHONE = Capture(CaptureSource.MICROPHONE, False, False, False)
PASS = 0.70
SEED = np.random.default_rng(11)


def reply(
    window: Window, *, capture: Capture = FILE, mos: Mos | None = None, labels: LabelSet | None = None
) -> ScoreReply:
    return AcousticScorer().score([ScoreRequest(window, labels or telemedicine(), capture, mos)])[0]


def failing(opinions: Mapping[str, Opinion]) -> set[str]:
    return {label for label, opinion in opinions.items() if opinion.value is not None and opinion.value < PASS}


def silent_window(rows_of_noise: float | None = None) -> Window:
    pcm = np.zeros(160_000, np.float32)
    rows = made_rows(1000, level=-120)
    rows[:, Column.ZERO] = 1
    rows[:, Column.PEAK] = 0
    if rows_of_noise is not None:
        pcm = (SEED.standard_normal(160_000) * 10 ** (rows_of_noise / 20)).astype(np.float32)
        rows = made_rows(1000, level=rows_of_noise)
    return Window(0, 160_000, 16_000, False, rows, pcm)


def of_category(mix_labels: MixLabels, category: str, *tags: str) -> list[str]:
    return [file for file, row in mix_labels.items() if row["category"] == category and set(tags) <= set(row["tags"])]


def parts_of(label: Label) -> list[AcousticPart]:
    """On either basis."""
    found = (label.acoustic_on(basis) for basis in Basis)
    return [part for acoustic in found if acoustic is not None for part in acoustic.parts]


def test_every_measure_a_curve_reads_is_one_the_scorer_knows() -> None:
    for label in telemedicine().labels:
        for part in parts_of(label):
            assert part.measure in MEASURE_NAMES, (label.id, part.measure)


def test_every_curve_passes_its_threshold_at_seventy() -> None:
    for label in telemedicine().labels:
        for part in parts_of(label):
            values = [y for _, y in part.curve.points]
            assert min(values) < PASS <= max(values), (label.id, part.measure)


def test_clean_speech_fails_nothing_in_any_window(mixes: Path, mix_labels: MixLabels) -> None:
    for file in of_category(mix_labels, "clean") + of_category(mix_labels, "dc_offset"):
        for window in windows_of(samples_of(mixes / file)):
            assert failing(reply(window).opinions) <= {"moderate_pace"}, (file, window.end_s)


@pytest.mark.parametrize(
    ("category", "tags", "label"),
    [
        ("clipped", (), "no_clipping"),
        ("too_quiet", (), "close_enough"),
        ("narrowband", (), "full_bandwidth"),
        ("dropouts", (), "continuous_signal"),
        ("silence", (), "speech_present"),
    ],
)
def test_every_mix_of_a_condition_fails_its_label(
    mixes: Path, mix_labels: MixLabels, category: str, tags: tuple[str, ...], label: str
) -> None:
    for file in of_category(mix_labels, category, *tags):
        assert label in failing(reply(last_window(mixes / file)).opinions), file


@pytest.mark.parametrize("kind", ["fan_ac", "traffic", "appliance", "electrical_hum", "babble", "wind"])
def test_steady_noise_fails_at_three_decibels_and_passes_at_twenty(
    mixes: Path, mix_labels: MixLabels, kind: str
) -> None:
    for file in of_category(mix_labels, "noise", f"noise:{kind}"):
        snr = mix_labels[file]["snr_db"]
        if snr <= 3 or snr == 20:
            failed = "low_background" in failing(reply(last_window(mixes / file)).opinions)
            assert failed == (snr <= 3), file


def test_digital_silence_fails_presence_and_continuity_and_leaves_speech_labels_null() -> None:
    opinions = reply(silent_window()).opinions
    assert failing(opinions) >= {"speech_present", "continuous_signal"}
    for label in ("close_enough", "intelligible", "moderate_pace", "low_reverberation", "full_bandwidth"):
        assert opinions[label] == Opinion(None, Why.NO_SPEECH)


def test_noise_is_measured_where_nobody_speaks() -> None:
    loud, quiet = reply(silent_window(-25)), reply(silent_window(-75))
    assert "low_background" in failing(loud.opinions)
    assert "low_background" not in failing(quiet.opinions)
    assert loud.measures is not None
    assert loud.measures.noise_dbfs == pytest.approx(-25, abs=0.5)
    assert loud.measures.snr_db is None


def test_without_an_overlap_model_no_crosstalk_has_no_score(mixes: Path) -> None:
    window = last_window(mixes / "000_clean_en.flac")
    rows = window.rows.copy()
    rows[:, Column.OVERLAP] = -1.0
    assert reply(replace(window, rows=rows)).opinions["no_crosstalk"] == Opinion(None, Why.NO_EVIDENCE)


def test_a_label_without_curves_for_processed_sound_is_null_there(mixes: Path) -> None:
    window = last_window(mixes / "000_clean_en.flac")
    labels = telemedicine()
    plain = replace(labels, labels=tuple(replace(label, acoustic_processed=None) for label in labels.labels))
    answer = reply(window, capture=UNKNOWN_MICROPHONE, mos=Mos(3.5, 4.0, 3.3, 0), labels=plain)
    hidden = Opinion(None, Why.PROCESSING_ENABLED)
    for label in ("low_background", "close_enough", "intelligible"):
        assert answer.opinions[label] == answer.recent[label] == hidden
    for label in ("speech_present", "no_clipping", "continuous_signal", "full_bandwidth"):
        assert answer.opinions[label].value is not None


def test_pauses_that_suppression_emptied_never_pass_a_label_alone(mixes: Path) -> None:
    """Without DNSMOS and a denoiser nothing tells what suppression took of the words; a residue still fails."""
    answers = [
        reply(last_window(mixes / file), capture=UNKNOWN_MICROPHONE).opinions
        for file in ("000_clean_en.flac", "031_noise_fan_ac_snr-3_zh.flac")
    ]
    for label in ("low_background", "intelligible"):
        assert answers[0][label] == Opinion(None, Why.PROCESSING_ENABLED)
    assert "low_background" in failing(answers[1])
    rated = reply(last_window(mixes / "000_clean_en.flac"), capture=UNKNOWN_MICROPHONE, mos=Mos(3.5, 4.0, 3.3, 0))
    assert rated.opinions["low_background"].value is not None


def test_processed_sound_is_measured_as_it_is_heard(mixes: Path) -> None:
    window, mos = last_window(mixes / "000_clean_en.flac"), Mos(3.5, 4.0, 3.3, 0)
    heard, raw = (reply(window, capture=capture, mos=mos) for capture in (UNKNOWN_MICROPHONE, RAW_MICROPHONE))
    assert heard.measures == raw.measures
    assert failing(heard.opinions) == failing(raw.opinions) == set()
    assert heard.opinions["low_background"].value is not None


def test_slow_speech_never_fails_the_pace() -> None:
    pace = next(label for label in telemedicine().labels if label.id == "moderate_pace")
    assert pace.acoustic is not None
    (part,) = pace.acoustic.parts
    assert part.curve.points[0][1] == 1.0


def test_recent_reads_the_last_four_seconds_without_the_carried_floor(mixes: Path) -> None:
    window = last_window(mixes / "000_clean_en.flac")
    noisy = window.rows.copy()
    noisy[:600, Column.CLIPPED] = 0.5
    answer = reply(Window(0, window.end_sample, 16_000, False, noisy, window.pcm, carried_noise_db=-10.0))
    assert "no_clipping" in failing(answer.opinions)
    assert "no_clipping" not in failing(answer.recent)
    assert answer.recent == reply(Window(0, window.end_sample, 16_000, False, noisy, window.pcm)).recent


def test_scores_are_a_pure_function_of_the_window(mixes: Path) -> None:
    window = last_window(mixes / "030_noise_fan_ac_snr3_en.flac")
    rows, pcm = window.rows.copy(), window.pcm.copy()
    first = reply(window)
    np.testing.assert_array_equal(window.rows, rows)
    np.testing.assert_array_equal(window.pcm, pcm)
    both = AcousticScorer().score(
        [ScoreRequest(silent_window(), telemedicine(), FILE), ScoreRequest(window, telemedicine(), FILE)]
    )
    assert both[1] == first


@pytest.mark.parametrize("voice", ["002_clean_en", "096_far_en"])
@pytest.mark.parametrize("noise", ["fan_ac/Projektarbeit_aircon_2", "babble/moodist__cafe", "traffic/moodist__road"])
def test_more_of_the_same_noise_never_raises_low_background(shared: Path, mixes: Path, noise: str, voice: str) -> None:
    speech = samples_of(mixes / f"{voice}.flac")
    sound = np.resize(samples_of(shared / "audio" / "noise" / f"{noise}.flac"), speech.shape)
    sound = sound / np.float32(np.sqrt(np.mean(sound**2)))
    scores = []
    for level in (-70, -60, -52, -44, -36, -28, -22):
        window = windows_of(speech + sound * np.float32(10 ** (level / 20)))[-1]
        value = reply(window).opinions["low_background"].value
        assert value is not None
        scores.append(value)
    assert all(later <= earlier + 0.02 for earlier, later in itertools.pairwise(scores)), scores


@given(
    level=st.floats(-120, 0),
    speech=st.lists(st.floats(0, 1), min_size=1, max_size=40),
    clipped=st.floats(0, 1),
    zero=st.sampled_from([0.0, 0.5, 1.0]),
    gap=st.sampled_from([0.0, 1.0]),
    rows=st.integers(50, 1000),
    mos=st.none() | st.builds(Mos, st.floats(1, 5), st.floats(1, 5), st.floats(1, 5), st.just(0)),
)
@settings(max_examples=30)
def test_scores_lie_between_zero_and_one_whatever_the_rows(
    level: float, speech: list[float], clipped: float, zero: float, gap: float, rows: int, mos: Mos | None
) -> None:
    made = made_rows(rows, level=level)
    made[:, Column.SPEECH] = np.resize(np.repeat(np.asarray(speech, np.float32), 25), rows)
    made[:, Column.CLIPPED] = clipped
    made[rows // 3 : rows // 2, Column.ZERO] = zero
    made[rows // 4 : rows // 3, Column.GAP] = gap
    pcm = (SEED.standard_normal(rows * 160) * 10 ** (level / 20)).astype(np.float32)
    answer = reply(Window(0, rows * 160, 16_000, rows < 1000, made, np.clip(pcm, -1, 1)), mos=mos)
    for opinion in [*answer.opinions.values(), *answer.recent.values()]:
        assert opinion.value is None or 0.0 <= opinion.value <= 1.0
