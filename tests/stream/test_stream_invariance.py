"""Property tests: results do not depend on the cuts, the rate is any, and a resumed stream equals an unbroken one."""

import copy
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import SnapshotError
from server.stream.core import StreamCore
from server.stream.events import StreamEvent, WindowReady
from server.stream.snapshot import MAX_BYTES, VERSION, pack, unpack
from server.values.audio import AudioFormat, Encoding
from server.values.rows import N_COLUMNS
from tests.fakes import FakeDetector
from tests.stream.audio import RATES, assert_same, babble, core_at, cut, f32, run, s16, windows

quick = settings(max_examples=12)
rates = st.sampled_from([*RATES, 12_345]) | st.integers(8_000, 96_000)
encodings = st.sampled_from(list(Encoding))
cuts = st.lists(st.integers(0, 60_000), max_size=30)


def encode(encoding: Encoding, seconds: float, rate: int, seed: int = 0) -> bytes:
    samples = babble(seconds, rate, seed)
    return s16(samples) if encoding is Encoding.PCM_S16LE else f32(samples)


@quick
@given(rates, encodings, cuts, st.floats(0, 13))
def test_nothing_depends_on_how_the_audio_was_cut(
    rate: int, encoding: Encoding, lengths: list[int], seconds: float
) -> None:
    data = encode(encoding, seconds, rate)
    one, other = core_at(rate, encoding), core_at(rate, encoding)
    assert_same(run(one, data, lengths), run(other, data))
    assert one.totals().rows == other.totals().rows
    assert one.speech_s == other.speech_s


@quick
@given(rates, encodings, cuts, st.floats(0, 6), st.integers(1, 400_000))
def test_audio_taken_in_pieces_is_the_same_audio(
    rate: int, encoding: Encoding, lengths: list[int], seconds: float, lost: int
) -> None:
    data = encode(encoding, seconds, rate)
    one, other = core_at(rate, encoding), core_at(rate, encoding)
    events: list[StreamEvent] = []
    for taken in (*(one.take_pcm(chunk) for chunk in cut(data, lengths)), one.take_gap(lost)):
        before = one.samples_received
        for piece in taken:
            hops = [event for event in piece if isinstance(event, WindowReady)]
            assert len(hops) <= 1
            assert one.samples_received - before <= rate or not piece, "or skipped"
            before = one.samples_received
            events += piece
    wanted = other.receive_pcm(data) + other.receive_gap(lost)
    assert_same(events + one.finish(), wanted + other.finish())


@quick
@given(st.sampled_from(list(Encoding)), st.binary(max_size=3_000), st.binary(max_size=3_000))
def test_a_repaired_chunk_keeps_its_pending_bytes(encoding: Encoding, head: bytes, tail: bytes) -> None:
    core = core_at(8_000, encoding)
    for _ in core.mend_pcm(head):
        pass
    for _ in core.mend_pcm(tail):
        pass
    assert core.samples_received == (len(head) + len(tail)) // encoding.sample_bytes
    assert core.half_open == bool((len(head) + len(tail)) % encoding.sample_bytes)


def test_only_the_pieces_with_non_finite_samples_of_a_chunk_are_lost() -> None:
    rate, samples = 8_000, babble(4, 8_000)
    broken = samples.copy()
    broken[4_100], broken[4_200] = np.nan, np.inf
    core, wanted = core_at(rate, Encoding.PCM_F32LE), core_at(rate, Encoding.PCM_F32LE)
    got = [event for piece in core.mend_pcm(f32(broken)) for event in piece]
    start, end = 3_200, 4_800  # one piece of 200 ms
    expected = wanted.receive_pcm(f32(samples[:start])) + wanted.receive_gap(end - start)
    expected += wanted.receive_pcm(f32(samples[end:]))
    assert_same(got + core.finish(), expected + wanted.finish())


def test_single_bytes_give_the_same_as_one_piece() -> None:
    data = s16(babble(3.2, 8_000))
    assert_same(run(core_at(8_000), data, [1] * len(data)), run(core_at(8_000), data))


@pytest.mark.parametrize("rate", RATES)
def test_any_rate_hears_the_same_speech(rate: int) -> None:
    t = np.arange(rate * 4) / rate
    samples = np.asarray(0.1 * np.sin(2 * np.pi * 300 * t) * (np.sin(2 * np.pi * t / 2) > 0), np.float32)
    window = windows(run(core_at(rate), s16(samples)))[-1]
    assert window.speech_s == pytest.approx(2.0, abs=0.35)
    expected = 20 * np.log10(0.1 / np.sqrt(2))
    assert float(window.rows[50, 0]) == pytest.approx(expected, abs=0.5)


