"""What arrives when nobody speaks."""

import numpy as np
import numpy.typing as npt
import pytest

from server.values.audio import Float32Array
from server.values.input_kind import InputKind, input_kind
from server.values.rows import N_COLUMNS, Column


def rows(levels: npt.NDArray[np.float64], **columns: float) -> Float32Array:
    found = np.zeros((levels.shape[0], N_COLUMNS), np.float32)
    found[:, Column.LEVEL_DB] = levels
    for name, value in columns.items():
        found[:, Column[name]] = value
    return found


def floor(dbfs: float, spread_db: float, n: int = 400) -> Float32Array:
    return rows(dbfs + spread_db * np.random.default_rng(1).standard_normal(n))


def test_only_zeros_are_digital_silence() -> None:
    assert input_kind(rows(np.full(400, -120.0), ZERO=1.0)) is InputKind.ZEROS


def test_rounding_without_a_signal_is_a_floor() -> None:
    assert input_kind(rows(np.where(np.arange(400) % 3, -120.0, -96.0))) is InputKind.FLOOR


@pytest.mark.parametrize("dbfs", [-75.0, -66.0, -55.0])
def test_steady_noise_of_an_input_is_a_floor(dbfs: float) -> None:
    assert input_kind(floor(dbfs, 0.5)) is InputKind.FLOOR


def test_a_room_in_which_something_moves_is_sound() -> None:
    moved = floor(-66.0, 0.5)
    moved[100:110, Column.LEVEL_DB] += 8.0
    assert input_kind(moved) is InputKind.SOUND
    assert input_kind(floor(-66.0, 2.5)) is InputKind.SOUND


def test_steady_noise_that_can_be_heard_is_sound() -> None:
    assert input_kind(floor(-40.0, 0.5)) is InputKind.SOUND


def with_zeros(start: int, n: int) -> Float32Array:
    found = floor(-30.0, 6.0)
    found[start : start + n, Column.ZERO] = 1.0
    return found


def test_zeros_between_words_are_a_gate() -> None:
    assert input_kind(with_zeros(100, 30)) is InputKind.GATED


@pytest.mark.parametrize(("start", "n"), [(100, 4), (100, 200), (370, 30), (0, 30)])
def test_a_loss_a_mute_switch_and_zeros_that_go_on_are_no_gate(start: int, n: int) -> None:
    assert input_kind(with_zeros(start, n)) is InputKind.SOUND


def test_lost_audio_says_nothing_of_the_microphone() -> None:
    lost = rows(np.full(400, -120.0), ZERO=1.0, GAP=1.0)
    assert input_kind(lost) is InputKind.SOUND
    lost[350:, Column.GAP] = 0.0
    assert input_kind(lost) is InputKind.SOUND


@pytest.mark.parametrize("far", [[(0, 0)], [(0, 150)], [(0, 350)], [(50, 150), (250, 400)], [(0, 400)]])
def test_a_muted_microphone_gives_zeros_whoever_speaks_at_the_far_end(far: list[tuple[int, int]]) -> None:
    muted = rows(np.full(400, -120.0), ZERO=1.0)
    for start, end in far:
        muted[start:end, Column.FAR_END] = 1.0
    assert input_kind(muted) is InputKind.ZEROS


def test_zeros_beside_the_far_end_are_no_gate() -> None:
    found = with_zeros(100, 100)
    found[200:, Column.FAR_END] = 1.0
    found[100:200, Column.LEVEL_DB] = -120.0
    assert input_kind(found) is InputKind.SOUND
    found[:, Column.FAR_END] = 0.0
    assert input_kind(found) is InputKind.GATED


def test_sound_of_the_far_end_alone_proves_no_floor() -> None:
    found = floor(-30.0, 6.0)
    found[:250, Column.FAR_END] = 1.0
    found[250:, Column.ZERO] = 1.0
    found[250:, Column.LEVEL_DB] = -120.0
    assert input_kind(found) is InputKind.SOUND
