"""Audio that the network lost: always told, never judged."""

import json

import pytest

from server.judge.judgement import Span
from server.judge.lost import LostAudio
from server.judge.spans import without
from tests.judge.builders import RATE


def told(gaps: list[tuple[float, float]], length_s: int) -> LostAudio:
    """Windows that end each second, unless all of them is lost."""
    lost = LostAudio()
    for end in range(3, length_s + 1):
        start = max(0, end - 10)
        inside = [(max(first, start), min(last, end)) for first, last in gaps if first < end and last > start]
        if inside == [(start, end)]:
            continue
        lost.add([(round(first * RATE), round(last * RATE)) for first, last in inside], start * RATE, end * RATE, RATE)
    return lost


@pytest.mark.parametrize(
    "gaps",
    [[(20.0, 23.0)], [(20.5, 20.8)], [(12.0, 50.0)], [(0.0, 15.0)], [(5.0, 6.0), (6.5, 7.0), (40.0, 59.0)], []],
)
def test_each_loss_is_told_where_it_lay_and_counted_once(gaps: list[tuple[float, float]]) -> None:
    lost = told(gaps, 60)
    assert lost.spans(RATE) == [Span(round(start * RATE), round(end * RATE), "lost") for start, end in gaps]
    assert lost.share() == pytest.approx(sum(end - start for start, end in gaps) / 60)


def test_a_loss_that_costs_no_word_is_only_counted() -> None:
    lost = told([(20.0, 20.2)], 60)
    assert lost.spans(RATE) == []
    assert lost.share() == pytest.approx(0.2 / 60)


def test_an_hour_of_jitter_keeps_no_list_of_its_gaps() -> None:
    lost = LostAudio()
    for end in range(10, 600):
        every = range((end - 10) * RATE, end * RATE, RATE // 50)
        lost.add([(at, at + RATE // 100) for at in every], (end - 10) * RATE, end * RATE, RATE)
    assert len(lost.snapshot()["runs"]) == 1
    assert lost.share() == pytest.approx(0.5, abs=0.01)


def test_a_snapshot_continues_to_the_same_losses() -> None:
    lost = told([(20.0, 30.0)], 25)
    restored = LostAudio.restore(json.loads(json.dumps(lost.snapshot())))
    for one in (lost, restored):
        one.add([(20 * RATE, 26 * RATE)], 16 * RATE, 26 * RATE, RATE)
    assert restored.spans(RATE) == lost.spans(RATE) == [Span(20 * RATE, 26 * RATE, "lost")]


def test_a_stretch_of_noise_is_told_beside_the_loss_within_it() -> None:
    noise, loss = Span(10 * RATE, 30 * RATE, "low_background"), Span(15 * RATE, 18 * RATE, "lost")
    assert without([noise], [loss], RATE) == [
        Span(10 * RATE, 15 * RATE, "low_background"),
        Span(18 * RATE, 30 * RATE, "low_background"),
    ]
    assert without([noise], [Span(12 * RATE, 29 * RATE, "lost")], RATE) == []
    assert without([noise], [Span(40 * RATE, 45 * RATE, "lost")], RATE) == [noise]
