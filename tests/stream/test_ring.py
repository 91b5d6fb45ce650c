import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.stream.ring import InputBuffer, Ring

lengths = st.lists(st.integers(0, 7), max_size=40)


@given(lengths)
def test_ring_gives_back_the_newest_items(sizes: list[int]) -> None:
    ring = Ring(7)
    everything = np.arange(sum(sizes), dtype=np.float32)
    at = 0
    for size in sizes:
        ring.write(everything[at : at + size])
        at += size
        np.testing.assert_array_equal(ring.read(max(0, at - 7), at), everything[max(0, at - 7) : at])


def test_ring_of_rows_wraps_whole_rows() -> None:
    ring = Ring(4, 2)
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    ring.write(rows[:3])
    ring.write(rows[3:])
    np.testing.assert_array_equal(ring.read(2, 6), rows[2:])


@given(lengths)
def test_what_was_read_stays_as_it_was_whatever_is_written_later(sizes: list[int]) -> None:
    ring = Ring(7)
    everything = np.arange(sum(sizes), dtype=np.float32)
    at, held = 0, []
    for size in sizes:
        ring.write(everything[at : at + size])
        at += size
        held.append((max(0, at - 7), at, ring.read(max(0, at - 7), at)))
    ring.forget(at)
    for start, end, was in held:
        np.testing.assert_array_equal(was, everything[start:end])


def test_what_is_read_is_contiguous_read_only_and_no_copy() -> None:
    ring = Ring(4)
    ring.write(np.ones(3, np.float32))
    one, other = ring.read(0, 3), ring.read(1, 3)
    assert one.flags.c_contiguous
    assert not one.flags.writeable
    assert np.shares_memory(one, other)


@given(lengths)
def test_input_buffer_keeps_what_is_needed(sizes: list[int]) -> None:
    buffer = InputBuffer(20, start=100)
    everything = np.arange(100, 100 + sum(sizes), dtype=np.float32)
    for size in sizes:
        at = buffer.end - 100
        keep = max(100, buffer.end - 10)
        buffer.append(everything[at : at + size], keep)
        np.testing.assert_array_equal(buffer.view(keep, buffer.end), everything[keep - 100 : at + size])
