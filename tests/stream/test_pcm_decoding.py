import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from server.errors import NonFiniteSamplesError
from server.stream.decode import PcmDecoder
from server.values.audio import AudioFormat, Encoding
from tests.stream.audio import cut, f32

S16 = AudioFormat(Encoding.PCM_S16LE, 16_000)
F32 = AudioFormat(Encoding.PCM_F32LE, 16_000)


@given(
    st.sampled_from([S16, F32]),
    st.binary(max_size=200),
    st.lists(st.integers(0, 9), max_size=60),
)
def test_samples_do_not_depend_on_where_the_bytes_are_cut(audio: AudioFormat, data: bytes, lengths: list[int]) -> None:
    if audio is F32:
        data = f32(np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768)) + data[:3]
    whole = PcmDecoder(audio).decode(data)
    decoder = PcmDecoder(audio)
    pieces = [decoder.decode(piece) for piece in cut(data, lengths)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert decoder.half_open == (len(data) % audio.encoding.sample_bytes != 0)


def test_sixteen_bit_full_scale_is_one() -> None:
    samples = PcmDecoder(S16).decode(np.array([-32768, 0, 16384, 32767], "<i2").tobytes())
    np.testing.assert_allclose(samples, [-1.0, 0.0, 0.5, 32767 / 32768], rtol=0, atol=0)
    assert samples.dtype == np.float32


def test_float_samples_beyond_full_scale_are_limited() -> None:
    samples = PcmDecoder(F32).decode(f32(np.array([2.0, -3.5, 0.25], np.float32)))
    np.testing.assert_array_equal(samples, np.array([1.0, -1.0, 0.25], np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_samples_leave_the_decoder_as_it_was(bad: float) -> None:
    decoder = PcmDecoder(F32)
    sound = f32(np.array([0.1, 0.2, 0.3], np.float32))
    decoder.decode(sound[:6])
    with pytest.raises(NonFiniteSamplesError):
        decoder.decode(sound[6:8] + f32(np.array([bad], np.float32)))
    np.testing.assert_array_equal(decoder.decode(sound[6:]), np.array([0.2, 0.3], np.float32))


def test_any_buffer_of_bytes_will_do() -> None:
    data = np.arange(10, dtype="<i2").tobytes()
    wanted = PcmDecoder(S16).decode(data)
    np.testing.assert_array_equal(PcmDecoder(S16).decode(bytearray(data)), wanted)
    np.testing.assert_array_equal(PcmDecoder(S16).decode(memoryview(data)), wanted)


@pytest.mark.parametrize(("encoding", "subtype"), [(Encoding.MULAW, "ULAW"), (Encoding.ALAW, "ALAW")])
def test_a_byte_of_a_line_is_the_sample_that_libsndfile_reads(encoding: Encoding, subtype: str) -> None:
    codes = bytes(range(256))
    wanted, _ = soundfile.read(
        io.BytesIO(codes), dtype="float32", format="RAW", subtype=subtype, samplerate=8000, channels=1
    )
    decoder = PcmDecoder(AudioFormat(encoding, 8_000))
    assert np.array_equal(np.concatenate([decoder.decode(codes[:3]), decoder.decode(codes[3:])]), wanted)
    assert not decoder.half_open
