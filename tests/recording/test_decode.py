"""Decoding: samples are exact, unreadable parts are reported, and no header is trusted."""

import csv
import io
import tracemalloc
from collections import deque
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from server.errors import PayloadTooLargeError, UndecodableFileError
from server.recording.decode import Gap, Recording, read_recording
from server.recording.decoders.limits import NO_FFMPEG, Decoders
from server.recording.decoders.mp3_worker import READ_FRAMES
from server.recording.decoders.worker_file import WorkerFile

TABLE = Path(__file__).parent.parent / "data" / "odd_formats.csv"
RNG = np.random.default_rng(7)


def wav(
    samples: npt.NDArray[np.generic], rate: int = 16_000, subtype: str = "PCM_16", container: str = "WAV"
) -> io.BytesIO:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=container)
    buffer.seek(0)
    return buffer


def samples_of(recording: Recording) -> npt.NDArray[np.float32]:
    blocks = [b if not isinstance(b, Gap) else np.full(b.samples, 9.0, np.float32) for b in recording.blocks()]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def noise(n: int) -> npt.NDArray[np.float64]:
    return np.asarray(RNG.uniform(-0.5, 0.5, n))


def test_16_bit_mono_decodes_to_exactly_int16_over_32768() -> None:
    pcm = RNG.integers(-32768, 32768, 100_000, dtype=np.int16)
    with read_recording(wav(pcm)) as recording:
        assert np.array_equal(samples_of(recording), pcm.astype(np.float32) / 32768)
        assert recording.sample_rate == 16_000


