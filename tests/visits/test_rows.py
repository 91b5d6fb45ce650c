"""What was seen in real visits, row by row, and the tests that hold what is wanted.

What needs a model of voices or of hearing (a faint patient beside a loud relative on one channel, two voices at once,
horns and barks), and what only figures over many recordings can show, is not here.

Listening is normal, in files and live
    visits/test_rows.py
        test_a_patient_who_mostly_listens_is_accepted_and_left_in_peace
    cli/test_meter.py
        test_who_listens_in_a_visit_is_silent_and_not_hard_to_hear

The doctor from the loudspeaker
    recording/test_parties.py
        test_the_far_ends_own_file_keeps_the_doctor_out_of_the_judgement
    live/test_far_end.py
        test_what_the_far_end_says_is_not_the_patients_speech

Two channels, a faint patient on one
    recording/test_parties.py
        test_a_faint_patient_is_not_hidden_by_a_loud_doctor_on_the_other_channel

A dead channel, channels that cancel
    recording/test_parties.py
        test_one_voice_on_two_channels_is_judged_as_on_one
    recording/test_channels.py
        test_channels_that_cancel_are_told_and_one_is_judged

One sound on two channels, and who must not be taken for it
    recording/test_parties.py
        test_a_real_voice_and_its_copy_are_one_sound
    recording/test_channels.py
        test_two_people_with_cross_talk_are_not_one_sound
    recording/test_parties.py
        test_a_faint_patient_with_a_doctor_on_both_channels_is_not_hidden

More than eight channels
    recording/test_parties.py
        test_a_patient_on_the_ninth_channel_of_nine_is_judged
    recording/test_parties.py
        test_more_channels_than_are_compared_are_told

A WAV that was streamed
    recording/test_wav.py
        test_a_header_that_was_never_filled_in_is_read_to_the_end
    api/test_assess.py
        test_a_wav_written_into_a_pipe_is_judged_to_its_end

Eight lost quanta a second
    model/test_signal_faults.py
        test_eight_lost_audio_quanta_a_second_break_the_signal

Concealed packets
    model/test_signal_faults.py
        test_a_sixth_of_concealed_packets_breaks_the_signal_and_five_do_not

The same, as a verdict
    visits/test_rows.py
        test_a_fault_is_told_by_its_own_prompt_alone

Clipped, then turned down
    model/test_signal_faults.py
        test_clipping_that_was_turned_down_and_resampled_is_told

Live equals the file
    live/test_real.py
        test_streamed_recordings_score_as_assessed_ones

The patient's own echo
    model/test_signal_faults.py
        test_the_talkers_own_echo_is_told_as_such

A gated microphone, an 8-bit WAV, a quiet clean voice
    visits/test_rows.py
        test_what_harms_nothing_is_accepted

A telephone's band
    model/test_signal_faults.py
        test_a_telephone_band_is_named_whatever_resampled_it_and_passes_as_a_line

A recorded call, said to be one
    api/test_assess.py
        test_a_recorded_call_is_judged_as_one_if_it_is_said_to_be
    cli/test_assess.py
        test_a_recorded_call_is_judged_as_one_if_it_is_said_to_be

Bytes that are not what was declared
    stream/test_declared.py
        test_other_samples_than_declared_are_guessed_once
    live/test_session.py
        test_bytes_that_are_not_what_was_declared_are_told_once_and_prompt_nobody

Hum or floor of an open line
    recording/test_assess.py
        test_an_input_that_gives_nothing_from_a_room_is_asked_whether_it_is_muted

An MP3 with cover art as a blob
    api/test_assess.py
        test_an_mp3_with_cover_art_needs_no_name

A wrong prompt delays the right one
    judge/test_prompts.py
        test_a_prompt_that_cleared_early_delays_no_other
    judge/test_prompts.py
        test_a_prompt_that_asks_for_speech_delays_no_other

Lasting noise, nobody watching
    judge/test_prompts.py
        test_where_nobody_observes_the_prompt_for_a_lasting_trouble_stays

Noise that comes back
    judge/test_prompts.py
        test_a_trouble_that_comes_back_a_minute_after_its_end_is_new

A covered microphone
    model/test_signal_faults.py
        test_a_covered_microphone_is_told_over_any_floor

DNSMOS under 11 s
    assessment/test_assessment.py
        test_dnsmos_counts_in_the_verdict_however_short_the_recording

Trouble in part of the time
    visits/test_rows.py
        test_more_spoiled_speech_never_makes_a_better_result
    judge/test_spoiled.py
        test_a_session_is_judged_by_the_share_of_it_that_is_spoiled

How much cannot be heard is told
    judge/test_advice.py
        test_advice_says_how_much_cannot_be_heard

Lost audio
    visits/test_rows.py
        test_lost_audio_is_listed_and_never_reads_as_noise

Arm's length in a furnished room, and a hall
    model/test_rooms.py
        test_arms_length_in_a_furnished_room_is_no_fault
    model/test_rooms.py
        test_a_hall_is_told_as_echo

Whispers
    model/test_whispers.py
        test_a_clear_whisper_is_no_noise_and_no_mumble_whatever_dnsmos_says

Languages, low and high voices (children imitated by playing faster; dialects are missing)
    model/test_fairness.py
        test_clean_speech_passes_alike_whoever_speaks

A handful of clipped samples
    model/test_signal_faults.py
        test_twelve_clipped_samples_are_no_clipping

Soft saturation
    model/test_signal_faults.py
        test_a_soft_amplifier_driven_hard_is_told

Hard clipping is not noise
    model/test_harm.py
        test_hard_clipping_is_not_called_noise_beside

Number and word agree
    judge/test_verdict.py
        test_number_grade_and_verdict_never_contradict_each_other
    visits/test_rows.py
        test_the_first_seconds_of_a_clean_recording_are_never_called_less_than_clear

Little speech is told
    assessment/test_assessment.py
        test_a_result_with_little_speech_says_so

Windows lost at the end are told
    live/test_session.py
        test_fast_stream_whose_scorer_is_stuck_at_the_end_says_how_much_it_lost

Zeros after a pause
    browser/unit/settling.test.mjs
        zeros between a pause and the first sound are left out

Transmission that stops in pauses (DTX), with updates every 400 ms
    visits/test_rows.py
        test_transmission_that_stops_in_pauses_loses_nothing

A mistyped `?labels=`
    dictionaries/test_resolve.py
        test_one_word_that_is_nearly_a_name_is_told_as_mistyped
"""

