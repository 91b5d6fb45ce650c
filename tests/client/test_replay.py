"""The client's buffer for resume."""

from hypothesis import given
from hypothesis import strategies as st

from server.client.replay import Piece, ReplayBuffer

PIECES = st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=40)


def stream_of(pieces: list[tuple[int, bool]]) -> list[int | None]:
    """What was sent, a value per sample; ``None`` for samples lost before."""
    values: list[int | None] = []
    for samples, lost in pieces:
        first = len(values)
        values += [None] * samples if lost else [(first + i) % 251 for i in range(samples)]
    return values


def filled(pieces: list[tuple[int, bool]], keep: int) -> ReplayBuffer:
    buffer = ReplayBuffer(keep)
    for samples, lost in pieces:
        first = buffer.end
        data = None if lost else b"".join(((first + i) % 251).to_bytes(2, "little") for i in range(samples))
        buffer.append(samples, data)
    return buffer


def unpacked(pieces: list[Piece]) -> list[int | None]:
    values: list[int | None] = []
    for piece in pieces:
        if piece.data is None:
            values += [None] * piece.samples
        else:
            assert len(piece.data) == 2 * piece.samples
            values += [int.from_bytes(piece.data[i : i + 2], "little") for i in range(0, len(piece.data), 2)]
    return values


@given(PIECES, st.data())
def test_replay_sends_again_exactly_what_was_sent_from_there(
    pieces: list[tuple[int, bool]], data: st.DataObject
) -> None:
    sent = stream_of(pieces)
    sample = data.draw(st.integers(0, len(sent)))
    assert unpacked(list(filled(pieces, keep=10_000).since(sample))) == sent[sample:]


@given(PIECES, st.integers(1, 200), st.data())
def test_dropped_audio_is_replayed_as_a_gap_and_time_stays_right(
    pieces: list[tuple[int, bool]], keep: int, data: st.DataObject
) -> None:
    sent = stream_of(pieces)
    sample = data.draw(st.integers(0, len(sent)))
    replayed = unpacked(list(filled(pieces, keep).since(sample)))
    assert len(replayed) == len(sent) - sample
    for got, was in zip(replayed, sent[sample:], strict=True):
        assert got in (was, None)
    kept = replayed[-keep:] if keep < len(replayed) else replayed
    assert kept == sent[len(sent) - len(kept) :]


@given(PIECES, st.integers(1, 200))
def test_memory_is_bounded_by_what_is_kept_and_one_piece(pieces: list[tuple[int, bool]], keep: int) -> None:
    buffer = filled(pieces, keep)
    held = list(buffer.since(buffer.end - min(keep, buffer.end)))
    assert sum(piece.samples for piece in buffer._pieces) <= keep + 40
    assert sum(piece.samples for piece in held) == min(keep, buffer.end)


def test_replayed_pieces_are_contiguous() -> None:
    pieces = list(filled([(10, False), (5, True), (7, False)], keep=100).since(3))
    assert [(piece.start, piece.end) for piece in pieces] == [(3, 10), (10, 15), (15, 22)]
