"""Recordings of two parties: nobody is hidden behind the other, and the doctor is not judged as the patient."""

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from server.app import open_engine
from server.assessment.engine import Engine
from server.assessment.result import Result
from server.errors import ConfigError
from server.recording.channels import MOST_CHANNELS, ChannelRoles, ChannelSurvey
from server.recording.decode import Gap, read_recording
from server.recording.far_end import FarEndListener, marked
from server.recording.parties import assess_recording
from server.settings import Settings
from server.stream.core import StreamCore
from server.stream.events import StreamEvent
from server.values.audio import AudioFormat, Encoding, Float32Array
from tests.fakes import FakeDetector

RATE = 16_000
TURN = 12 * RATE


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with open_engine(Settings(mos=False, clap="off")) as opened:
        yield opened


def levelled(samples: Float32Array, dbfs: float) -> Float32Array:
    loud = np.sort(np.abs(samples))[-samples.size // 3 :]
    return np.asarray(samples * 10 ** (dbfs / 20) / np.sqrt(np.mean(loud**2)), np.float32)


@pytest.fixture
def voices(mixes: Path) -> tuple[Float32Array, Float32Array]:
    """The doctor's 12 s and the patient's, both clean."""
    doctor, patient = (soundfile.read(mixes / f"00{n}_clean_en.flac", dtype="float32")[0] for n in (0, 2))
    return doctor, patient


def conversation(doctor: Float32Array, patient: Float32Array, *, floor_db: float = -75.0) -> Float32Array:
    """Two channels, 48 s: the doctor left, then the patient right, twice; each over the room of its own."""
    rng = np.random.default_rng(1)
    frames = (10 ** (floor_db / 20) * rng.standard_normal((4 * TURN, 2))).astype(np.float32)
    for turn in range(4):
        frames[turn * TURN : (turn + 1) * TURN, turn % 2] += (doctor, patient)[turn % 2]
    return frames


async def judged(engine: Engine, folder: Path, samples: Float32Array, **more: object) -> Result:
    path = folder / "call.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    recording = read_recording(path, **more)  # type: ignore[arg-type]  # roles, far_end
    return await assess_recording(engine, recording, engine.dictionaries.resolve(None))


async def test_a_faint_patient_is_not_hidden_by_a_loud_doctor_on_the_other_channel(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array]
) -> None:
    doctor, patient = levelled(voices[0], -20), levelled(voices[1], -52)
    result = await judged(engine, tmp_path, conversation(doctor, patient))
    assert result.overall.verdict != "accept"
    assert "right channel" in result.notices[0].en
    assert "右声道" in result.notices[0].zh
    assert result.notices[0].code == "different_channels"


async def test_two_good_voices_on_two_channels_are_accepted(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array]
) -> None:
    frames = conversation(levelled(voices[0], -22), levelled(voices[1], -26))
    result = await judged(engine, tmp_path, frames)
    assert result.labels["close_enough"].passed
    assert result.labels["low_background"].passed


async def test_the_named_patient_alone_is_judged(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array]
) -> None:
    doctor, patient = levelled(voices[0], -22), levelled(voices[1], -26)
    frames = conversation(doctor, patient)
    alone = await judged(engine, tmp_path, frames[:, 1])
    result = await judged(engine, tmp_path, frames, roles=ChannelRoles(1, 0))
    assert result.notices == ()
    assert result.speech_s == pytest.approx(alone.speech_s, abs=0.5)
    assert result.measures.speech_dbfs == pytest.approx(alone.measures.speech_dbfs, abs=0.3)
    assert not result.unusable_spans


async def test_a_doctor_who_leaks_into_the_patients_channel_is_not_the_patient(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array]
) -> None:
    frames = conversation(levelled(voices[0], -22), levelled(voices[1], -26))
    leaking = frames.copy()
    leaking[:, 1] += 0.1 * frames[:, 0]
    leaking[:, 0] += 0.05 * frames[:, 1]
    clean = await judged(engine, tmp_path, frames[:, 1])
    result = await judged(engine, tmp_path, leaking, roles=ChannelRoles(1, 0))
    assert result.speech_s == pytest.approx(clean.speech_s, rel=0.1)
    assert (await judged(engine, tmp_path, leaking[:, 1])).speech_s > 1.5 * clean.speech_s, "the leak is heard"


@pytest.mark.parametrize(
    ("kind", "told"), [("twice", "one_sound"), ("dead", "dead_channel"), ("inverted", "inverted_channels")]
)
async def test_one_voice_on_two_channels_is_judged_as_on_one(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array], kind: str, told: str
) -> None:
    voice = voices[1]
    second = {"twice": voice, "dead": np.zeros_like(voice), "inverted": -voice}[kind]
    alone = await judged(engine, tmp_path, voice)
    result = await judged(engine, tmp_path, np.stack((voice, second), axis=1))
    assert result.overall == alone.overall
    assert result.measures == alone.measures
    assert [notice.code for notice in result.notices] == [told]


