"""A room is believed where what a denoiser takes away between the words follows the words."""

import numpy as np
import pytest

from server.model.acoustic.tails import LEAST_ALIKE, tail_likeness, tails_heard
from server.scoring.denoising import UNKNOWN_LEVELS
from server.values.audio import Float32Array

ECHO, OWN = 0.8, 0.4


def spoken(taken_db: Float32Array, *, seconds: float = 10) -> Float32Array:
    """Words of 0.6 s with as much between them, and what is taken away of each tenth."""
    tenths = round(seconds * 10)
    voice = np.where(np.arange(tenths) % 12 < 6, -25.0, -75.0)
    return np.stack((voice, taken_db[:tenths], np.full(tenths, np.nan)), axis=1).astype(np.float32)


def tail(fall_db: float) -> Float32Array:
    """Behind each word it dies away by ``fall_db`` every tenth."""
    behind = np.maximum(np.arange(100) % 12 - 5, 0)
    return (-35.0 - fall_db * behind).astype(np.float32)


def noise(seed: int, spread_db: float) -> Float32Array:
    return (-35.0 + spread_db * np.random.default_rng(seed).standard_normal(100)).astype(np.float32)


@pytest.mark.parametrize("fall_db", [1.5, 3.0, 6.0])
def test_what_dies_away_behind_the_words_is_a_tail(fall_db: float) -> None:
    alike = tail_likeness(spoken(tail(fall_db)))
    assert alike is not None
    assert alike > 0.9


@pytest.mark.parametrize("spread_db", [0.5, 4.0, 12.0])
def test_what_comes_and_goes_as_it_likes_is_none(spread_db: float) -> None:
    likenesses = [tail_likeness(spoken(noise(seed, spread_db))) for seed in range(20)]
    assert all(alike is not None and alike < LEAST_ALIKE for alike in likenesses)


def test_a_noise_that_never_changes_is_none() -> None:
    assert tail_likeness(spoken(np.full(100, -35.0, np.float32))) == 0.0


def test_without_dips_no_tail_is_heard() -> None:
    through = spoken(tail(3.0))
    through[:, 0] = -25.0
    assert tail_likeness(through) == 0.0


def test_before_three_seconds_were_parted_nothing_is_known() -> None:
    assert tail_likeness(UNKNOWN_LEVELS) is None
    assert tail_likeness(spoken(tail(3.0), seconds=2.9)) is None
    assert tail_likeness(spoken(tail(3.0), seconds=3)) is not None
    unknown = spoken(tail(3.0))
    unknown[20:] = np.nan
    assert tail_likeness(unknown) is None


def test_what_is_unknown_between_counts_as_silence() -> None:
    parted = spoken(tail(3.0))
    parted[36:48] = np.nan
    alike = tail_likeness(parted)
    assert alike is not None
    assert alike > 0.9


@pytest.mark.parametrize(
    ("alike", "words_db", "believed"),
    [
        (0.9, 5.0, (ECHO, OWN)),
        (None, 5.0, (ECHO, OWN)),
        (0.2, 5.0, (None, None)),
        (0.2, 20.0, (None, OWN)),
        (0.2, None, (None, OWN)),
    ],
)
def test_an_echo_without_a_tail_is_a_noise(
    alike: float | None, words_db: float | None, believed: tuple[float | None, float | None]
) -> None:
    assert tails_heard(ECHO, OWN, alike=alike, words_db=words_db) == believed


def test_that_a_room_is_dry_is_never_doubted() -> None:
    assert tails_heard(0.05, 0.02, alike=-0.3, words_db=3.0) == (0.05, 0.02)
