"""The column OVERLAP: once per hop, with its context, whatever the chunks, and through a resume."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.stream.core import StreamCore
from server.stream.events import StreamEvent
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.values.rows import Column
from tests.fakes import FakeDetector, FakeOverlapModel
from tests.stream.audio import assert_same, babble, core_at, run, s16, windows

quick = settings(max_examples=10)


def listening(rate: int) -> StreamCore:
    return StreamCore(AudioFormat(Encoding.PCM_S16LE, rate), FakeDetector(), overlap=FakeOverlapModel())


def resumed(data: bytes, rate: int, at: int) -> list[StreamEvent]:
    core = listening(rate)
    events = core.receive_pcm(data[:at])
    core = StreamCore.restore(core.snapshot(), FakeDetector(), overlap=FakeOverlapModel())
    return events + core.receive_pcm(data[2 * core.next_sample :]) + core.finish()


@quick
@given(st.sampled_from([8_000, 16_000, 44_100, 48_000]), st.lists(st.integers(0, 60_000), max_size=20))
def test_overlap_does_not_depend_on_how_the_audio_was_cut(rate: int, lengths: list[int]) -> None:
    data = s16(babble(11.7, rate))
    assert_same(run(listening(rate), data, lengths), run(listening(rate), data))


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("seconds", [0.4, 2.6, 9.999, 12.3])
def test_overlap_of_a_resumed_stream_is_that_of_an_unbroken_one(rate: int, seconds: float) -> None:
    data = s16(babble(14.3, rate))
    assert_same(resumed(data, rate, 2 * round(seconds * rate)), run(listening(rate), data))


def test_each_hop_is_heard_once_with_half_a_second_before_it() -> None:
    model, heard = FakeOverlapModel(), []

    class Recording(FakeOverlapModel):
        def hear(self, pcm: Float32Array, rows: int) -> Float32Array:
            heard.append((pcm.shape[0], rows))
            return super().hear(pcm, rows)

    core = StreamCore(AudioFormat(Encoding.PCM_S16LE, 16_000), FakeDetector(), overlap=Recording())
    samples = babble(4, 16_000)
    window = windows(run(core, s16(samples)))[-1]
    assert heard == [(16_000, 100), *[(24_000, 100)] * 3]
    third = model.hear(window.pcm[2 * 16_000 - 8_000 : 3 * 16_000], 100)
    assert window.rows[200:300, Column.OVERLAP] == pytest.approx(third)


def test_without_a_model_and_in_a_long_gap_nobody_is_heard() -> None:
    plain = windows(run(core_at(16_000), s16(babble(4, 16_000))))[-1]
    assert (plain.rows[:, Column.OVERLAP] == -1.0).all()
    core = listening(16_000)
    core.receive_pcm(s16(babble(4, 16_000)))
    core.receive_gap(16_000 * 15)
    after = windows(core.receive_pcm(s16(babble(3, 16_000))))[-1]
    assert (after.rows[:600, Column.OVERLAP] <= 0.0).all()
    assert (after.rows[400:500, Column.OVERLAP] == -1.0).all()
    assert (after.rows[700:, Column.OVERLAP] >= 0.0).all()
    assert np.isfinite(after.rows).all()