async def test_a_channel_that_the_recording_lacks_is_told(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has 1 channel"):
        await judged(engine, tmp_path, np.zeros(RATE, np.float32), roles=ChannelRoles(1, 0))


async def test_the_far_ends_own_file_keeps_the_doctor_out_of_the_judgement(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array], shared: Path
) -> None:
    """The doctor from the loudspeaker: through a room, 15 dB under the patient, in turns."""
    frames = conversation(levelled(voices[0], -22), levelled(voices[1], -26))
    impulse = soundfile.read(shared / "audio/rir/speechbrain__rir3.flac", dtype="float32", always_2d=True)[0][:, 0]
    echo = np.convolve(frames[:, 0], impulse)[: frames.shape[0]]
    microphone = frames[:, 1] + levelled(np.asarray(echo, np.float32), -41)
    own = tmp_path / "doctor.wav"
    soundfile.write(own, frames[:, 0], RATE)
    alone = await judged(engine, tmp_path, frames[:, 1])
    unmarked = await judged(engine, tmp_path, microphone)
    result = await judged(engine, tmp_path, microphone, far_end=own)
    assert unmarked.speech_s > 1.5 * alone.speech_s
    assert result.speech_s == pytest.approx(alone.speech_s, rel=0.1)
    assert result.labels["low_reverberation"].passed
    assert not result.unusable_spans
    assert result.prompts == alone.prompts


def test_marks_lie_at_their_samples_whatever_the_blocks() -> None:
    samples = np.arange(1_000, dtype=np.float32)
    got: list[tuple[int, bool]] = []
    at = 0
    for part in marked(iter(np.array_split(samples, 7)), [(0.0, 0.1), (0.25, 0.5), (0.9, 2.0)], 1_000):
        if isinstance(part, bool):
            got.append((at, part))
        else:
            assert isinstance(part, np.ndarray)
            assert part.tolist() == samples[at : at + part.shape[0]].tolist()
            at += part.shape[0]
    assert at == 1_000
    assert got == [(0, True), (100, False), (250, True), (500, False), (900, True)]


def far_end_spans(tmp_path: Path, own: Float32Array, beside: Float32Array | None = None) -> list[tuple[float, float]]:
    paths = [tmp_path / "own.wav", tmp_path / "beside.wav"]
    soundfile.write(paths[0], own, RATE)
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, RATE), FakeDetector())
    with read_recording(paths[0]) as track:
        listener = FarEndListener(core, track)
        for _ in listener.steps():
            pass
    if beside is not None:
        soundfile.write(paths[1], beside, RATE)
        with read_recording(paths[1]) as other:
            for _ in listener.compare(other):
                pass
    return listener.spans()


def bursts(*spans: tuple[float, float, float], seconds: float = 10.0) -> Float32Array:
    """Noise of ``(start_s, end_s, amplitude)``."""
    out = np.zeros(round(seconds * RATE), np.float32)
    rng = np.random.default_rng(2)
    for start, end, amplitude in spans:
        part = slice(round(start * RATE), round(end * RATE))
        out[part] = amplitude * rng.standard_normal(out[part].shape)
    return out


def test_the_far_end_speaks_where_its_own_track_does(tmp_path: Path) -> None:
    spans = far_end_spans(tmp_path, bursts((1, 3, 0.1), (6, 8, 0.1)))
    assert np.ravel(spans) == pytest.approx([1, 3, 6, 8], abs=0.1)


def test_long_silence_of_the_far_end_is_repeated_and_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = bursts((1, 3, 0.1), (46.3, 48, 0.1), (60, 61, 0.002), seconds=100.0)
    cells: list[Float32Array] = []
    finish = FarEndListener.spans

    def spans(listener: FarEndListener) -> list[tuple[float, float]]:
        cells.append(np.asarray(listener._levels, np.float32))
        return finish(listener)

    monkeypatch.setattr(FarEndListener, "spans", spans)
    with monkeypatch.context() as plain:
        plain.setattr(StreamCore, "receive_silence", lambda core, samples: core.receive_pcm(bytes(4 * samples)))
        wanted = far_end_spans(tmp_path, own)
    repeats: list[int] = []
    repeat = StreamCore._repeat

    def counted(core: StreamCore, seconds: int, events: list[StreamEvent]) -> int:
        repeats.append(repeat(core, seconds, events))
        return repeats[-1]

    monkeypatch.setattr(StreamCore, "_repeat", counted)
    assert far_end_spans(tmp_path, own) == wanted
    assert len(wanted) == 2
    assert sum(repeats) > 40 * RATE
    assert cells[0].shape == (500,)
    assert np.array_equal(cells[0], cells[1])


def test_the_patient_heard_faintly_on_the_far_ends_channel_is_not_the_far_end(tmp_path: Path) -> None:
    own, beside = bursts((1, 3, 0.1), (6, 8, 0.05)), bursts((6, 8, 0.9))
    assert len(far_end_spans(tmp_path, own)) == 2
    assert np.ravel(far_end_spans(tmp_path, own, beside)) == pytest.approx([1, 3], abs=0.1)


