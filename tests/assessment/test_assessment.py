"""The one way from a window to a judged update and to the result."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from server.assessment.assessment import Assessment
from server.assessment.conclusion import build_result
from server.assessment.engine import Engine, HeardAudio
from server.assessment.result import Identity
from server.dictionaries import Dictionaries
from server.errors import SnapshotError
from server.judge.sounds import Interference, PatientSound
from server.model.acoustic import summarise
from server.rendering import wire
from server.rendering.results import result_model
from server.resources import labels_dir
from server.scoring.denoising import Denoised, DenoiseRequest
from server.scoring.ports import Priority, ScoreReply, ScoreRequest
from server.scoring.service import ScoringService
from server.stream.core import StreamCore
from server.stream.events import WindowReady
from server.transcript.sources import Utterance, WrittenTranscript
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding
from server.values.notices import NoticeCode
from server.values.scores import Opinion
from server.values.text import Text
from server.values.windows import Window
from server.wire.result import ResultModel
from tests.fakes import FakeDetector, FakeMos, FakeScorer

RATE = 8000
FILE = Capture(source=CaptureSource.FILE)
IDENTITY = Identity(id="x", kind="file", name="a.wav", reference="r", site="s", attempt_of="o", metadata={"k": 1})


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def mos() -> FakeMos:
    return FakeMos()


@pytest.fixture
async def engine(scorer: FakeScorer, mos: FakeMos) -> AsyncIterator[Engine]:
    async with ScoringService([scorer], mos) as service:
        yield Engine(
            service=service,
            dictionaries=Dictionaries.load(labels_dir()),
            make_core=lambda audio: StreamCore(audio, FakeDetector()),
            restore_core=lambda snapshot: StreamCore.restore(snapshot, FakeDetector()),
            summarise=summarise,
            scorer_names=service.scorer_names,
            clap=None,
            basic_mode=True,
            vad="fake",
            version="1.2.3",
        )


def heard(engine: Engine, seconds: float, seed: int = 1, *, gain: float = 1.0) -> tuple[list[Window], HeardAudio]:
    """The windows of some noise, and what the core heard."""
    core = engine.make_core(AudioFormat(Encoding.PCM_F32LE, RATE))
    rng = np.random.default_rng(seed)
    loudness = np.repeat(rng.uniform(0.01, 0.2, int(seconds) + 1), RATE)[: round(seconds * RATE)]
    pcm = (rng.standard_normal(round(seconds * RATE)) * loudness * gain).astype("<f4")
    events = core.receive_pcm(pcm.tobytes()) + core.finish()
    return [event.window for event in events if isinstance(event, WindowReady)], HeardAudio.of(core)


async def test_result_holds_every_field_and_no_number_that_json_lacks(engine: Engine) -> None:
    windows, whole = heard(engine, 14.3)
    assessment = Assessment(engine, engine.dictionaries.resolve(None), FILE)
    for window in windows:
        await assessment.assess(window)
    await assessment.conclude()
    result = result_model(build_result(assessment, whole, IDENTITY))
    text = result.model_dump_json()
    assert ResultModel.model_validate_json(text) == result
    plain = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert plain["source"] == {
        "kind": "file",
        "name": "a.wav",
        "duration_s": 14.3,
        "speech_s": pytest.approx(whole.speech_s),
        "sample_rate": RATE,
    }
    assert (plain["reference"], plain["site"], plain["attempt_of"], plain["metadata"]) == ("r", "s", "o", {"k": 1})
    assert len(plain["labels"]) == 14
    assert [window["end_s"] for window in plain["windows"]] == [float(end) for end in range(3, 15)]
    assert plain["model"]["scorers"] == ["acoustic"]
    assert plain["model"]["version"] == "1.2.3"
    assert plain["model"]["dictionary"]["name"] == "telemedicine"
    assert plain["measures"]["mos_overall"] is not None


async def test_windows_of_the_result_are_those_that_were_told(engine: Engine) -> None:
    labels = engine.dictionaries.resolve(None)
    assessment = Assessment(engine, labels, FILE)
    windows, whole = heard(engine, 13)
    told = [wire.quality_update((await assessment.assess(window)).update, 0.0) for window in windows]
    kept = result_model(build_result(assessment, whole, IDENTITY)).windows
    assert [update.seq for update in told] == list(range(1, len(windows) + 1))
    for update, window_model in zip(told, kept, strict=True):
        assert update.labels == window_model.labels
        assert update.measures == window_model.measures
        assert update.window.model_dump() == window_model.model_dump(include=set(type(update.window).model_fields))


async def test_the_spans_of_the_last_update_are_those_of_the_result(engine: Engine) -> None:
    labels = engine.dictionaries.resolve(None)
    assessment = Assessment(engine, labels, FILE)
    windows, whole = heard(engine, 30, gain=0.01)
    for window in windows:
        told = wire.quality_update((await assessment.assess(window)).update, 0.0).session.unusable_spans
    assert told
    assert told == result_model(build_result(assessment, whole, IDENTITY)).unusable_spans


async def test_recording_under_ten_seconds_has_dnsmos_in_the_result_only(engine: Engine, mos: FakeMos) -> None:
    windows, whole = heard(engine, 6)
    assessment = Assessment(engine, engine.dictionaries.resolve(None), FILE)
    for window in windows:
        assert (await assessment.assess(window)).update.measures.mos_overall is None
    await assessment.conclude()
    result = build_result(assessment, whole, IDENTITY)
    assert result.measures.mos_overall == 3.0
    assert mos.ends == [6 * RATE]
    assert result.provenance.shed == 0


class MosListener(FakeScorer):
    """Opinions that fall if there is a DNSMOS result: such as of a television, which only DNSMOS hears."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        value = 0.9 if requests[0].mos is None else 0.4
        return [
            replace(reply, opinions={label_id: Opinion(value) for label_id in reply.opinions})
            for reply in super().score(requests)
        ]