import io
import itertools
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from server.app import open_engine
from server.assessment.engine import Engine
from server.assessment.result import Result
from server.assessment.updates import Assessed
from server.judge.judgement import PromptRaised
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.settings import Settings
from server.values.audio import Float32Array
from server.values.mode import Mode
from tests.conftest import ROOT
from tests.visits import material
from tests.visits.material import RATE
from tools.material.visits.processing import concealed_packets
from tools.material.visits.truth import Stretch

CLEAN = ("000_clean_en.flac", "003_clean_zh.flac", "007_clean_zh.flac")
Change = Callable[[Float32Array], Float32Array]


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with open_engine(Settings(mos=False, clap="off")) as opened:
        yield opened


async def judged(
    engine: Engine, sound: Float32Array, *, mode: Mode = Mode.RECORDING, subtype: str = "PCM_16"
) -> tuple[Result, list[Assessed]]:
    """The result, and what a live session says after each window."""
    windows: list[Assessed] = []
    recording = read_recording(io.BytesIO(material.wav(sound, subtype=subtype)), "visit.wav")
    labels = engine.dictionaries.resolve(None)
    result = await assess_recording(
        engine, recording, labels, mode=mode, on_window=lambda _, assessed: windows.append(assessed)
    )
    return result, windows


def raised(windows: list[Assessed]) -> list[str]:
    return [event.id for one in windows for event in one.prompts if isinstance(event, PromptRaised)]


