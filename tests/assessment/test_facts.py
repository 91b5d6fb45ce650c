"""What the judgement is told of a window's last second."""

import numpy as np
import pytest

from server.assessment.facts import window_facts
from server.scoring.denoising import COLUMNS
from server.values.audio import Float32Array
from server.values.measures import Measures
from server.values.rows import Column
from server.values.windows import Window
from tests.model.hearing import made_rows

SECONDS, RATE = 10, 16_000


def noise_fell(rows: Float32Array, denoised: Float32Array | None = None) -> float | None:
    window = Window(
        start_sample=0,
        end_sample=SECONDS * RATE,
        sample_rate=RATE,
        partial=False,
        pcm=np.zeros(SECONDS * RATE, np.float32),
        rows=rows,
    )
    unknown = np.full((SECONDS * 10, COLUMNS), np.nan, np.float32)
    sound = window_facts(window, Measures(), unknown if denoised is None else denoised).sound
    assert sound is not None
    return sound.noise_fell_db


def rows_with(level_db: float, start_s: float, end_s: float, speech: float = 0.0) -> Float32Array:
    rows = made_rows(SECONDS * 100, level=-60.0)
    rows[round(start_s * 100) : round(end_s * 100), Column.LEVEL_DB] = level_db
    rows[round(start_s * 100) : round(end_s * 100), Column.SPEECH] = speech
    return rows


def test_a_cough_that_is_over_has_fallen_by_what_it_was_over_the_room() -> None:
    # One second of four at -30 dBFS, then -60.
    assert noise_fell(rows_with(-30.0, 7, 8)) == pytest.approx(24.0, abs=0.2)


def test_a_noise_that_goes_on_has_not_fallen() -> None:
    assert noise_fell(rows_with(-30.0, 0, 10)) == pytest.approx(0.0, abs=0.1)
    assert noise_fell(rows_with(-30.0, 9, 10)) == pytest.approx(-6.0, abs=0.1)


def test_under_words_only_a_denoiser_tells() -> None:
    rows = rows_with(-25.0, 0, 10, speech=0.9)
    assert noise_fell(rows) is None
    parted = np.tile(np.array([-25.0, -60.0, 0.9], np.float32), (SECONDS * 10, 1))
    parted[70:80, 1] = -30.0
    assert noise_fell(rows, parted) == pytest.approx(24.0, abs=0.2)
    parted[90:, 1] = -30.0
    assert noise_fell(rows, parted) == pytest.approx(-3.0, abs=0.2)


def test_words_are_no_noise_where_no_denoiser_parts_them() -> None:
    assert noise_fell(rows_with(-20.0, 6, 9, speech=0.9)) == pytest.approx(0.0, abs=0.1)