def resumed(data: bytes, rate: int, encoding: Encoding, breaks: list[int], lengths: list[int]) -> list[StreamEvent]:
    """Events of a stream that is lost at each of ``breaks`` (bytes sent so far) and restored from its snapshot."""
    core, events, sent = core_at(rate, encoding), [], 0
    for at in breaks:
        for chunk in cut(data[sent : max(sent, at)], lengths):
            events += core.receive_pcm(chunk)
        packed = core.snapshot()
        assert len(packed) < MAX_BYTES
        before = core.next_sample
        core = StreamCore.restore(packed, FakeDetector())
        assert max(0, before - 12 * rate) <= core.next_sample <= before
        sent = core.next_sample * encoding.sample_bytes
    for chunk in cut(data[sent:], lengths):
        events += core.receive_pcm(chunk)
    return events + core.finish()


@quick
@given(rates, encodings, cuts, st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_a_resumed_stream_equals_an_unbroken_one(
    rate: int, encoding: Encoding, lengths: list[int], fractions: list[float]
) -> None:
    data = encode(encoding, 14.3, rate)
    breaks = sorted(int(fraction * len(data)) for fraction in fractions)
    assert_same(resumed(data, rate, encoding, breaks, lengths), run(core_at(rate, encoding), data))


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("offset", [-1, 0, 1, 700, 1_600])
def test_a_stream_resumes_from_a_break_beside_a_hop_boundary(rate: int, offset: int) -> None:
    data = s16(babble(13.2, rate))
    at = 2 * (12 * rate + offset)
    got = resumed(data, rate, Encoding.PCM_S16LE, [at, at + 2], [])
    assert_same(got, run(core_at(rate), data))


def test_a_stream_resumes_from_a_break_during_the_replay() -> None:
    rate, data = 16_000, s16(babble(15, 16_000))
    got = resumed(data, rate, Encoding.PCM_S16LE, [2 * 13 * rate + 50, 2 * 8 * rate, 2 * 13 * rate], [3_333] * 10)
    assert_same(got, run(core_at(rate), data))


def test_totals_of_a_resumed_stream_count_nothing_twice() -> None:
    data = s16(babble(14, 16_000))
    whole, core = core_at(16_000), core_at(16_000)
    run(whole, data)
    core.receive_pcm(data[: 2 * 16_000 * 12 + 10])
    core = StreamCore.restore(core.snapshot(), FakeDetector())
    run(core, data[2 * core.next_sample :])
    one, other = whole.totals(), core.totals()
    assert (one.rows, one.speech_rows, one.pause_count, one.pause_rows) == (
        other.rows,
        other.speech_rows,
        other.pause_count,
        other.pause_rows,
    )
    np.testing.assert_array_equal(one.speech_levels, other.speech_levels)
    np.testing.assert_array_equal(one.pause_levels, other.pause_levels)
    assert one.clipped == other.clipped


@pytest.mark.parametrize("gap_s", [4.3, 9.7, 30.2])
@pytest.mark.parametrize("break_s", [7.0, 9.4, 17.5, 33.0])
def test_a_stream_with_a_gap_is_resumed_as_it_was(gap_s: float, break_s: float) -> None:
    rate = 16_000
    head, tail, gap = babble(6.6, rate), babble(12, rate, seed=2), round(gap_s * rate)
    silence_at = head.shape[0]
    total = silence_at + gap + tail.shape[0]

    def send(core: StreamCore, start: int, end: int) -> list[StreamEvent]:
        """Samples ``start`` to ``end`` of head, gap, tail."""
        events: list[StreamEvent] = []
        if start < silence_at:
            events += core.receive_pcm(s16(head[start:end]))
        lost = min(end, silence_at + gap) - max(start, silence_at)
        if lost > 0:
            events += core.receive_gap(lost)
        if end > silence_at + gap:
            events += core.receive_pcm(s16(tail[max(0, start - silence_at - gap) : end - silence_at - gap]))
        return events

    unbroken, core = core_at(rate), core_at(rate)
    wanted = send(unbroken, 0, total) + unbroken.finish()
    at = min(round(break_s * rate), total)
    got = send(core, 0, at)
    core = StreamCore.restore(core.snapshot(), FakeDetector())
    got += send(core, core.next_sample, total) + core.finish()
    assert_same(got, wanted)
    assert core.totals().gap_rows == unbroken.totals().gap_rows


def test_audio_lost_in_the_replay_leaves_the_rows_as_they_were() -> None:
    """The client could not keep everything: it declares a gap where the server has already heard."""
    rate, samples = 16_000, babble(15, 16_000)
    unbroken = windows(run(core_at(rate), s16(samples)))
    core = core_at(rate)
    core.receive_pcm(s16(samples[: 13 * rate]))
    core = StreamCore.restore(core.snapshot(), FakeDetector())
    core.receive_gap(5 * rate)
    found = windows(core.receive_pcm(s16(samples[8 * rate :])))
    assert [w.end_s for w in found] == [14, 15]
    np.testing.assert_allclose(found[0].rows, unbroken[-2].rows, atol=1e-6)
    assert not found[0].pcm[: 3 * rate].any()


def test_interleaved_streams_do_not_influence_each_other() -> None:
    rates_and_data = [(rate, s16(babble(5, rate, seed))) for seed, rate in enumerate((16_000, 48_000))]
    cores = [core_at(rate) for rate, _ in rates_and_data]
    events: list[list[StreamEvent]] = [[], []]
    for at in range(0, len(rates_and_data[1][1]), 4_801):
        for n, (_, data) in enumerate(rates_and_data):
            events[n] += cores[n].receive_pcm(data[at : at + 4_801])
    for n, (rate, data) in enumerate(rates_and_data):
        assert_same(events[n] + cores[n].finish(), run(core_at(rate), data))


@pytest.fixture(scope="module")
def packed() -> bytes:
    core = core_at(16_000)
    core.receive_pcm(s16(babble(12, 16_000)))
    return core.snapshot()


def refused(packed: bytes) -> bool:
    with pytest.raises(SnapshotError):
        StreamCore.restore(packed, FakeDetector())
    return True


def test_a_snapshot_of_another_version_is_refused(packed: bytes) -> None:
    changed = packed[:4] + (VERSION + 1).to_bytes(2, "little") + packed[6:]
    assert refused(changed[:-4] + zlib.crc32(changed[:-4]).to_bytes(4, "little"))


def test_a_snapshot_holds_only_finite_numbers() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack({"level_db": float("nan")}, np.zeros((0, N_COLUMNS), np.float32))


def with_checksum(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "little")


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the whole numbers are that are not negative: places and counts."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(one, (*path, key))
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        yield path


def test_no_count_of_a_snapshot_is_taken_if_it_is_negative(packed: bytes) -> None:
    state, rows = unpack(packed)
    counted = [path for path in numbers(state) if "detector" not in path]
    assert len(counted) > 500
    for path in [*counted, ("rows", "peaks", "counts", 0), ("rows", "totals", "sums", 2), ("gate", "before_hop")]:
        changed = copy.deepcopy(state)
        at: Any = changed
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = -3
        assert refused(pack(changed, rows)), path


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
def test_a_number_that_is_not_finite_is_refused_wherever_it_stands(packed: bytes, number: bytes) -> None:
    at = packed.index(b'"level_db":') + len(b'"level_db":')
    end = min(packed.index(stop, at) for stop in (b",", b"}"))
    body = packed[:at] + number.rjust(end - at) + packed[end:-4]
    assert len(body) == len(packed) - 4
    assert refused(with_checksum(body))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_garbage_is_refused_as_a_snapshot(packed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(packed) - 1))
    flipped = bytes([packed[at] ^ data.draw(st.integers(1, 255))])
    assert refused(packed[:at] + flipped + packed[at + 1 :])
    assert refused(packed[:at])
    assert refused(data.draw(st.binary(max_size=200)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"sample_rate":16000', b'"sample_rate":96001'),
        (b'"name":"fake"', b'"name":"sham"'),
        (b'"hop":12', b'"hop":13'),
        (b'"pcm_s16le"', b'"pcm_s16be"'),
        (b'"known_until":', b'"unknown_til":'),
        (b'"known_until":192000', b'"known_until":191999'),
        (b'"gap_start":null', b'"gap_start":"no"'),
    ],
)
def test_a_snapshot_that_contradicts_itself_is_refused(packed: bytes, old: bytes, new: bytes) -> None:
    assert packed.count(old) == 1
    changed = packed.replace(old, new)[:-4]
    assert refused(changed + zlib.crc32(changed).to_bytes(4, "little"))


def test_a_snapshot_can_be_taken_of_a_stream_that_heard_nothing() -> None:
    core = StreamCore.restore(core_at(48_000).snapshot(), FakeDetector())
    assert core.next_sample == 0
    assert core.audio == AudioFormat(Encoding.PCM_S16LE, 48_000)
    data = s16(babble(4, 48_000))
    assert_same(run(core, data), run(core_at(48_000), data))
