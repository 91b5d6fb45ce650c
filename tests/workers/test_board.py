"""What workers count together, as each of them sees it."""

import multiprocessing
from pathlib import Path

import pytest

from server.access.crowd import Crowd, Standing
from server.access.principal import ANYONE
from server.access.tally import OwnTally, Tally
from server.access.throttle import WRONG_AT_ONCE, Throttle
from server.errors import CapacityError
from server.live.limits import LiveLimits
from server.live.starting import StartingSockets
from server.workers.board import KEY_BYTES, Board, Facts, SharedTally
from server.workers.control import counted
from server.workers.places import Places
from server.workers.seat import Seat


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board.create(tmp_path / "board", 2, b"k" * KEY_BYTES)


def opened(board: Board, tmp_path: Path) -> tuple[SharedTally, SharedTally]:
    """Of two workers, each with its own mapping of the file."""
    return (SharedTally(board, 0, "kind"), SharedTally(Board(tmp_path / "board", 2), 1, "kind"))


@pytest.mark.parametrize("shared", [False, True])
def test_a_tally_counts_by_name(shared: bool, board: Board, tmp_path: Path) -> None:
    tally: Tally = opened(board, tmp_path)[0] if shared else OwnTally()
    for name in ("a", "a", "b"):
        tally.add(name)
    tally.remove("a")
    assert (tally.of("a"), tally.of("b"), tally.of("c"), tally.here) == (1, 1, 0, 2)
    tally.remove("a")
    assert tally.of("a") == 0


def test_workers_count_together_and_a_dead_one_has_nothing(board: Board, tmp_path: Path) -> None:
    one, other = opened(board, tmp_path)
    for _ in range(3):
        one.add("203.0.113.5")
    other.add("203.0.113.5")
    assert (one.of("203.0.113.5"), other.of("203.0.113.5")) == (4, 4)
    assert (one.here, other.here) == (3, 1)
    board.clear(0)
    assert other.of("203.0.113.5") == 1


def test_kinds_are_counted_apart(board: Board) -> None:
    one, other = SharedTally(board, 0, "connections"), SharedTally(board, 1, "starting")
    one.add("203.0.113.5")
    assert other.of("203.0.113.5") == 0


def test_an_address_has_its_connections_at_all_workers_together(board: Board, tmp_path: Path) -> None:
    one, other = [Crowd(2, tally=tally) for tally in opened(board, tmp_path)]
    assert one.connect(("203.0.113.5", 1)) is Standing.WELCOME
    assert other.connect(("203.0.113.5", 2)) is Standing.WELCOME
    assert other.connect(("203.0.113.5", 3)) is Standing.REFUSED
    assert other.connect(("203.0.113.6", 3)) is Standing.WELCOME
    one.disconnect(("203.0.113.5", 1))
    other.disconnect(("203.0.113.5", 3))
    assert one.connect(("203.0.113.5", 4)) is Standing.WELCOME


def test_an_address_has_its_silent_sockets_at_all_workers_together(board: Board, tmp_path: Path) -> None:
    limits = LiveLimits(max_starting_per_address=1)
    one, other = [StartingSockets(limits, tally) for tally in opened(board, tmp_path)]
    with one.place(ANYONE, None, "203.0.113.5"):
        with pytest.raises(CapacityError), other.place(ANYONE, None, "203.0.113.5"):
            raise AssertionError
        with other.place(ANYONE, None, "203.0.113.6"):
            assert (len(one), len(other)) == (1, 1)
    with other.place(ANYONE, None, "203.0.113.5"):
        pass


def _take(path: Path, taken: "multiprocessing.Queue[int | None]") -> None:
    taken.put(Places(path, 2).take())


def test_places_are_those_of_all_processes_and_free_once_one_has_died(tmp_path: Path) -> None:
    mine = Places(tmp_path / "places", 2)
    first, second = mine.take(), mine.take()
    assert {first, second} == {0, 1}
    assert mine.take() is None
    processes = multiprocessing.get_context("spawn")
    taken = processes.Queue()

    def elsewhere() -> int | None:
        process = processes.Process(target=_take, args=(tmp_path / "places", taken))
        process.start()
        found: int | None = taken.get(timeout=60)
        process.join(60)
        return found

    assert elsewhere() is None
    mine.free(1)
    assert elsewhere() == 1
    assert mine.take() == 1, "the process that had it is gone"
    mine.close()


def test_the_roomiest_worker_that_stays_takes_a_newcomer(tmp_path: Path) -> None:
    board = Board.create(tmp_path / "board", 4, b"k" * KEY_BYTES)
    seat = Seat(0, 4, tmp_path, None)  # type: ignore[arg-type]  # no supervisor
    assert seat.roomiest() is None
    board.tell(1, Facts(up=True, room=3, announced=2, uploads=1))
    board.tell(2, Facts(up=True, room=5, announced=4))
    board.tell(3, Facts(up=True, room=9, draining=True))
    assert seat.roomiest() == 2
    assert (seat.room(), seat.announced(), seat.uploads()) == (True, 6, 1)
    board.clear(2)
    assert seat.roomiest() == 1


def test_a_site_has_its_sessions_at_all_workers_together(board: Board, tmp_path: Path) -> None:
    one, other = [Seat(index, board.workers, tmp_path, None) for index in range(2)]  # type: ignore[arg-type]
    with one.tells("ward-3"), one.tells("ward-3"), other.tells("ward-3"):
        assert (one.live("ward-3"), other.live("ward-3")) == (1, 2)
        assert other.live("ward-4") == 0
    assert (one.live("ward-3"), other.live("ward-3")) == (0, 0)


@pytest.mark.parametrize(("whole", "count"), [(64, 2), (7, 3), (3, 3)])
def test_shares_add_up(whole: int, count: int, tmp_path: Path) -> None:
    shares = [Seat(index, count, tmp_path, None).share(whole) for index in range(count)]  # type: ignore[arg-type]
    assert sum(shares) == whole
    assert max(shares) - min(shares) <= 1


def test_the_supervisor_answers_as_a_throttle_does() -> None:
    throttle = Throttle(600)
    asked = {"number": 7, "count": "wrong", "given": ["203.0.113.5", 0.0]}
    answers = [counted(throttle, asked) for _ in range(WRONG_AT_ONCE + 1)]
    assert [answer.get("value") for answer in answers] == [False] * (WRONG_AT_ONCE - 1) + [True, None]
    assert answers[-1]["retry_after_s"] == pytest.approx(3.0)
    assert all(answer["number"] == 7 for answer in answers)
