"""The client cuts what it sends where the far end starts and stops."""

from hypothesis import given
from hypothesis import strategies as st

from server.client.far_end import FarEndMarks
from server.client.replay import ReplayBuffer

spans = (
    st.lists(st.integers(0, 200), max_size=8, unique=True)
    .map(sorted)
    .map(lambda edges: list(zip(edges[::2], edges[1::2], strict=False)))
)
lengths = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=10)


@given(spans, lengths)
def test_cut_pieces_are_the_same_audio_and_begin_where_the_far_end_changes(
    far: list[tuple[int, int]], chunks: list[tuple[int, bool]]
) -> None:
    total = sum(samples for samples, _ in chunks)
    audio = bytes(range(200)) * 4
    source, at = [], 0
    for samples, lost in chunks:
        source.append((samples, None if lost else audio[2 * at : 2 * (at + samples)]))
        at += samples
    marks = FarEndMarks(far)
    pieces = list(marks.cut(source))
    assert sum(piece.samples for piece in pieces) == total
    assert all(piece.data in (None, audio[2 * piece.start : 2 * piece.end]) for piece in pieces)
    starts = {piece.start for piece in pieces}
    assert {edge for span in far for edge in span if edge < total} <= starts


@given(spans, st.integers(0, 200))
def test_the_state_at_a_sample_is_that_of_the_last_change_before_it(far: list[tuple[int, int]], sample: int) -> None:
    assert FarEndMarks(far).speaking_at(sample) == any(start < sample <= end for start, end in far)


def test_pieces_are_kept_as_they_were_cut() -> None:
    buffer = ReplayBuffer(1_000)
    for piece in FarEndMarks([(30, 60)]).cut([(100, bytes(200))]):
        buffer.append(piece.samples, piece.data)
    assert [piece.start for piece in buffer.since(10)] == [10, 30, 60]


def test_a_span_of_nothing_changes_nothing() -> None:
    marks = FarEndMarks([(5, 5)])
    assert marks.change_at(5) is None
    assert [piece.start for piece in marks.cut([(10, bytes(20))])] == [0]
