"""A checkpoint with a number that no session wrote is refused, whatever it counts."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from server.errors import SnapshotError
from server.judge.session import SessionJudge
from server.values.mode import Mode
from server.values.stored import amount, amounts, count, number, read_json
from tests.judge.builders import TELEMEDICINE, opinions
from tests.judge.test_other_voice import Second, heard

Path = tuple[Any, ...]

LEVELS = {("other_voice", "level", "latest"), ("other_voice", "level", "usual"), ("other_voice", "turn", "room")}
"""Decibels are negative as a rule."""


def numbers(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path
    elif isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(one, (*path, key))


def changed(state: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    new = copy.deepcopy(state)
    at: Any = new
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return new


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """Of a visit in which every part of the judgement has something to remember."""
    judge = SessionJudge(TELEMEDICINE, Mode.VISIT)
    loud = Second(1.0, -25.0, scores=(("low_background", 0.1), ("low_reverberation", 0.3), ("close_enough", 0.3)))
    for at, second in enumerate([*[Second(1.0, -25.0)] * 8, *[loud] * 24, *[Second(0.0, -65.0)] * 3], 1):
        scores = {label.id: 1.0 for label in TELEMEDICINE.labels if label.acoustic} | dict(second.scores)
        judge.add_window(heard(at, second), opinions(scores), opinions(scores))
    written: dict[str, Any] = json.loads(json.dumps(judge.snapshot()))
    return written


def test_no_number_of_a_judgement_that_counts_is_taken_if_it_is_negative(state: dict[str, Any]) -> None:
    SessionJudge.restore(state, TELEMEDICINE, Mode.VISIT)
    tried = [path for path in numbers(state) if path[:3] not in LEVELS]
    assert len({path[0] for path in tried}) >= 6
    taken: list[Path] = []
    for path in tried:
        try:
            SessionJudge.restore(changed(state, path, -3), TELEMEDICINE, Mode.VISIT)
        except SnapshotError:
            continue
        taken.append(path)
    assert [".".join(map(str, path)) for path in taken] == []


def test_no_number_of_a_judgement_is_taken_if_it_is_not_finite(state: dict[str, Any]) -> None:
    taken: list[Path] = []
    for path in numbers(state):
        for value in (float("nan"), float("inf"), 10**400):
            try:
                SessionJudge.restore(changed(state, path, value), TELEMEDICINE, Mode.VISIT)
            except SnapshotError:
                continue
            taken.append(path)
    assert [".".join(map(str, path)) for path in taken] == []


@pytest.mark.parametrize("text", ["[NaN]", '{"a": Infinity}', "[-Infinity]", "1e999", "[-1e400]"])
def test_json_of_a_store_holds_finite_numbers_alone(text: str) -> None:
    json.loads(text)
    with pytest.raises(ValueError, match="finite"):
        read_json(text)


def test_what_a_session_writes_is_read_back() -> None:
    assert read_json('[1, -2.5, 1e-9, "NaN", null]') == [1, -2.5, 1e-9, "NaN", None]
    assert (number(-2.5), amount(0), count(3.0), count(2**60 + 1)) == (-2.5, 0.0, 3, 2**60 + 1)
    assert amounts({"a": 1, "b": None, "c": "x", "d": True}) == {"a": 1, "b": None, "c": "x", "d": True}


@pytest.mark.parametrize("value", [-1, 0.5, float("nan"), float("inf"), 10**400])
def test_only_whole_numbers_count(value: float) -> None:
    with pytest.raises(ValueError, match=r"where|large"):
        count(value)