@pytest.mark.parametrize("seconds", [1.0, 2.5, 6.0, 9.9, 10.5, 11.5, 15.0])
async def test_dnsmos_counts_in_the_verdict_however_short_the_recording(engine: Engine, seconds: float) -> None:
    """At 10.5 s a television was accepted, at 11.5 s it was not."""
    async with ScoringService([MosListener()], FakeMos()) as service:
        engine = replace(engine, service=service)
        windows, whole = heard(engine, seconds)
        assessment = Assessment(engine, engine.dictionaries.resolve("low_background"), FILE)
        for window in windows:
            await assessment.assess(window)
        await assessment.conclude()
        result = build_result(assessment, whole, IDENTITY)
    score = result.labels["low_background"].score.score
    assert score is not None
    assert score < 0.7


async def test_a_result_with_little_speech_says_so(engine: Engine) -> None:
    windows, whole = heard(engine, 6)
    assessment = Assessment(engine, engine.dictionaries.resolve("low_background"), FILE)
    for window in windows:
        await assessment.assess(window)
    for speech_s, told in ((0.59, True), (0.61, False), (0.0, False)):
        notices = build_result(assessment, replace(whole, speech_s=speech_s), IDENTITY).notices
        assert [notice.en for notice in notices if "less than a tenth" in notice.en] == (
            ["Someone speaks in less than a tenth of this recording; the scores rest on that speech alone."]
            if told
            else []
        )


async def test_failing_scorer_leaves_null_labels_and_the_next_window_is_judged(
    engine: Engine, scorer: FakeScorer
) -> None:
    windows, whole = heard(engine, 5)
    assessment = Assessment(engine, engine.dictionaries.resolve(None), FILE, priority=Priority.LIVE)
    scorer.fail = True
    failed = await assessment.assess(windows[0])
    assert len(failed.failures) == 1
    assert failed.update.labels["low_background"].score is None
    assert str(failed.update.labels["low_background"].why) == "shed"
    assert str(failed.update.labels["pain_location"].why) == "needs_transcript"
    scorer.fail = False
    assert (await assessment.assess(windows[1])).update.labels["low_background"].score is not None
    assert build_result(assessment, whole, IDENTITY).provenance.shed == 1


