"""Windows of hours are written in pieces, and the outcome is what it was with all of them in memory."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.assessment.result import Result
from server.assessment.window_log import LoggedWindow, WindowLog
from server.cli.console import indented_json
from server.cli.long_windows import MANY, apart
from server.cli.outcomes import ToldFile, line_of, of_line, of_result, told
from server.cli.outputs import DocumentOutput, LineOutput
from server.recording.batch import JudgedFile, Unread
from server.rendering.results import result_model
from server.values.measures import Measures, Pauses
from server.values.scores import LabelScore
from tests.rendering.builders import RATE, result_of

NAMES = ['windows":[', '],"model":{"scorers":', '{"start_s":', "听不清\n"]


def long_result(count: int, metadata: Any = None) -> Result:
    log = WindowLog()
    for number in range(count):
        span = (number * RATE, (number + 10) * RATE, number < 7, 3.25, 0.5)
        labels = {"low_background": LabelScore(number / 7919 % 1.0, {"acoustic": 0.25}, None)}
        log.append(LoggedWindow(*span, labels, Measures(snr_db=number / 3, pauses=Pauses(1, 0.5, 0.1))))
    plain = result_of({})
    identity = replace(plain.identity, name=NAMES[count % 4], metadata=metadata)
    return replace(plain, windows=log.windows(), identity=identity, samples=count * RATE)


def judged(result: Result) -> ToldFile:
    one = told(JudgedFile(result), None)
    assert isinstance(one, ToldFile)
    return one


@pytest.mark.parametrize("count", [0, 1, MANY, MANY + 1, 1234])
def test_a_line_is_that_of_the_whole_model(count: int) -> None:
    result = long_result(count)
    written = io.BytesIO()
    LineOutput(written, to_terminal=False).add(judged(result))
    assert written.getvalue().decode() == result_model(result).model_dump_json() + "\n"


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("count", [1, MANY + 1, 777])
def test_a_document_is_that_of_the_whole_models(count: int, several: bool) -> None:
    results = [long_result(count, {"windows": [], "a": ["b"]}), long_result(2)] if several else [long_result(count)]
    written = io.BytesIO()
    output = DocumentOutput(written, several=several, flat_form=False, to_terminal=False)
    for one in results:
        output.add(judged(one))
    if several:
        output.add(Unread("x", "empty", "Empty."))
    output.finish()
    whole: list[Any] = [result_model(one).model_dump(mode="json") for one in results]
    if several:
        whole.append(
            {"source": {"kind": "file", "name": "x"}, "error": {"code": "empty", "message": "Empty.", "message_zh": ""}}
        )
    assert written.getvalue().decode() == indented_json(whole if several else whole[0]) + "\n"


def test_an_array_of_nothing_is_one() -> None:
    written = io.BytesIO()
    DocumentOutput(written, several=True, flat_form=False, to_terminal=False).finish()
    assert json.loads(written.getvalue()) == []


keys = st.sampled_from([*NAMES, "windows", "model"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8) | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "windows", "model"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    count=st.sampled_from([0, 3, MANY + 1]),
    metadata=st.dictionaries(st.sampled_from(["windows", "model", *NAMES]), json_values),
)
def test_what_was_written_down_is_read_with_its_windows_apart_and_written_the_same(count: int, metadata: Any) -> None:
    result = long_result(count, metadata)
    whole = result_model(result).model_dump_json()
    kept = of_line(line_of(replace(judged(result), flat={"人": 1.0}, peaks=(-3,))))
    assert isinstance(kept, ToldFile)
    assert ("".join(kept.pieces()), kept.flat, kept.peaks) == (whole, {"人": 1.0}, (-3,))
    again = of_result(whole)
    assert "".join(again.pieces()) == whole
    assert len(again.result.windows) == (1 if count > MANY else count)
    assert (again.windows is None) == (count <= MANY)
    if again.result.windows:
        assert again.result.windows[-1] == result_model(result).windows[-1]


def test_what_is_no_result_is_left_as_it_is() -> None:
    for text in ("", "{}", '"windows":[', '],"model":{"scorers":', '],"model":{"scorers":"windows":['):
        assert apart(text) == (text, None)
