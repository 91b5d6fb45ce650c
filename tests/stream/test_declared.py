"""Bytes that cannot be what was declared, and real speech, noise and silence, which always can."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.stream.declared import DeclarationCheck, Guess, container, samples_guess
from server.values.audio import AudioFormat, Encoding, Float32Array

S16 = AudioFormat(Encoding.PCM_S16LE, 16_000)
RNG = np.random.default_rng(0)


@pytest.fixture(params=["000_clean_en.flac", "003_clean_zh.flac", "007_clean_zh.flac"])
def speech(request: pytest.FixtureRequest, mixes: Path) -> Float32Array:
    """Two seconds in which somebody speaks."""
    sound, _ = soundfile.read(mixes / request.param, dtype="float32")
    loudest = int(np.argmax(np.convolve(np.square(sound), np.ones(32_000), "valid")))
    return np.asarray(sound[loudest : loudest + 32_000], np.float32)


def s16(sound: Float32Array) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2")


def told(data: bytes, audio: AudioFormat = S16, chunk: int = 1_280) -> list[Guess]:
    check = DeclarationCheck(audio)
    guesses = [check.take(data[start : start + chunk]) for start in range(0, len(data), chunk)]
    return [guess for guess in guesses if guess is not None]


def test_speech_as_declared_is_believed(speech: Float32Array) -> None:
    assert told(s16(speech).tobytes() * 2) == []
    assert told(speech.astype("<f4").tobytes() * 2, AudioFormat(Encoding.PCM_F32LE, 16_000)) == []


@pytest.mark.parametrize("scale", [0.0, 1e-4, 0.003, 0.1, 0.3])
def test_noise_and_silence_of_any_level_are_believed(scale: float) -> None:
    assert told(s16((scale * RNG.standard_normal(80_000)).astype(np.float32)).tobytes()) == []


def test_other_samples_than_declared_are_guessed_once(speech: Float32Array) -> None:
    samples = s16(speech)
    assert told(speech.astype("<f4").tobytes()) == [Guess.PCM_F32LE]
    assert told(samples.astype(">i2").tobytes()) == [Guess.BIG_ENDIAN]
    assert told(np.repeat(samples, 2).tobytes()) == [Guess.STEREO]
    assert told(samples.tobytes() * 2, AudioFormat(Encoding.PCM_F32LE, 16_000)) == [Guess.PCM_S16LE]


def test_compressed_bytes_without_a_head_are_no_samples() -> None:
    assert told(RNG.bytes(64_000)) == [Guess.COMPRESSED]


@pytest.mark.parametrize(
    ("head", "guess"),
    [
        (b"\x1aE\xdf\xa3\x9fB\x86\x81", Guess.WEBM),
        (b"OggS\0\2", Guess.OGG),
        (b"RIFF\xff\xff\xff\xffWAVE", Guess.WAV),
        (b"\0\0\0 ftypisom", Guess.MP4),
        (b"ID3\4", Guess.MP3),
        (b"fLaC", Guess.FLAC),
    ],
)
def test_a_container_is_known_by_its_first_bytes_after_silence_too(head: bytes, guess: Guess) -> None:
    assert container(head) is guess
    assert told(bytes(1_280) + head + bytes(1_280 - len(head))) == [guess]
    assert told(head + RNG.bytes(640)) == [guess]


HEADS = {
    b"\x1aE\xdf\xa3\x9fB\x86\x81": Guess.WEBM,
    b"OggS\0\2": Guess.OGG,
    b"RIFF\xff\xff\xff\xffWAVE": Guess.WAV,
    b"\0\0\0 ftypisom": Guess.MP4,
    b"ID3\4\0\0": Guess.MP3,
    b"fLaC\0\0\0\x22": Guess.FLAC,
}


@pytest.mark.parametrize("silent", [b"\0", b"\xff", b"\x7f", b"\xd5"])
@pytest.mark.parametrize("head", HEADS, ids=lambda head: HEADS[head].value)
def test_a_container_is_known_behind_silence_of_any_length(head: bytes, silent: bytes) -> None:
    """Unless the silence was a multiple of 16 bytes long the head lay where nobody looked."""
    for length, chunk in (
        (1, 1),
        (13, 1),
        (16, 1),
        (2, 5),
        (18, 5),
        (29, 5),
        *((n, 1_280) for n in (*range(1, 35), 641, 70_003)),
    ):
        assert told(silent * length + head + RNG.bytes(64), chunk=chunk) == [HEADS[head]], (length, chunk)


@pytest.mark.parametrize("audio", [S16, AudioFormat(Encoding.MULAW, 8_000), AudioFormat(Encoding.PCM_F32LE, 16_000)])
def test_no_container_is_seen_in_speech_and_noise_behind_silence(speech: Float32Array, audio: AudioFormat) -> None:
    samples = {Encoding.PCM_S16LE: s16(speech).tobytes(), Encoding.PCM_F32LE: speech.astype("<f4").tobytes()}
    data = samples.get(audio.encoding, RNG.bytes(16_000))
    for length in range(40):
        assert told(bytes(length // 4 * 4) + data, audio) == []


@pytest.mark.parametrize(
    "behind", [b"\x01\0OggS", b"\x05\0\x07\0RIFF", b"ID3\x7f", b"ID3 is spoken of", b"RIF\0", b"ftyp"]
)
def test_letters_within_the_sound_are_no_container(behind: bytes) -> None:
    for length in (0, 4, 6, 1_280):
        assert told(bytes(length) + behind + bytes(2_000)) == []


@pytest.mark.parametrize("chunk", [7, 21, 640, 1_001, 100_000])
def test_the_guess_does_not_depend_on_how_the_bytes_are_cut(speech: Float32Array, chunk: int) -> None:
    silence = bytes(4_800)
    assert told(silence + s16(speech).astype(">i2").tobytes() * 2, chunk=chunk) == [Guess.BIG_ENDIAN]
    assert told(silence + b"\0\0\0 ftypisom" + RNG.bytes(3_000), chunk=chunk) == [Guess.MP4]
    assert told(silence + s16(speech).tobytes() * 2, chunk=chunk) == []


def test_a_socket_that_begins_again_looks_at_the_replay_and_a_decision_stands(speech: Float32Array) -> None:
    wrong, right = s16(speech).astype(">i2").tobytes(), s16(speech).tobytes()
    check = DeclarationCheck(S16)
    assert check.take(right[:40_000]) is None
    check.begin_again()
    assert check.take(wrong) is Guess.BIG_ENDIAN
    check.begin_again()
    assert (check.decided, check.take(wrong)) == (True, None)
    assert DeclarationCheck(S16, decided=True).take(wrong) is None


def test_a_line_of_either_law_is_never_called_wrong() -> None:
    assert samples_guess(RNG.bytes(16_000), Encoding.MULAW) is None


@pytest.mark.parametrize("silence", [b"\xff", b"\x7f"])
def test_a_telephones_own_silence_before_the_speech_does_not_hide_its_law(speech: Float32Array, silence: bytes) -> None:
    magnitude = np.log1p(255 * np.abs(np.clip(speech, -1, 1))) / np.log(256)
    law = (~(np.where(speech < 0, 128, 0) | np.floor(127 * magnitude).astype(np.int64)) & 0xFF).astype(np.uint8)
    assert told(law.tobytes() * 3) == [Guess.MULAW]
    assert told(silence * 64_000 + law.tobytes() * 3) == [Guess.MULAW]
