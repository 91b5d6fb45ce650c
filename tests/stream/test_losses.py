"""What the column LOSS says of sound that was cut out, and of packets concealed by repeats."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.stream.losses import BESIDE_MS, CONTEXT_SAMPLES, LEAST_ZEROS, cut_sound, losses, repeated_rows
from server.values.audio import Float32Array
from server.values.rows import REPEATED

RNG = np.random.default_rng(7)
SPOKEN = np.full(100, 0.9, np.float32)


def bounds(rate: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(101, dtype=np.int64) * rate // 100


def vowel(n: int, jitter: float) -> Float32Array:
    """A voice at 120 Hz whose periods vary by ``jitter`` of their length, as lasting vowels do by 0.5 to 1 %, with
    breath 20 dB under it, as in a healthy voice."""
    out = np.zeros(n, np.float32)
    ring = np.exp(-np.arange(300) / 40) * np.sin(2 * np.pi * 700 * np.arange(300) / 16_000)
    at = 0.0
    while at < n - 300:
        out[int(at) : int(at) + 300] += (0.2 * ring * (1 + 0.03 * RNG.standard_normal())).astype(np.float32)
        at += 16_000 / 120 * (1 + jitter * RNG.standard_normal())
    return out + (0.1 * float(np.std(out)) * RNG.standard_normal(n)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_single_lost_quantum_shows_how_loud_the_sound_was_that_it_cuts_off(rate: int) -> None:
    sound = (0.1 * RNG.standard_normal(rate)).astype(np.float32)
    sound[rate // 2 : rate // 2 + 128] = 0.0
    found = cut_sound(sound, bounds(rate), rate)
    assert found[50] > 0.1
    assert np.count_nonzero(found) <= 2


def test_zeros_beside_faint_sound_and_single_zeros_cut_nothing_loud_off() -> None:
    sound = (0.1 * RNG.standard_normal(16_000)).astype(np.float32)
    sound[::10] = 0.0
    sound[7_900:8_100] *= np.abs(np.linspace(-1, 1, 200, dtype=np.float32))
    sound[7_950:8_050] = 0.0
    assert cut_sound(sound, bounds(16_000), 16_000).max() < 0.1


def test_a_run_of_zeros_from_the_start_of_a_hop_has_one_edge() -> None:
    sound = np.full(16_000, 0.2, np.float32)
    sound[:128], sound[-128:] = 0.0, 0.0
    assert np.flatnonzero(cut_sound(sound, bounds(16_000), 16_000)).tolist() == [0, 99]


def cut_sound_run_by_run(samples: Float32Array, bounds: np.ndarray[Any, Any], rate: int) -> Float32Array:
    """What ``cut_sound`` says, in the words of its docstring."""
    out = np.zeros(bounds.shape[0] - 1, np.float32)
    zero = np.concatenate(([False], samples[: bounds[-1]] == 0.0, [False]))
    edges = np.flatnonzero(zero[1:] != zero[:-1]).reshape(-1, 2)
    beside = max(1, round(rate * BESIDE_MS / 1000))
    for start, end in edges[edges[:, 1] - edges[:, 0] >= LEAST_ZEROS]:
        for at, sound in ((start, samples[max(0, start - beside) : start]), (end - 1, samples[end : end + beside])):
            row = int(np.searchsorted(bounds, at, side="right")) - 1
            out[row] = max(out[row], float(np.abs(sound).max(initial=0.0)))
    return out


@given(
    rate=st.sampled_from([8_000, 16_000, 44_100, 96_000]),
    rows=st.integers(1, 5),
    cuts=st.lists(st.tuples(st.integers(0, 5_000), st.sampled_from([1, 63, 64, 65, 128, 400])), max_size=30),
    seed=st.integers(0, 9),
)
def test_all_runs_at_once_give_what_each_gives_alone(
    rate: int, rows: int, cuts: list[tuple[int, int]], seed: int
) -> None:
    edges = np.arange(rows + 1, dtype=np.int64) * rate // 100
    sound = np.random.default_rng(seed).uniform(-1, 1, int(edges[-1])).astype(np.float32)
    for start, length in cuts:
        sound[start : start + length] = 0.0
    assert cut_sound(sound, edges, rate).tolist() == cut_sound_run_by_run(sound, edges, rate).tolist()


def test_a_thousand_runs_in_a_hop_are_found_like_one() -> None:
    sound = np.full(96_000, 0.2, np.float32)
    sound.reshape(-1, 80)[:, :64] = 0.0
    assert cut_sound(sound, bounds(96_000), 96_000).tolist() == pytest.approx([0.2] * 100)


def concealed_vowel(period: int, fade: float, jitter: float = 0.01) -> Float32Array:
    """A hop and its context; rows 40 and 41 repeat the last ``period`` samples, each time ``fade`` as loud."""
    pcm = vowel(CONTEXT_SAMPLES + 16_000, jitter)
    start = CONTEXT_SAMPLES + 6_400
    for at in range(start, start + 320):
        pcm[at] = fade * pcm[at - period]
    return pcm


@pytest.mark.parametrize(("period", "fade"), [(40, 0.95), (133, 0.8), (133, 1.0), (240, 0.7)])
def test_repeats_of_a_pitch_period_that_fade_are_found(period: int, fade: float) -> None:
    found = repeated_rows(concealed_vowel(period, fade), CONTEXT_SAMPLES, SPOKEN)
    assert set(np.flatnonzero(found).tolist()) in ({40, 41}, {41})  # where they begin there may be a step


@pytest.mark.parametrize("jitter", [0.005, 0.01])
def test_a_vowel_that_lasts_is_not_a_repeat(jitter: float) -> None:
    assert not repeated_rows(vowel(CONTEXT_SAMPLES + 16_000, jitter), CONTEXT_SAMPLES, SPOKEN).any()


def test_whole_packets_are_found_at_their_own_length_and_only_in_speech() -> None:
    pcm = (0.1 * RNG.standard_normal(CONTEXT_SAMPLES + 16_000)).astype(np.float32)
    pcm[8_000:8_960] = pcm[7_040:8_000]
    first = CONTEXT_SAMPLES
    assert np.count_nonzero(repeated_rows(pcm, first, SPOKEN)) >= 4
    assert not repeated_rows(pcm, first, np.zeros(100, np.float32)).any()


def test_a_stream_that_begins_has_nothing_to_compare_its_first_rows_with() -> None:
    pcm = concealed_vowel(133, 0.8)[CONTEXT_SAMPLES:]
    assert 41 in np.flatnonzero(repeated_rows(pcm, 0, SPOKEN)).tolist()


def test_a_cut_outweighs_a_repeat_in_the_same_row() -> None:
    cut = np.array([0.0, 0.3, 0.3, 0.0], np.float32)
    repeated = np.array([True, True, False, False])
    assert losses(cut, repeated).tolist() == pytest.approx([REPEATED, 0.3, 0.3, 0.0])
