"""One contract for all that implement ``Scoring``: threads of this process, and a remote one that sends messages."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import pytest

from server.errors import ScoringError
from server.judge.labels import LabelSet
from server.scoring.denoising import DenoiseRequest
from server.scoring.ports import Priority, ScoreReply, ScoreRequest, Scoring
from server.scoring.service import ScoringService
from server.scoring.talking import TalkRequest
from server.values.audio import Capture, CaptureSource
from server.values.rows import N_COLUMNS
from server.values.windows import Window
from tests.fakes import FakeDenoiser, FakeMos, FakeScorer, FakeTalkers, until
from tests.judge.builders import TELEMEDICINE
from tests.scoring.remote import FakeRemoteScoring

RATE = 8000
WITHIN_S = 30.0
AT_ONCE_S = 0.01
LEVELS = [-60, -50, -40]
Open = Callable[..., Any]


@pytest.fixture(params=[ScoringService, FakeRemoteScoring], ids=["in-process", "remote"])
def open_scoring(request: pytest.FixtureRequest) -> Open:
    implementation: Open = request.param
    return implementation


class Scene:
    """Two scorers and DNSMOS, each with a gate, behind one implementation."""

    def __init__(self, scoring: Scoring, scorers: Sequence[FakeScorer], mos: FakeMos) -> None:
        self.scoring = scoring
        self.first, self.second = scorers
        self.mos = mos


@pytest.fixture
async def scene(open_scoring: Open) -> AsyncIterator[Scene]:
    scorers, mos = (FakeScorer("one"), FakeScorer("two", "clap")), FakeMos()
    async with open_scoring(scorers, mos) as scoring:
        yield Scene(scoring, scorers, mos)
        for model in (*scorers, mos):
            model.gate.set()


def window(end_s: float) -> Window:
    rows = np.zeros((300, N_COLUMNS), np.float32)
    return Window(round((end_s - 3) * RATE), round(end_s * RATE), RATE, True, rows, np.zeros(48_000, np.float32))


def request(end_s: float = 3.0) -> ScoreRequest:
    return ScoreRequest(window(end_s), TELEMEDICINE, Capture(source=CaptureSource.FILE))


async def test_every_scorer_answers_in_the_order_of_the_names(scene: Scene) -> None:
    assert scene.scoring.scorer_names == ("one", "two")
    scored = await scene.scoring.score(request(), Priority.LIVE, WITHIN_S)
    assert [(one.kind, one.failure) for one in scored] == [("acoustic", None), ("clap", None)]
    assert all(one.reply is not None and one.reply.opinions for one in scored)


async def test_each_caller_gets_the_answer_to_its_own_window(scene: Scene) -> None:
    scene.first.gate.clear()
    blocking = asyncio.create_task(scene.scoring.score(request(3), Priority.LIVE, WITHIN_S))
    await asyncio.to_thread(scene.first.entered.wait, WITHIN_S)
    tasks = [
        asyncio.create_task(scene.scoring.score(loud(level), Priority.LIVE, WITHIN_S)) for level in (-60, -50, -40)
    ]
    await until(lambda: scene.scoring.metrics()[0].queued == 3)
    scene.first.gate.set()
    await blocking
    heard = [(await task)[0].reply for task in tasks]
    assert [reply and reply.measures and reply.measures.noise_dbfs for reply in heard] == LEVELS


def loud(level_db: float) -> ScoreRequest:
    plain = request()
    rows = np.full_like(plain.window.rows, level_db)
    return ScoreRequest(Window(0, 3 * RATE, RATE, True, rows, plain.window.pcm), plain.labels, plain.capture)


async def test_a_failing_scorer_is_an_entry_beside_the_others(scene: Scene) -> None:
    scene.first.fail = True
    failed, fine = await scene.scoring.score(request(), Priority.LIVE, WITHIN_S)
    assert isinstance(failed.failure, ScoringError)
    assert failed.reply is None
    assert fine.reply is not None


async def test_a_scorer_that_never_answers_is_an_entry_after_the_deadline(scene: Scene) -> None:
    scene.first.gate.clear()
    stuck, _ = await scene.scoring.score(request(), Priority.LIVE, AT_ONCE_S)
    assert isinstance(stuck.failure, ScoringError)
    scene.first.gate.set()
    answered, _ = await scene.scoring.score(request(), Priority.FILE, WITHIN_S)
    assert answered.reply is not None, "the next one is answered again"


async def test_cancelling_the_caller_withdraws_its_window(scene: Scene) -> None:
    scene.first.gate.clear()
    blocking = asyncio.create_task(scene.scoring.score(request(3), Priority.LIVE, WITHIN_S))
    await asyncio.to_thread(scene.first.entered.wait, WITHIN_S)
    gone = asyncio.create_task(scene.scoring.score(request(4), Priority.LIVE, WITHIN_S))
    await until(lambda: scene.scoring.metrics()[0].queued == 1)
    gone.cancel()
    await asyncio.wait([gone])
    assert scene.scoring.metrics()[0].queued == 0
    scene.first.gate.set()
    await blocking
    assert [one.window.end_s for batch in scene.first.batches for one in batch] == [3.0]


async def test_dnsmos_answers_its_ticket_as_often_as_it_is_asked(scene: Scene) -> None:
    assert scene.scoring.has_mos
    ticket = scene.scoring.ask_mos(window(10), Priority.LIVE, WITHIN_S)
    first = await ticket.result(WITHIN_S)
    assert first is not None
    assert first.end_sample == 10 * RATE
    assert ticket.begun
    assert await ticket.result(0.0) == first


async def test_a_ticket_outlives_those_who_waited_too_short_or_left(scene: Scene) -> None:
    scene.mos.gate.clear()
    ticket = scene.scoring.ask_mos(window(10), Priority.LIVE, WITHIN_S)
    with pytest.raises(TimeoutError):
        await ticket.result(AT_ONCE_S)
    leaving = asyncio.create_task(ticket.result(WITHIN_S))
    await asyncio.sleep(0)  # it waits now
    leaving.cancel()
    await asyncio.wait([leaving])
    scene.mos.gate.set()
    assert await ticket.result(WITHIN_S) is not None


async def test_only_the_ticket_that_is_worked_on_has_begun(scene: Scene) -> None:
    scene.mos.gate.clear()
    first = scene.scoring.ask_mos(window(10), Priority.LIVE, WITHIN_S)
    await until(lambda: first.begun)
    second = scene.scoring.ask_mos(window(15), Priority.LIVE, WITHIN_S)
    assert not second.begun
    scene.mos.gate.set()
    await second.result(WITHIN_S)
    assert second.begun


async def test_a_ticket_that_was_withdrawn_never_begins_and_says_so(scene: Scene) -> None:
    scene.mos.gate.clear()
    first = scene.scoring.ask_mos(window(10), Priority.LIVE, WITHIN_S)
    await until(lambda: first.begun)
    second = scene.scoring.ask_mos(window(15), Priority.LIVE, WITHIN_S)
    second.withdraw()
    with pytest.raises(ScoringError):
        await second.result(WITHIN_S)
    scene.mos.gate.set()
    known = await first.result(WITHIN_S)
    first.withdraw()
    assert await first.result(WITHIN_S) == known, "what is known stays known"
    third = scene.scoring.ask_mos(window(20), Priority.LIVE, WITHIN_S)
    await third.result(WITHIN_S)
    assert scene.mos.ends == [10 * RATE, 20 * RATE]


async def test_a_failure_of_dnsmos_comes_with_its_ticket(scene: Scene) -> None:
    scene.mos.fail = True
    with pytest.raises(ScoringError):
        await scene.scoring.ask_mos(window(10), Priority.FILE, WITHIN_S).result(WITHIN_S)


async def test_preparing_reaches_the_scorer_and_its_failure_is_not_raised(open_scoring: Open) -> None:
    class Preparing(FakeScorer):
        def __init__(self) -> None:
            super().__init__()
            self.prepared: list[str] = []

        def prepare(self, labels: LabelSet) -> bool:
            self.prepared.append(labels.dictionary)
            if labels.dictionary == "broken":
                raise RuntimeError("as the test asked")
            return len(self.prepared) < 2

    scorer = Preparing()
    async with open_scoring([scorer]) as scoring:
        await scoring.prepare(LabelSet((), frozenset(), "fine", "1"))
        await scoring.prepare(LabelSet((), frozenset(), "broken", "1"))
        assert not scoring.has_mos
    assert scorer.prepared == ["fine", "fine", "broken"]


async def test_it_is_alive_until_its_end_and_tells_the_metrics_of_every_scorer(open_scoring: Open) -> None:
    async with open_scoring([FakeScorer("one")], FakeMos()) as scoring:
        assert scoring.alive
        assert [lane.name for lane in scoring.metrics()] == ["one", "mos"]
    assert not scoring.alive


def seconds(at: int) -> DenoiseRequest:
    pcm = np.full(16_000, float(at), np.float32)
    return DenoiseRequest(at * 16_000, (at + 1) * 16_000, pcm, 6.0)


async def test_each_caller_gets_the_levels_of_its_own_second(open_scoring: Open) -> None:
    async with open_scoring([FakeScorer("one")], None, FakeDenoiser()) as scoring:
        assert scoring.has_denoiser
        assert [lane.name for lane in scoring.metrics()] == ["one", "denoise"]
        asked = [scoring.denoise(seconds(at), Priority.LIVE, WITHIN_S) for at in range(5)]
        answers = await asyncio.gather(*asked)
        assert [float(one.levels[0, 0]) for one in answers] == [0, 1, 2, 3, 4]
        again = replace(seconds(5), memory=answers[4].memory)
        assert (await scoring.denoise(again, Priority.FILE, WITHIN_S)).memory.tolist() == [2]


async def test_a_failing_denoiser_is_logged_once_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    model = FakeDenoiser()
    async with ScoringService([], None, model) as scoring:
        for fail in (True, True, False, True):
            model.fail = fail
            with contextlib.suppress(ScoringError):
                await scoring.denoise(seconds(0), Priority.LIVE, WITHIN_S)
    logged = [record for record in caplog.records if "denoiser failed" in record.message]
    assert [record.exc_info is not None for record in logged] == [True, True]


async def test_a_failure_of_the_denoiser_is_a_scoring_error(open_scoring: Open) -> None:
    model = FakeDenoiser()
    model.fail = True
    async with open_scoring([FakeScorer("one")], None, model) as scoring:
        with pytest.raises(ScoringError):
            await scoring.denoise(seconds(0), Priority.LIVE, WITHIN_S)
    async with open_scoring([FakeScorer("one")]) as scoring:
        assert not scoring.has_denoiser


def stretch(number: int) -> TalkRequest:
    return TalkRequest(np.full(300 * 160, float(number), np.float32), 200, np.zeros(300, np.float32))


async def test_each_caller_hears_who_speaks_in_its_own_stretch(open_scoring: Open) -> None:
    async with open_scoring([FakeScorer("one")], None, None, FakeTalkers()) as scoring:
        assert scoring.has_talkers
        assert [lane.name for lane in scoring.metrics()] == ["one", "voices"]
        told = await asyncio.gather(*(scoring.talk(stretch(at), Priority.LIVE, WITHIN_S) for at in range(1, 4)))
        assert [int(np.argmax(one.talkers[0].voice)) for one in told] == [1, 2, 3]


async def test_a_failure_of_the_talker_models_is_a_scoring_error(open_scoring: Open) -> None:
    model = FakeTalkers()
    model.fail = True
    async with open_scoring([FakeScorer("one")], None, None, model) as scoring:
        with pytest.raises(ScoringError):
            await scoring.talk(stretch(1), Priority.LIVE, WITHIN_S)
    async with open_scoring([FakeScorer("one")]) as scoring:
        assert not scoring.has_talkers


def test_what_the_talker_models_are_asked_and_answer_is_data() -> None:
    assert_data(stretch(1), "request")
    assert_data(FakeTalkers().talk(stretch(1)), "answer")


def test_what_a_denoiser_is_asked_and_answers_is_data() -> None:
    request = replace(seconds(1), memory=np.zeros(3, np.float16))
    assert_data(request, "request")
    assert_data(FakeDenoiser().denoise(request), "answer")


def assert_data(value: object, at: str) -> None:
    """Numbers, strings, arrays and structures of them: nothing that exists in one process only."""
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            assert_data(getattr(value, one.name), f"{at}.{one.name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            assert_data(inner, f"{at}[{key!r}]")
    elif isinstance(value, (list, tuple, frozenset)):
        for inner in value:
            assert_data(inner, f"{at}[]")
    else:
        assert value is None or isinstance(value, (bool, int, float, str, Enum, np.ndarray)), f"{at} is {type(value)}"


def test_only_data_crosses_the_port() -> None:
    assert_data(request(), "request")
    (reply,) = FakeScorer().score([request()])
    assert isinstance(reply, ScoreReply)
    assert_data(reply, "reply")
