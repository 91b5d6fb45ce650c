"""A file as the PCM of a microphone: exact, in chunks that the wire allows."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.client.pcm_source import PcmSource
from server.errors import ClientError, UndecodableFileError
from server.values.audio import Encoding


def decoded(source: PcmSource) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    parts = [data for _, data in source if data is not None]
    if source.audio.encoding is Encoding.PCM_S16LE:
        return np.frombuffer(b"".join(parts), "<i2").astype(np.float32) / np.float32(32768)
    return np.frombuffer(b"".join(parts), "<f4").astype(np.float32)


def test_a_16_bit_mono_file_travels_as_its_own_samples(mixes: Path) -> None:
    path = sorted(mixes.glob("*.flac"))[0]
    expected, rate = soundfile.read(path, dtype="float32")
    with PcmSource(path, 100) as source:
        assert source.audio.encoding is Encoding.PCM_S16LE
        assert source.audio.sample_rate == rate
        np.testing.assert_array_equal(decoded(source), expected)


@pytest.mark.parametrize(("subtype", "channels"), [("PCM_24", 1), ("FLOAT", 1), ("PCM_16", 2)])
def test_samples_beyond_16_bits_are_sent_as_float(tmp_path: Path, subtype: str, channels: int) -> None:
    path = tmp_path / "x.wav"
    samples = np.random.default_rng(1).uniform(-1, 1, (24_000, channels))
    soundfile.write(path, samples, 12_000, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    with PcmSource(path, 100) as source:
        assert source.audio.encoding is Encoding.PCM_F32LE
        np.testing.assert_allclose(decoded(source), expected.mean(axis=1, dtype=np.float32), atol=1e-7)


def test_chunks_have_the_length_asked_for_but_for_the_last(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros(16_050), 16_000)
    with PcmSource(path, 100) as source:
        sizes = [samples for samples, _ in source]
    assert sizes == [1_600] * 10 + [50]


def test_no_chunk_exceeds_the_frame_that_the_wire_allows(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros(96_000), 96_000, subtype="FLOAT")
    with PcmSource(path, 1_000) as source:
        assert max(len(data) for _, data in source if data is not None) == 64 * 1024


def test_non_finite_samples_become_a_gap_of_their_length(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    samples = np.zeros(32_000, np.float32)
    samples[8_000:8_100] = np.nan
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    with PcmSource(path, 100) as source:
        chunks = list(source)
    assert sum(samples for samples, _ in chunks) == 32_000
    assert 100 <= sum(samples for samples, data in chunks if data is None) <= 320


def test_a_folder_and_a_missing_file_are_reported_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="folder") as folder:
        PcmSource(tmp_path, 100)
    assert "*.wav" in str(folder.value.hint)
    with pytest.raises(ClientError, match="no such file"):
        PcmSource(tmp_path / "missing.wav", 100)


def test_a_file_without_audio_is_undecodable(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"not audio at all")
    with pytest.raises(UndecodableFileError):
        PcmSource(path, 100)
