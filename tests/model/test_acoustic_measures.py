"""Each measure on sound whose truth is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from server.model.acoustic.levels import noise, signal_to_noise, speech_level, steady_noise, under_echo
from server.model.acoustic.losses import is_cut, lost_rows
from server.model.acoustic.measures import AcousticReading, read, stretches
from server.model.acoustic.names import MEASURE_NAMES, Internal
from server.model.acoustic.speech import pauses, reverberation, syllable_rate
from server.stream.losses import repeated_rows
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Mos
from server.values.rows import Column, is_pause
from server.values.windows import Window
from tests.model.hearing import RATE, MixLabels, last_window, made_rows, mixer, samples_of, windows_of

RNG = np.random.default_rng(5)


def reading(window: Window, **extra: Any) -> AcousticReading:
    return read(stretches(window, 400)[0], **extra)


def conversation(speech_db: float = -25.0, noise_db: float = -60.0) -> Float32Array:
    """10 s: speech with pauses of 0.6 s, at steady levels."""
    rows = made_rows(1000, level=noise_db)
    for start in range(50, 1000, 200):
        rows[start : start + 140, Column.SPEECH] = 0.99
        rows[start : start + 140, Column.LEVEL_DB] = speech_db
        rows[start : start + 140, Column.PEAK] = 0.2
    return rows


def test_levels_are_those_of_speech_and_of_the_pauses() -> None:
    rows = conversation(-25, -60)
    room = noise(MarkedRows(rows))
    assert speech_level(MarkedRows(rows)) == pytest.approx(-25, abs=0.1)
    assert room is not None
    assert room.mean_db == pytest.approx(-60, abs=0.1)
    assert signal_to_noise(-25, -60) == pytest.approx(35, abs=0.1)


def test_noise_as_loud_as_speech_leaves_no_signal_and_a_bounded_number() -> None:
    assert signal_to_noise(-25, -25) == -20
    assert signal_to_noise(-25, -24) == -20
    assert signal_to_noise(-10, -120) == 80


def test_one_loud_event_moves_the_mean_noise_wholly_and_the_steady_part_by_half() -> None:
    rows = conversation(-25, -60)
    rows[200:215, Column.LEVEL_DB] = -20
    room = noise(MarkedRows(rows))
    assert room is not None
    assert room.median_db == pytest.approx(-60, abs=0.1)
    assert room.mean_db > -36
    assert room.steady_db == pytest.approx((room.mean_db - 60) / 2, abs=0.1)


def test_a_fan_counts_as_lasting_noise_but_a_cough_in_the_only_pause_does_not() -> None:
    rows = made_rows(400, level=-60)
    rows[:, Column.SPEECH] = 0.9
    rows[:, Column.LEVEL_DB] = np.where(np.arange(400) % 20 < 16, -26, -58)
    rows[200:260, Column.SPEECH] = 0.05
    rows[200:260, Column.LEVEL_DB] = -20
    coughed = steady_noise(MarkedRows(rows))
    assert coughed is not None
    assert coughed < -40
    rows[:, Column.LEVEL_DB] = np.maximum(rows[:, Column.LEVEL_DB], -30)
    rows[200:260, Column.LEVEL_DB] = -30
    assert steady_noise(MarkedRows(rows)) == pytest.approx(-30, abs=0.5)


def test_without_a_pause_the_carried_floor_lowers_the_estimate_and_never_raises_it() -> None:
    rows = conversation(-25, -60)
    rows[:, Column.SPEECH] = 0.9
    quiet = noise(MarkedRows(rows))
    lower = noise(MarkedRows(rows), carried_db=-75)
    higher = noise(MarkedRows(rows), carried_db=-40)
    assert quiet is not None
    assert lower is not None
    assert lower.mean_db == -75
    assert higher == quiet


def test_no_speech_level_without_speech_and_no_noise_where_all_was_lost() -> None:
    rows = made_rows(400)
    assert speech_level(MarkedRows(rows)) is None
    rows[:, Column.GAP] = 1
    assert noise(MarkedRows(rows)) is None


def test_the_first_word_that_the_detector_missed_is_not_taken_for_noise() -> None:
    rows = made_rows(400, level=-65)
    rows[:3, Column.SPEECH] = 0
    rows[40:320, Column.LEVEL_DB] = -22
    rows[70:320, Column.SPEECH] = 0.95
    room = noise(MarkedRows(rows))
    assert room is not None
    assert room.mean_db == pytest.approx(-65, abs=0.5)
    assert not is_pause(rows)[40:70].any()


def test_pauses_are_counted_between_speech_only() -> None:
    rows = conversation()
    measured = pauses(MarkedRows(rows))
    assert (measured.count, measured.longest_s) == (4, 0.6)
    assert measured.ratio == pytest.approx(0.24)


@pytest.mark.parametrize("per_second", [3, 4, 5])
def test_syllable_rate_rises_with_the_nuclei_and_needs_three_seconds(per_second: int) -> None:
    rows = made_rows(1000, speech=0.9)
    t = np.arange(1000) / 100
    rows[:, Column.SYLLABLE_DB] = -30 + 8 * np.sin(2 * np.pi * per_second * t)
    assert syllable_rate(MarkedRows(rows)) == pytest.approx(1.44 * per_second - 1.1, abs=0.2)
    assert syllable_rate(MarkedRows(rows[:290])) is None


def test_reverberation_is_silent_without_two_seconds_of_speech_or_under_noise() -> None:
    assert reverberation(MarkedRows(made_rows(400))) is None
    short = conversation(-25, -60)
    short[190:, Column.SPEECH] = 0.0
    assert reverberation(MarkedRows(short)) is None
    loud = conversation(-25, -27)
    loud[:, Column.SYLLABLE_DB] = loud[:, Column.LEVEL_DB]
    assert reverberation(MarkedRows(loud)) is None


def test_a_room_with_long_echo_reads_higher_than_the_same_voice_without(shared: Path) -> None:
    mixes = mixer(shared)
    audio = shared / "audio"
    speech = [str(audio / "speech" / "en" / "Resemblyzer__4195-17507-0000.flac")]
    dry, _ = mixes.make_mix(speech=speech, seed=4)
    wet, _ = mixes.make_mix(
        speech=speech, rir=str(audio / "rir" / "audiomentations__stereo_impulse_response.flac"), seed=4
    )
    dry_echo, wet_echo = (reading(windows_of(x.astype(np.float32))[-1]).measures.reverberation for x in (dry, wet))
    assert dry_echo is not None
    assert wet_echo is not None
    assert dry_echo < 0.15
    assert wet_echo > 0.5


@pytest.mark.parametrize("snr", [20, 15, 8])
def test_noise_alone_is_not_taken_for_echo(shared: Path, snr: int) -> None:
    audio = shared / "audio"
    mix, _ = mixer(shared).make_mix(
        speech=[str(audio / "speech" / "en" / "Resemblyzer__4195-17507-0000.flac")],
        noise=str(audio / "noise" / "babble" / "moodist__cafe.flac"),
        snr=snr,
        seed=6,
    )
    echo = reading(windows_of(mix.astype(np.float32))[-1]).measures.reverberation
    assert echo is None or echo < 0.3


def test_the_tail_of_an_echo_is_not_taken_for_noise() -> None:
    rows = conversation(-25, -60)
    for start in range(190, 1000, 200):
        rows[start : start + 60, Column.LEVEL_DB] = np.linspace(-25, -60, 60)[: 1000 - start]
    room = noise(MarkedRows(rows))
    assert room is not None
    assert room.mean_db > -50
    assert under_echo(MarkedRows(rows)) == pytest.approx(-57, abs=1)


def test_speech_that_a_loss_hides_from_the_detector_is_not_taken_for_noise() -> None:
    rows = conversation(-25, -60)
    rows[250:258, Column.ZERO] = 1.0
    rows[236:272, Column.SPEECH] = 0.0
    lost = np.zeros(1000, np.bool_)
    lost[250:258] = True
    loud, quiet = noise(MarkedRows(rows)), noise(MarkedRows(rows), lost=lost)
    assert loud is not None
    assert quiet is not None
    assert loud.mean_db > -45
    assert quiet.mean_db == pytest.approx(-60, abs=0.5)


@pytest.mark.parametrize("snr", [20, 8, 3])
def test_snr_is_within_four_decibels_of_the_mixing_arithmetic(shared: Path, snr: int) -> None:
    audio = shared / "audio"
    mix, _ = mixer(shared).make_mix(
        speech=[str(audio / "speech" / "en" / "Resemblyzer__2436-2476-0000.flac")],
        noise=str(audio / "noise" / "fan_ac" / "Projektarbeit_aircon_2.flac"),
        snr=snr,
        seed=9,
    )
    assert reading(windows_of(mix.astype(np.float32))[-1]).measures.snr_db == pytest.approx(snr, abs=4)


@pytest.mark.parametrize("gain_db", [-18, -9, 6])
def test_gain_does_not_move_snr(mixes: Path, gain_db: int) -> None:
    samples = samples_of(mixes / "022_noise_baby_cry_snr20_en.flac")
    as_is = reading(windows_of(samples)[-1]).measures
    moved = reading(windows_of(samples * np.float32(10 ** (gain_db / 20)))[-1]).measures
    assert as_is.snr_db is not None
    assert moved.snr_db == pytest.approx(as_is.snr_db, abs=1.0)
    assert moved.speech_dbfs == pytest.approx((as_is.speech_dbfs or 0) + gain_db, abs=1.0)


def test_a_telephone_band_ends_at_four_kilohertz_also_when_declared_as_16(mixes: Path) -> None:
    wide = reading(last_window(mixes / "000_clean_en.flac"))
    narrow = reading(last_window(mixes / "123_narrowband_en.flac"))
    assert (narrow.measures.bandwidth_hz or 0) <= 4000 < (wide.measures.bandwidth_hz or 0)
    assert narrow.values[Internal.TELEPHONE_EDGE_DB] < -24
    assert Internal.HIGH_BAND_DB not in narrow.values
    assert wide.values[Internal.HIGH_BAND_DB] > -50


def test_eight_kilohertz_input_reads_as_narrow(mixes: Path) -> None:
    samples = soxr.resample(samples_of(mixes / "000_clean_en.flac"), RATE, 8000).astype(np.float32)
    values = reading(windows_of(samples, 8000)[-1]).values
    assert values[Internal.TELEPHONE_EDGE_DB] < -24


def test_clean_speech_has_no_losses_and_broken_speech_has(mixes: Path, mix_labels: MixLabels) -> None:
    lost = {
        row["category"] + file: reading(last_window(mixes / file)).measures.dropout_ratio or 0.0
        for file, row in mix_labels.items()
        if row["category"] in {"clean", "dropouts"} and row.get("concealment") != "repeat"
    }
    assert all(ratio == 0 for name, ratio in lost.items() if name.startswith("clean"))
    assert all(ratio > 0.01 for name, ratio in lost.items() if name.startswith("dropouts"))


def test_packets_concealed_by_repetition_are_losses(mixes: Path, mix_labels: MixLabels) -> None:
    (file,) = (file for file, row in mix_labels.items() if row.get("concealment") == "repeat")
    assert (reading(last_window(mixes / file)).measures.dropout_ratio or 0) > 0.03


def test_a_network_gap_is_not_a_dropout() -> None:
    rows = conversation()
    pcm = (RNG.standard_normal(160_000) * 0.05).astype(np.float32)
    rows[100:110, [Column.ZERO, Column.GAP]] = 1
    pcm[16_000:17_600] = 0
    assert not lost_rows(MarkedRows(rows), pcm).any()
    rows[100:110, Column.GAP] = 0
    rows[100:110, Column.PEAK] = 0
    assert lost_rows(MarkedRows(rows), pcm)[100:110].all()


def test_a_fade_into_digital_silence_is_not_a_dropout() -> None:
    sound = (RNG.standard_normal(3200) * 0.1).astype(np.float32)
    cut = np.concatenate((sound, np.zeros(1600, np.float32), np.zeros(1600, np.float32)))
    faded = cut.copy()
    faded[3040:3200] *= np.linspace(1, 0, 160, dtype=np.float32)
    assert is_cut(cut, 3200, 4800, 0.01)
    assert not is_cut(faded, 3200, 4800, 0.01)


def test_hum_and_offsets_are_not_taken_for_repeated_packets() -> None:
    t = np.arange(48_000) / RATE
    hum = (0.2 * np.sin(2 * np.pi * 50 * t) + 0.15 + 1e-4 * RNG.standard_normal(48_000)).astype(np.float32)
    assert not repeated_rows(hum[:16_960], 960, np.full(100, 0.9, np.float32)).any()


def test_dnsmos_background_is_not_believed_in_an_echoing_room(mixes: Path) -> None:
    mos = Mos(3.0, 2.0, 2.0, 0)
    echoing = reading(last_window(mixes / "097_far_zh.flac"), mos=mos)
    dry = reading(last_window(mixes / "000_clean_en.flac"), mos=mos)
    believed = {Internal.TRUSTED_MOS_BACKGROUND, Internal.UNPAUSED_MOS_BACKGROUND}
    assert echoing.measures.mos_background == dry.measures.mos_background == 2.0
    assert not believed & set(echoing.values)
    assert believed & set(dry.values)


def test_speech_seconds_are_scaled_to_a_full_window(mixes: Path) -> None:
    partial = next(w for w in windows_of(samples_of(mixes / "000_clean_en.flac")) if w.partial)
    values = reading(partial).values
    assert values[Internal.SPEECH_S] == pytest.approx(partial.speech_s * 10 / 3)


def test_the_document_names_every_measure_that_curves_may_read() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")
    assert [name for name in sorted(MEASURE_NAMES) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(("zeros_before", "lost"), [(0.7, False), (0.0, True)])
def test_a_word_after_a_pause_rounded_to_zeros_is_not_a_dropout(zeros_before: float, lost: bool) -> None:
    rows = made_rows(100)
    rows[:, Column.SPEECH], rows[:, Column.PEAK] = 0.99, 0.003
    rows[37:40, Column.ZERO] = zeros_before
    rows[40:50, Column.ZERO] = 1.0
    pcm = (0.002 * RNG.standard_normal(100 * 160)).astype(np.float32)
    pcm[37 * 160 : 40 * 160] *= 0.0 if zeros_before else 1.0
    pcm[40 * 160 : 50 * 160] = 0.0
    assert lost_rows(MarkedRows(rows), pcm)[40:50].any() == lost


def test_a_cut_in_room_noise_is_not_a_dropout() -> None:
    pcm = (0.002 * RNG.standard_normal(160_000)).astype(np.float32)
    rows = conversation()
    rows[:, Column.PEAK] = np.where(rows[:, Column.SPEECH] >= 0.5, 0.05, 0.006)
    rows[60:90, Column.ZERO], pcm[60 * 160 : 90 * 160] = 1.0, 0.0
    assert not lost_rows(MarkedRows(rows), pcm).any()
    pcm[55 * 160 : 60 * 160] *= 10.0
    rows[55:60, Column.PEAK] = 0.06
    assert lost_rows(MarkedRows(rows), pcm)[60:90].all()