@pytest.mark.parametrize(("seconds", "told"), [(22, True), (23, False)])
async def test_models_that_gave_nothing_for_a_twentieth_of_the_windows_are_told(
    engine: Engine, scorer: FakeScorer, seconds: int, told: bool
) -> None:
    """Of 20 windows one is told, of 21 it is counted only; what was lost at the end has a notice of its own."""
    windows, whole = heard(engine, seconds)
    assessment = Assessment(engine, engine.dictionaries.resolve(None), FILE, priority=Priority.LIVE)
    for place, window in enumerate(windows):
        scorer.fail = place == 0
        await assessment.assess(window)
    result = build_result(assessment, whole, IDENTITY)
    assert result.provenance.shed == 1
    said = [one for one in result.notices if one.code is NoticeCode.PARTS_LEFT_OUT]
    assert [one.en.split(" some")[0] for one in said] == ["For 1 of 20 windows"] * told
    assert [one.zh.split("，")[0] for one in said] == ["20 个窗口中有 1 个"] * told


async def test_restored_assessment_has_the_result_of_the_unbroken_one(engine: Engine) -> None:
    labels = engine.dictionaries.resolve(None)
    windows, whole = heard(engine, 22)
    straight = Assessment(engine, labels, FILE)
    for window in windows[:9]:
        await straight.assess(window)
    state = json.loads(json.dumps(straight.snapshot()))
    restored = Assessment.restore(state, engine, labels, FILE)
    for assessment in (straight, restored):
        for window in windows[9:]:
            await assessment.assess(window)
        await assessment.conclude()
    one, other = (build_result(assessment, whole, IDENTITY) for assessment in (straight, restored))
    assert one == other


async def test_a_restored_assessment_keeps_its_transcript(engine: Engine) -> None:
    labels = engine.dictionaries.resolve("pain_location,symptom_duration")
    lines = (Utterance("肚子疼", 2.0), Utterance("三天了", 90.0))
    transcript = WrittenTranscript(lines)
    straight = Assessment(engine, labels, FILE, transcript=transcript)
    restored = Assessment.restore(straight.snapshot(), engine, labels, FILE, transcript=transcript)
    said = restored.said(10.0)
    assert said is not None
    assert said == straight.said(10.0)
    assert {label_id: (one.state.value, one.heard_at_s) for label_id, one in said.items()} == {
        "pain_location": ("stated", 2.0),
        "symptom_duration": ("not_heard", None),
    }
    assert restored.notices(10.0) == straight.notices(10.0) != []