def test_every_test_of_the_table_exists() -> None:
    assert __doc__ is not None
    named = re.findall(r"^    (\S+)\n        (.+)$", __doc__, re.MULTILINE)
    assert len(named) > 40
    for file, name in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def {name}(" in text or f"test('{name}'" in text, f"{file}: {name}"


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_patient_who_mostly_listens_is_accepted_and_left_in_peace(
    engine: Engine, mixes: Path, mode: Mode
) -> None:
    """Twice 8 s of talking and 25 s of listening, over a room at -62 dBFS."""
    turns = [np.pad(material.spoken(mixes, name, 8.0), (0, 25 * RATE)) for name in CLEAN[:2]]
    sound = np.concatenate(turns) + material.noise(66, -62)
    result, windows = await judged(engine, sound, mode=mode)
    assert result.overall.verdict == "accept"
    assert not result.prompts
    assert not result.unusable_spans
    if mode is Mode.VISIT:
        assert raised(windows) == []


def gated(sound: Float32Array) -> Float32Array:
    """Closed below -45 dBFS, 40 ms after the last louder sample, without edges."""
    loud = np.abs(sound) > 10 ** (-45 / 20)
    held = np.convolve(loud, np.ones(1_281), "same") > 0
    return np.where(held, sound, 0.0).astype(np.float32)


def quiet(sound: Float32Array) -> Float32Array:
    """At -44 dBFS, over pauses that are 50 dB fainter."""
    power = np.convolve(np.square(sound), np.ones(800) / 800, "same")
    loud = power > power.max() / 300
    spoken = np.where(np.convolve(loud, np.ones(4_801), "same") > 0.5, sound, 0.0)
    level = np.sqrt(np.mean(np.square(sound[loud])))
    return np.asarray(10 ** (-44 / 20) * spoken / level + material.noise(10, -96), np.float32)


HARMLESS: dict[str, tuple[Change, str]] = {
    "gated": (lambda sound: gated(sound + material.noise(10, -62)), "PCM_16"),
    "8 bits": (lambda sound: sound, "PCM_U8"),
    "quiet": (quiet, "PCM_24"),
    "twelve clipped": (lambda sound: np.clip(sound / np.partition(np.abs(sound), -12)[-12], -1, 1), "PCM_16"),
}


@pytest.mark.parametrize("kind", HARMLESS)
@pytest.mark.parametrize("name", CLEAN)
async def test_what_harms_nothing_is_accepted(engine: Engine, mixes: Path, name: str, kind: str) -> None:
    change, subtype = HARMLESS[kind]
    result, _ = await judged(engine, change(material.spoken(mixes, name)), subtype=subtype)
    assert (result.overall.verdict, result.prompts) == ("accept", ())


def without_quanta(sound: Float32Array) -> Float32Array:
    out = sound.copy().reshape(-1, 128)
    out[np.random.default_rng(1).choice(out.shape[0], 80, replace=False)] = 0.0
    return out.reshape(-1)


def clipped(sound: Float32Array) -> Float32Array:
    """By 10 dB, and then turned down."""
    return np.asarray(0.85 * np.clip(6.3 * sound, -1, 1), np.float32)


def echoing(sound: Float32Array) -> Float32Array:
    """The talker from the far end's loudspeaker, 200 ms later."""
    late = RATE // 5
    return np.asarray(0.6 * (sound + 0.8 * np.pad(sound, (late, 0))[: sound.size]), np.float32)


def concealed(sound: Float32Array) -> Float32Array:
    """A fifth of the packets of 20 ms, filled with fading repeats."""
    whole = Stretch(0.0, sound.size / RATE)
    return concealed_packets(sound.astype(np.float64), whole, 0.2, 1, np.random.default_rng(1)).astype(np.float32)


FAULTS: dict[str, tuple[Change, str]] = {
    "lost quanta": (without_quanta, "check_microphone"),
    "concealed packets": (concealed, "check_microphone"),
    "clipped and turned down": (clipped, "move_back"),
    "own echo": (echoing, "reduce_echo"),
    "noise": (lambda sound: 0.7 * sound + material.noise(10, -30), "move_somewhere_quieter"),
}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", CLEAN)
async def test_a_fault_is_told_by_its_own_prompt_alone(engine: Engine, mixes: Path, name: str, kind: str) -> None:
    change, prompt = FAULTS[kind]
    result, _ = await judged(engine, change(material.spoken(mixes, name)).astype(np.float32))
    assert result.overall.verdict != "accept"
    assert result.prompts == (prompt,)


async def test_more_spoiled_speech_never_makes_a_better_result(engine: Engine, mixes: Path) -> None:
    """Noise as loud as the voice over 0, 2, 8, 12 and 24 of 24 s."""
    sound = np.tile(material.spoken(mixes, seconds=12.0), 2)
    level = 10 * np.log10(np.mean(np.square(sound)))
    results = []
    for spoiled_s in (0, 2, 8, 12, 24):
        noisy = sound.copy()
        noisy[: spoiled_s * RATE] += material.noise(spoiled_s, level)
        results.append((await judged(engine, 0.7 * noisy))[0])
    scores = [result.overall.score or 0.0 for result in results]
    assert all(later <= earlier + 0.01 for earlier, later in itertools.pairwise(scores))
    verdicts = [result.overall.verdict for result in results]
    assert verdicts[0] == "accept"
    assert "accept" not in verdicts[2:]
    assert "Of 24 s" in results[2].advice.en


@pytest.mark.parametrize("at_s", [2.0, 4.5, 6.2])
async def test_lost_audio_is_listed_and_never_reads_as_noise(engine: Engine, mixes: Path, at_s: float) -> None:
    """Three seconds that never arrived in 12 s of clean speech."""
    sound = material.spoken(mixes, seconds=12.0) + material.noise(12, -65)
    lost = slice(round(at_s * RATE), round((at_s + 3) * RATE))
    sound[lost] = np.nan
    result, windows = await judged(engine, sound, subtype="FLOAT")
    assert [(span.start_sample, span.end_sample, span.why) for span in result.unusable_spans] == [
        (lost.start, lost.stop, "lost")
    ]
    assert not {"move_somewhere_quieter", "speak_up"} & {*result.prompts, *raised(windows)}
    noisy = [one.update.labels["low_background"].score for one in windows]
    assert all(score is None or score >= 0.7 for score in noisy)


@pytest.mark.parametrize("name", CLEAN)
async def test_the_first_seconds_of_a_clean_recording_are_never_called_less_than_clear(
    engine: Engine, mixes: Path, name: str
) -> None:
    """There may be no grade before the first pause."""
    _, windows = await judged(engine, material.spoken(mixes, name, 6.0) + material.noise(6, -65))
    grades = [one.update.overall.grade for one in windows]
    assert set(grades) <= {"clear", "nodata"}
    assert grades[-1] == "clear"


def discontinuous(sound: Float32Array, kind: str) -> Float32Array:
    """As AMR and Opus send it: packets of 20 ms; 140 ms after speech no more but one every 400 ms.

    ``updates``: the packet itself, zeros between. ``comfort bursts``: 20 ms of comfort noise, zeros between.
    ``comfort noise``: without end, its level changes with each update (3GPP TS 26.092).
    """
    rng = np.random.default_rng(1)
    packets = sound[: sound.size // 320 * 320].reshape(-1, 320).astype(np.float64)
    power = np.mean(np.square(packets), axis=1)
    speaks = np.convolve(power > power.max() * 10**-3.5, np.ones(8))[: power.size] > 0
    since, level = 0, 0.0
    for packet, sent in zip(packets, speaks, strict=True):
        updates = not sent and since % 20 == 0
        since = 0 if sent else since + 1
        level = 10 ** ((-65 + rng.uniform(-3, 3)) / 20) if updates else level
        if not sent and kind != "updates":
            packet[:] = level * rng.standard_normal(320) if updates or kind == "comfort noise" else 0.0
        elif not sent and not updates:
            packet[:] = 0.0
    return np.asarray(packets.reshape(-1), np.float32)


@pytest.mark.parametrize("kind", ["updates", "comfort bursts", "comfort noise"])
@pytest.mark.parametrize("name", CLEAN)
async def test_transmission_that_stops_in_pauses_loses_nothing(
    engine: Engine, mixes: Path, name: str, kind: str
) -> None:
    """Twice 10 s of talking with 8 s of listening between."""
    talk = material.spoken(mixes, name)
    sound = np.concatenate((talk, np.zeros(8 * RATE, np.float32), talk)) + material.noise(28, -62)
    result, windows = await judged(engine, discontinuous(sound, kind), mode=Mode.VISIT)
    assert result.labels["continuous_signal"].passed
    assert "check_microphone" not in {*result.prompts, *raised(windows)}
    assert not result.unusable_spans