@pytest.mark.parametrize("channels", [2, 5])
def test_channels_become_their_mean(channels: int) -> None:
    pcm = RNG.integers(-32768, 32768, (30_000, channels), dtype=np.int16)
    with read_recording(wav(pcm)) as recording:
        assert np.allclose(samples_of(recording), (pcm / 32768).mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(("rate", "delivered"), [(192_000, 96_000), (4_000, 8_000), (44_100, 44_100), (100, 8_000)])
def test_rates_outside_the_cores_are_resampled_to_the_nearer_end(rate: int, delivered: int) -> None:
    t = np.arange(rate * 2) / rate
    tone = 0.5 * np.sin(2 * np.pi * (rate / 40) * t)
    with read_recording(wav(tone, rate)) as recording:
        heard = samples_of(recording)
        assert recording.sample_rate == delivered
    assert heard.size == delivered * 2
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


def test_blocks_are_a_second_at_most_whatever_rate_is_declared() -> None:
    with read_recording(wav(noise(50), rate=1)) as recording:
        assert max(b.size for b in recording.blocks() if not isinstance(b, Gap)) <= 65_536


def test_stretches_of_non_finite_samples_become_gaps_and_time_goes_on() -> None:
    samples = noise(48_000)
    samples[20_000] = np.nan
    samples[20_100:20_330] = np.inf
    with read_recording(wav(samples, subtype="FLOAT")) as recording:
        blocks = list(recording.blocks())
    gaps = [b for b in blocks if isinstance(b, Gap)]
    assert sum(b.samples for b in gaps) == 480
    assert sum(b.samples if isinstance(b, Gap) else b.size for b in blocks) == 48_000
    assert all(np.isfinite(b).all() for b in blocks if not isinstance(b, Gap))


def test_samples_no_converter_makes_are_silence_before_the_resampler_overflows(tmp_path: Path) -> None:
    samples = np.zeros(7_936, np.float32)
    samples[4_000:4_040:2], samples[4_001:4_040:2] = 2.1e38, -2.1e38
    path = tmp_path / "absurd.wav"
    soundfile.write(path, samples, 7_936, subtype="FLOAT")
    with read_recording(path) as recording:
        blocks = list(recording.blocks())
    assert all(not isinstance(b, Gap) and not b.any() for b in blocks)


def test_a_file_that_breaks_off_keeps_what_was_decoded_and_says_so() -> None:
    whole = wav(RNG.integers(-9000, 9000, 160_000, dtype=np.int16), container="FLAC").getvalue()
    broken = bytearray(whole)
    broken[len(whole) // 2 :] = RNG.integers(0, 256, len(whole) - len(whole) // 2, dtype=np.uint8).tobytes()
    with read_recording(io.BytesIO(bytes(broken))) as recording:
        heard = samples_of(recording)
        assert 0 < heard.size <= 160_000
        assert np.isfinite(heard).all()


def test_a_flac_of_unknown_length_is_read_to_its_end_by_ffmpeg_and_nearly_to_it_without(shared: Path) -> None:
    path = shared / "audio/odd_formats/music-metadata__test-unknown-duration.flac"
    with read_recording(path) as recording:
        assert samples_of(recording).size == 220_500
        assert not recording.cut_short
    with read_recording(path, decoders=Decoders(NO_FFMPEG)) as recording:
        assert samples_of(recording).size >= 196_608
        assert recording.cut_short


@pytest.mark.parametrize("in_memory", [False, True])
def test_an_mp3_decodes_to_what_libsndfile_gives_and_says_nothing(
    shared: Path, in_memory: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("FunASR__asr_example.mp3", "music-metadata__issue-979.mp3", "agents__long.mp3"):
        path = shared / "audio/odd_formats" / name
        expected = plainly_decoded(path)
        capfd.readouterr()  # what libmpg123 says of it
        assert outcome(io.BytesIO(path.read_bytes()) if in_memory else path, path.name) == expected
        assert capfd.readouterr().err == ""


def plainly_decoded(path: Path) -> bytes | str:
    """By libsndfile in this process: the mean of the channels, or the code of the error.

    Not by ``soundfile.read``: it seeks first, and libmpg123's last bits are then others.
    """
    decoded = b""
    try:
        with soundfile.SoundFile(path) as file:
            while len(block := file.read(READ_FRAMES, dtype="float32", always_2d=True)):
                decoded += block.mean(axis=1, dtype=np.float32).tobytes()
    except soundfile.SoundFileError:
        return UndecodableFileError.code
    return decoded


def test_a_decoder_that_dies_leaves_what_it_decoded(shared: Path) -> None:
    with read_recording(shared / "audio/odd_formats/FunASR__asr_example.mp3") as recording:
        blocks = recording.blocks()
        first = next(blocks)
        assert isinstance(first, np.ndarray)
        assert isinstance(recording._file, WorkerFile)
        recording._file._worker.kill()
        assert sum(block.size for block in blocks if isinstance(block, np.ndarray)) >= 0
        assert recording.cut_short


def test_a_recording_that_is_closed_early_leaves_no_process(shared: Path) -> None:
    recording = read_recording(shared / "audio/odd_formats/faster-whisper__multilingual.mp3")
    assert isinstance(recording._file, WorkerFile)
    assert recording._file._worker.poll() is None
    recording.close()
    assert recording._file._worker.poll() is not None


def test_a_header_that_claims_hours_yields_what_is_there(shared: Path) -> None:
    with read_recording(shared / "audio/odd_formats/music-metadata__issue-554.mp3") as recording:
        assert samples_of(recording).size < 22_050


def test_decoded_length_has_a_limit_however_small_the_file() -> None:
    silence = wav(np.zeros(16_000 * 60, np.int16), container="FLAC")
    assert len(silence.getvalue()) < 20_000
    with read_recording(silence, max_s=30) as recording, pytest.raises(PayloadTooLargeError):
        samples_of(recording)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_the_longest_recording_is_taken_and_a_sample_more_is_refused(rate: int) -> None:
    longest = np.zeros(60 * rate, np.int16)
    with read_recording(wav(longest, rate), max_s=60) as recording:
        assert samples_of(recording).size == 60 * recording.sample_rate
    longer = wav(np.append(longest, longest[:1]), rate)
    with read_recording(longer, max_s=60) as recording, pytest.raises(PayloadTooLargeError, match="parts") as refused:
        samples_of(recording)
    assert "请分段发送" in str(refused.value.zh)


@pytest.mark.parametrize("seconds", [1, 90])
def test_a_header_that_says_ten_hours_is_asked_for_what_is_there(seconds: int) -> None:
    """It is neither refused for what it says, nor taken at its word: what counts is what can be decoded."""
    data = bytearray(wav(np.ones(seconds * 8000, np.int16), 8000).getvalue())
    size = 10 * 3600 * 8000 * 2
    data[4:8], data[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    with read_recording(io.BytesIO(bytes(data)), max_s=60) as recording:
        if seconds < 60:
            assert samples_of(recording).size == seconds * 8000
            return
        with pytest.raises(PayloadTooLargeError):
            samples_of(recording)


def test_ten_hours_are_refused_after_the_longest_recording_in_the_memory_of_a_second(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    size = 10 * 3600 * 8000
    head = bytearray(wav(np.zeros(1, np.int16), 8000, "PCM_U8").getvalue()[:44])
    head[4:8], head[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(head)
        file.truncate(44 + size)  # a file of holes
    tracemalloc.start()
    with read_recording(path) as recording, pytest.raises(PayloadTooLargeError, match="longer than 4 h"):
        deque(recording.blocks(), maxlen=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("content", [b"", b"RIFF", b"hello, I am text", bytes(5_000)])
def test_a_file_without_audio_is_a_typed_error(content: bytes) -> None:
    with pytest.raises(UndecodableFileError):
        read_recording(io.BytesIO(content), "x.wav")


def test_a_missing_file_and_a_folder_are_typed_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(UndecodableFileError):
            read_recording(path)


class Ended(NamedTuple):
    """``samples``: of a file that was decoded, else the code of its error."""

    samples: bytes | str
    seconds: float | None = None
    cut_short: bool = False
    told: bool = True


@pytest.fixture(scope="module")
def odd_files(shared: Path) -> dict[Path, Ended]:
    """Every odd file, with its outcome."""
    return {path: ended(path) for path in sorted((shared / "audio" / "odd_formats").iterdir())}


def test_every_odd_file_ends_in_samples_or_a_typed_error(odd_files: dict[Path, Ended]) -> None:
    decoded = {path.name: one.samples for path, one in odd_files.items() if isinstance(one.samples, bytes)}
    for name, samples in decoded.items():
        assert np.isfinite(np.frombuffer(samples, np.float32)).all(), name
    assert len(decoded) > 140


def test_odd_files_are_decoded_or_refused_as_their_table_says(odd_files: dict[Path, Ended]) -> None:
    """Lengths as two other decoders measured them, but of MP3, where they differ, as libsndfile does."""
    with TABLE.open(encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert set(rows) == {path.name for path in odd_files}
    for path, one in odd_files.items():
        row = rows[path.name]
        kind = one.samples if isinstance(one.samples, str) else "cut_short" if one.cut_short else "decoded"
        assert (path.name, kind) == (path.name, row["outcome"])
        wanted = pytest.approx(float(row["seconds"]), abs=0.06) if row["seconds"] else None
        assert one.seconds == wanted, path.name
        assert one.told, path.name


def test_a_file_in_memory_decodes_as_the_one_on_disk(odd_files: dict[Path, Ended]) -> None:
    for path, on_disk in odd_files.items():
        assert on_disk == ended(io.BytesIO(path.read_bytes()), path.name), path.name


def outcome(source: Path | io.BytesIO, name: str | None = None) -> bytes | str:
    return ended(source, name).samples


def ended(source: Path | io.BytesIO, name: str | None = None) -> Ended:
    try:
        with read_recording(source, name) as recording:
            samples = samples_of(recording)
            return Ended(samples.tobytes(), samples.size / recording.sample_rate, recording.cut_short)
    except UndecodableFileError as error:
        return Ended(error.code, told=bool(error.message and error.zh and error.param == "file"))


def test_close_while_iterating_ends_the_iteration() -> None:
    recording = read_recording(wav(noise(64_000)))
    blocks = recording.blocks()
    next(blocks)
    recording.close()
    assert list(blocks) == []