async def test_names_go_on_after_a_restore_from_window_to_result(engine: Engine, scorer: FakeScorer) -> None:
    title, prompt = Text("电视声", "Television"), Text("有电视声。", "I can hear the television.")
    named = (Interference("tv", title, 0.6, prompt),)
    coughs = (PatientSound("coughing", Text("咳嗽", "Coughing"), 0.5),)
    plain = scorer.score
    # In these windows a cough is heard, in all of them a television.
    ends = {12 * RATE, 13 * RATE, 14 * RATE}

    def naming(requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        replies = zip(plain(requests), requests, strict=True)
        return [
            replace(reply, interference=named, events=coughs if request.window.end_sample in ends else ())
            for reply, request in replies
        ]

    scorer.score = naming  # type: ignore[method-assign]
    labels = engine.dictionaries.resolve("low_background")
    lenient = replace(labels, labels=tuple(replace(label, threshold=1.0, clear=1.0) for label in labels.labels))
    windows, whole = heard(engine, 22)
    async with ScoringService([scorer]) as service:
        # The lane keeps the method it was made with.
        engine = replace(engine, service=service)
        straight = Assessment(engine, lenient, FILE)
        for window in windows[:11]:
            update = (await straight.assess(window)).update
        assert [one.id for one in update.interference] == ["tv"]
        assert [(one.id, one.start, one.end) for one in update.events] == [("coughing", 11 * RATE, 13 * RATE)]
        restored = Assessment.restore(json.loads(json.dumps(straight.snapshot())), engine, lenient, FILE)
        for assessment in (straight, restored):
            for window in windows[11:]:
                await assessment.assess(window)
        one, other = (build_result(assessment, whole, IDENTITY) for assessment in (straight, restored))
    assert one == other
    assert [(named.id, round(named.score, 7)) for named in one.interference] == [("tv", 0.6)]
    assert [(event.id, event.start, event.end) for event in one.events] == [("coughing", 4 * RATE, 12 * RATE)]


async def test_labels_changed_between_two_windows_are_in_the_snapshot(engine: Engine) -> None:
    windows, whole = heard(engine, 22)
    straight = Assessment(engine, engine.dictionaries.resolve(None), FILE)
    for window in windows[:9]:
        await straight.assess(window)
    straight.change_labels(engine.dictionaries.resolve("cardiology,no_clipping"))
    assert straight.labels.dictionary == "telemedicine"
    state = json.loads(json.dumps(straight.snapshot()))
    restored = Assessment.restore(state, engine, straight.labels_asked_for, FILE)
    for assessment in (straight, restored):
        for window in windows[9:]:
            await assessment.assess(window)
        await assessment.conclude()
    one, other = (build_result(assessment, whole, IDENTITY) for assessment in (straight, restored))
    assert one == other
    assert "palpitations_described" in one.labels
    assert "full_bandwidth" not in one.labels


async def test_snapshot_of_another_version_is_refused(engine: Engine) -> None:
    labels = engine.dictionaries.resolve(None)
    state = Assessment(engine, labels, FILE).snapshot() | {"version": 99}
    with pytest.raises(SnapshotError):
        Assessment.restore(state, engine, labels, FILE)


async def test_labels_of_a_window_under_way_stay_those_it_was_scored_for(engine: Engine) -> None:
    windows, _ = heard(engine, 5)
    assessment = Assessment(engine, engine.dictionaries.resolve("low_background"), FILE)
    first = await assessment.assess(windows[0])
    assessment.change_labels(engine.dictionaries.resolve("close_enough"))
    second = await assessment.assess(windows[1])
    assert list(first.update.labels) == ["low_background"]
    assert list(second.update.labels) == ["close_enough"]


async def test_every_scorer_has_a_thread_of_its_own(mos: FakeMos) -> None:
    first, second = FakeScorer("one"), FakeScorer("two", "clap")
    dictionaries = Dictionaries.load(labels_dir())
    async with ScoringService([first, second], mos) as service:
        engine = Engine(
            service, dictionaries, lambda audio: StreamCore(audio, FakeDetector()), _no_core, summarise,
            service.scorer_names, None, False, "fake", "0",
        )  # fmt: skip
        windows, _ = heard(engine, 5)
        assessment = Assessment(engine, dictionaries.resolve(None), FILE)
        for window in windows:
            assessed = await assessment.assess(window)
        assert set(assessed.update.labels["low_background"].evidence) >= {"acoustic", "clap"}
    assert len(first.threads) == len(second.threads) == 1
    assert first.threads != second.threads


def _no_core(_: bytes) -> StreamCore:
    raise AssertionError("nothing is restored here")


async def test_cancelled_window_changes_nothing(engine: Engine, scorer: FakeScorer) -> None:
    windows, whole = heard(engine, 5)
    assessment = Assessment(engine, engine.dictionaries.resolve(None), FILE)
    scorer.gate.clear()
    task = asyncio.create_task(assessment.assess(windows[0]))
    await asyncio.to_thread(scorer.entered.wait, 10)
    task.cancel()
    await asyncio.wait([task])
    scorer.gate.set()
    assert len(assessment.log) == 0
    await assessment.assess(windows[0])
    assert [window.end_sample for window in build_result(assessment, whole, IDENTITY).windows] == [3 * RATE]


async def test_a_denoiser_is_asked_only_where_a_label_reads_it(engine: Engine) -> None:
    labels = engine.dictionaries
    windows, _ = heard(engine, 4.0)
    for ids, capture, asked in (
        ("low_background", FILE, True),
        ("no_clipping", FILE, False),
        ("no_clipping", Capture(), False),
        ("low_background", Capture(), True),
        ("intelligible", FILE, False),
        ("intelligible", Capture(), True),  # by its curves for processed sound
    ):
        model = DeafDenoiser()
        async with ScoringService([FakeScorer()], None, model) as service:
            assessment = Assessment(replace(engine, service=service), labels.resolve(ids), capture)
            for window in windows:
                await assessment.assess(window)
        assert (model.calls > 0) is asked, (ids, capture)
        assert assessment.shed == (len(windows) if asked else 0), "what was missing is told"


class DeafDenoiser:
    """Fails whatever it is asked, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def denoise(self, request: DenoiseRequest) -> Denoised:
        self.calls += 1
        raise RuntimeError("as the test asked")
