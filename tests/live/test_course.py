"""What is remembered of a session's prompts, and when its sound was good enough."""

import pytest

from server.assessment.engine import Engine
from server.judge.judgement import Audience, PromptCleared, PromptRaised
from server.judge.labels import Label, LabelKind, LabelSet
from server.live.course import Course
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.values.text import Text
from server.wire.common import OverallModel, WindowRef
from server.wire.server import QualityUpdate
from tests.fakes import FakeClock, FakeSink
from tests.live.patient import Patient, noise

LABELS = LabelSet(
    (Label("low_background", Text("", ""), LabelKind.QUALITY, threshold=0.7),), frozenset({"low_background"}), "d", "1"
)


def window(end_s: float, grade: str = "poor", score: float | None = None) -> QualityUpdate:
    return QualityUpdate.model_construct(
        window=WindowRef.model_construct(end_s=end_s),
        overall=OverallModel.model_construct(grade=grade),
        recent={"low_background": score},
    )


def raised(audience: Audience = "patient") -> PromptRaised:
    return PromptRaised("move_somewhere_quieter", "low_background", Text("", ""), audience)


def cleared(audience: Audience = "patient") -> PromptCleared:
    return PromptCleared("move_somewhere_quieter", "low_background", Text("", ""), audience)


def test_a_prompt_is_followed_if_its_label_is_fine_when_it_clears() -> None:
    course = Course()
    course.judged(window(5, score=0.2), [raised()], LABELS)
    course.judged(window(9, score=0.7), [cleared()], LABELS)
    assert (course.raised, course.followed) == (1, 1)


@pytest.mark.parametrize("score", [0.69, None])
def test_a_prompt_that_gave_way_or_was_put_off_is_not_followed(score: float | None) -> None:
    course = Course()
    course.judged(window(5, score=0.2), [raised()], LABELS)
    course.judged(window(25, score=score), [cleared(), raised()], LABELS)
    assert (course.raised, course.followed) == (2, 0)


def test_prompts_for_the_doctor_are_not_the_patients() -> None:
    course = Course()
    course.judged(window(5, score=0.9), [raised("doctor"), cleared("doctor")], LABELS)
    assert (course.raised, course.followed) == (0, 0)


@pytest.mark.parametrize("grade", ["usable", "clear"])
def test_the_first_window_that_a_doctor_can_use_is_remembered(grade: str) -> None:
    course = Course()
    course.judged(window(3, "nodata"), [], LABELS)
    course.judged(window(4, "poor"), [], LABELS)
    assert course.first_usable_s is None
    course.judged(window(5, grade), [], LABELS)
    course.judged(window(6, grade), [], LABELS)
    assert course.first_usable_s == 5


def test_a_course_goes_on_where_it_was_left() -> None:
    course = Course()
    course.raised, course.followed, course.first_usable_s = 3, 2, 7.5
    again = Course()
    again.restore(course.snapshot())
    assert again.snapshot() == course.snapshot()


@pytest.mark.parametrize("state", [{}, {"raised": -1, "followed": 0, "first_usable_s": None}])
def test_a_damaged_course_is_refused(state: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Course().restore(state)


async def test_the_outcome_says_when_the_patient_came_and_what_came_of_the_prompts(
    engine: Engine, clock: FakeClock
) -> None:
    sink = FakeSink()
    began = clock.wall_time()
    async with SessionManager(engine, LiveLimits(), clock, sink=sink) as manager:
        patient = Patient(manager, clock)
        await patient.start()
        await patient.speak_scored(noise(12))
        raised = patient.socket.got("prompt.raised")
        await patient.end()
        (told,) = sink.outcomes
    assert told.began == began
    assert told.course.raised == len(raised)
    assert told.course.followed <= told.course.raised
