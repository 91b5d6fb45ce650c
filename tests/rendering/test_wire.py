"""Values become models of the protocol; numbers are rounded on the way."""

from dataclasses import replace

import pytest

from server.assessment.findings import Event
from server.assessment.window_log import LoggedWindow, LoggedWindows, WindowLog
from server.judge.judgement import Span
from server.judge.labels import Label, LabelKind, TranscriptEvidence
from server.judge.said import Said, SaidState
from server.rendering import wire
from server.rendering.results import AT_ONCE, result_model
from server.values.measures import Measures, Pauses
from server.values.scores import LabelScore, Why
from server.values.text import Text
from server.values.voices import Role, Voice
from tests.rendering.builders import RATE, result_of

LABEL = Label("a", Text("甲", "First"), LabelKind.QUALITY)
COUGH = Text("咳嗽", "Coughing")


def logged(*windows: LoggedWindow) -> LoggedWindows:
    log = WindowLog()
    for window in windows:
        log.append(window)
    return log.windows()


def window(end_s: int, score: float | None = 0.5) -> LoggedWindow:
    scored = LabelScore(score, {"acoustic": score}, Why.SHED if score is None else None)
    measures = Measures(snr_db=12.123456789, noise_dbfs=float("-inf"), pauses=Pauses(2, 1.5, 0.25))
    return LoggedWindow((end_s - 10) * RATE, end_s * RATE, False, 4.0, 0.4, {"a": scored}, measures)


def test_levels_are_floored_and_infinities_become_null() -> None:
    told = wire.measures(Measures(noise_dbfs=float("-inf"), snr_db=float("inf"), speech_dbfs=-140.0, speech_ratio=1))
    assert (told.noise_dbfs, told.snr_db, told.speech_dbfs) == (-120.0, None, -120.0)


def test_a_window_of_the_result_has_all_that_was_logged() -> None:
    told = result_model(replace(result_of({LABEL: 0.5}), windows=logged(window(10), window(11, None)))).windows
    assert told[0].model_dump(mode="json", exclude_none=True) == {
        "start_s": 0.0,
        "end_s": 10.0,
        "start_sample": 0,
        "end_sample": 10 * RATE,
        "partial": False,
        "speech_ratio": 0.4,
        "labels": {"a": {"score": 0.5, "evidence": {"acoustic": 0.5}}},
        "measures": {
            "snr_db": 12.1234568,
            "noise_dbfs": -120.0,
            "pauses": {"count": 2, "longest_s": 1.5, "ratio": 0.25},
        },
    }
    assert (told[1].labels["a"].score, told[1].labels["a"].why) == (None, Why.SHED)


def test_no_window_is_lost_between_two_batches() -> None:
    windows = logged(*(window(end_s) for end_s in range(10, 11 + 2 * AT_ONCE)))
    told = result_model(replace(result_of({LABEL: 0.5}), windows=windows)).windows
    assert [one.end_s for one in told] == [float(end_s) for end_s in range(10, 11 + 2 * AT_ONCE)]


def test_samples_of_a_result_become_seconds() -> None:
    result = replace(
        result_of({LABEL: 0.5}),
        unusable_spans=(Span(RATE, 3 * RATE, "a"),),
        events=(Event("cough", COUGH, RATE // 2, RATE, 0.9),),
    )
    told = result_model(result)
    assert told.source.duration_s == 12.0
    assert [(span.start_s, span.end_s, span.why) for span in told.unusable_spans] == [(1.0, 3.0, "a")]
    assert [(event.start_s, event.end_s) for event in told.events] == [(0.5, 1.0)]


def test_a_voice_is_told_with_all_its_spans_and_in_an_update_with_the_latest() -> None:
    spans = tuple((float(at), at + 0.5) for at in range(30))
    voice = Voice("v2", Role.OTHER, 15.0, -41.25, None, 4.5, spans, faint=True)
    told = result_model(replace(result_of({LABEL: 0.5}), voices=(voice,))).voices
    assert told[0].model_dump(exclude={"spans"}) == {
        "id": "v2",
        "role": "other",
        "speech_s": 15.0,
        "speech_dbfs": -41.25,
        "snr_db": None,
        "speech_rate_sps": 4.5,
        "faint": True,
    }
    assert [(span.start_s, span.end_s) for span in told[0].spans] == list(spans)
    assert [span.start_s for span in wire.voices([voice], 20)[0].spans] == [float(at) for at in range(10, 30)]


@pytest.mark.parametrize(
    ("said", "told"), [(Said(SaidState.DENIED, 0.8, 3.25), ("denied", 3.25)), (None, (None, None))]
)
def test_what_a_transcript_told_stands_beside_a_content_label(
    said: Said | None, told: tuple[str | None, float | None]
) -> None:
    label = Label("c", COUGH, LabelKind.CONTENT, transcript=TranscriptEvidence("cough", "stated"))
    result = result_of({label: 0.5})
    result = replace(result, labels={"c": replace(result.labels["c"], said=said)})
    model = result_model(result).labels["c"]
    assert (model.state, model.heard_at_s) == told
    assert model.expects == "stated"


def test_logs_with_equal_windows_are_equal_also_where_nothing_was_measured() -> None:
    assert logged(window(10, None)) == logged(window(10, None))
    assert logged(window(10)) != logged(window(10, 0.6))