def test_marks_lie_where_the_live_client_puts_them_also_in_audio_that_is_no_number() -> None:
    got: list[tuple[int, bool]] = []
    at = 0
    blocks: list[Float32Array | Gap] = [np.zeros(100, np.float32), Gap(100), np.zeros(100, np.float32)]
    for part in marked(iter(blocks), [(0.12, 0.13)], 1_000):
        if isinstance(part, bool):
            got.append((at, part))
        else:
            at += part.samples if isinstance(part, Gap) else part.shape[0]
    assert at == 300
    assert got == [(120, True), (130, False)]


def test_rounding_to_cells_leaves_no_span_of_nothing(tmp_path: Path) -> None:
    own, beside = bursts((2.4, 3.2, 0.1)), bursts((2.4, 3.2, 0.9))
    paths = [tmp_path / "own.wav", tmp_path / "beside.wav"]
    for path, samples in zip(paths, (own, beside), strict=True):
        soundfile.write(path, samples, RATE)
    with read_recording(paths[0]) as track:
        listener = FarEndListener(StreamCore(AudioFormat(Encoding.PCM_F32LE, RATE), FakeDetector()), track)
    listener._heard = [(2.4, 3.2)]
    listener._levels = [-20.0] * 12 + [-100.0] * 38
    assert listener.spans() == []


async def test_three_people_on_three_channels_are_to_be_named(engine: Engine, tmp_path: Path) -> None:
    turns = np.stack([bursts((2 * n, 2 * n + 2, 0.1)) for n in range(3)], axis=1)
    with pytest.raises(ConfigError, match="3 channels hold different people; write patient="):
        await judged(engine, tmp_path, turns)


def through(sound: Float32Array, form: str, subtype: str, level: float) -> Float32Array:
    """Written by a codec and read again."""
    written = io.BytesIO()
    soundfile.write(written, sound, RATE, format=form, subtype=subtype, compression_level=level)
    written.seek(0)
    read, rate = soundfile.read(written, dtype="float32")
    assert rate == RATE
    return np.asarray(np.pad(read, (0, max(0, sound.size - read.size)))[: sound.size], np.float32)


COPIES: dict[str, Callable[[Float32Array], Float32Array]] = {
    "late": lambda sound: np.pad(sound, (160, 0))[: sound.size],
    "fainter, its own noise": lambda sound: 0.2 * sound + bursts((0, 12, 1e-4), seconds=12),
    "MP3": lambda sound: through(sound, "MP3", "MPEG_LAYER_III", 0.9),
    "Vorbis": lambda sound: through(sound, "OGG", "VORBIS", 1.0),
    "Opus at its least": lambda sound: through(sound, "OGG", "OPUS", 1.0),
    "resampled": lambda sound: soxr.resample(soxr.resample(sound, RATE, 44_100)[7:], 44_100, RATE),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_real_voice_and_its_copy_are_one_sound(voices: tuple[Float32Array, Float32Array], kind: str) -> None:
    for voice in voices:
        sound = levelled(voice, -20) + bursts((0, 12, 3e-4), seconds=12)
        copy = np.asarray(COPIES[kind](sound), np.float32)[: sound.size]
        survey = ChannelSurvey(RATE, 2)
        survey.add(np.stack((sound[: copy.size], copy), axis=1))
        plan = survey.plan()
        assert len(plan.tracks[0].channels) == 1
        assert [notice.code for notice in plan.notices] == ["one_sound"]


async def test_a_late_copy_is_judged_as_the_voice_and_not_as_its_echo(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array]
) -> None:
    voice = voices[1]
    late = np.pad(voice, (RATE // 25, 0))[: voice.size]
    alone = [(await judged(engine, tmp_path, sound)).measures for sound in (voice, late)]
    result = await judged(engine, tmp_path, np.stack((voice, late), axis=1))
    assert result.measures in alone


@pytest.mark.parametrize("leak", [0.0, 0.3])
async def test_a_faint_patient_with_a_doctor_on_both_channels_is_not_hidden(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array], leak: float
) -> None:
    doctor, patient = levelled(voices[0], -20), levelled(voices[1], -52)
    apart = conversation(doctor, patient)
    frames = apart.copy()
    frames[:, 1] += 0.5 * apart[:, 0]
    frames[:, 0] += leak * apart[:, 1]
    result = await judged(engine, tmp_path, frames)
    assert "different_channels" in [notice.code for notice in result.notices]
    assert result.overall.verdict != "accept"


async def test_a_patient_on_the_ninth_channel_of_nine_is_judged(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array]
) -> None:
    frames = np.zeros((12 * RATE, 9), np.float32)
    frames[:, 8] = voices[1]
    alone = await judged(engine, tmp_path, voices[1])
    result = await judged(engine, tmp_path, frames)
    assert result.measures == alone.measures
    assert [notice.code for notice in result.notices] == ["dead_channel"]


async def test_more_channels_than_are_compared_are_told(
    engine: Engine, tmp_path: Path, voices: tuple[Float32Array, Float32Array]
) -> None:
    frames = np.repeat(voices[1][:, np.newaxis], MOST_CHANNELS + 1, axis=1)
    result = await judged(engine, tmp_path, frames)
    assert [notice.code for notice in result.notices] == ["unexamined_channels"]
    named = await judged(engine, tmp_path, frames, roles=ChannelRoles(16))
    assert named.notices == ()
