"""A recording's path through the core: the same windows, complete results, nothing left behind."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.app import open_engine
from server.assessment.engine import Engine
from server.assessment.updates import Assessed
from server.errors import ScoringError, UndecodableFileError
from server.judge.judgement import PromptRaised, Span
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.rendering.results import result_json
from server.scoring.service import ScoringService
from server.settings import Settings
from server.values.mode import Mode
from server.values.notices import NoticeCode
from tests.fakes import FakeScorer
from tests.recording.encoding import encoded

RNG = np.random.default_rng(5)


def recording(seconds: float, rate: int = 16_000, **bad: float) -> io.BytesIO:
    samples = RNG.uniform(-0.1, 0.1, int(seconds * rate)).astype(np.float32)
    for at_s in bad.values():
        samples[int(at_s * rate)] = np.nan
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="FLOAT")
    buffer.seek(0)
    return buffer


@asynccontextmanager
async def faked(*scorers: FakeScorer) -> AsyncIterator[Engine]:
    """The real engine, but for the scorers."""
    async with open_engine(Settings(mos=False)) as engine, ScoringService(scorers) as service:
        yield replace(engine, service=service, scorer_names=service.scorer_names)


async def test_twelve_seconds_have_ten_windows_and_progress_reaches_the_end() -> None:
    seen: list[float] = []
    async with faked(FakeScorer()) as engine:
        labels = engine.dictionaries.resolve(None)
        result = await assess_recording(
            engine, read_recording(recording(12), "a.wav"), labels, reference="r", on_progress=seen.append
        )
    assert [window.end_sample / 16_000 for window in result.windows] == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert [window.partial for window in result.windows] == [True] * 7 + [False] * 3
    assert (result.identity.name, result.identity.kind, result.duration_s) == ("a.wav", "file", 12.0)
    assert result.identity.reference == "r"
    assert seen == sorted(seen)
    assert seen[-1] == 12.0


@pytest.mark.parametrize(("seconds", "windows"), [(0.0, 0), (0.4, 0), (0.6, 1), (1.0, 1), (2.9, 1), (3.5, 1)])
async def test_short_recordings_have_at_most_one_window(seconds: float, windows: int) -> None:
    async with faked(FakeScorer()) as engine:
        result = await assess_recording(engine, read_recording(recording(seconds)), engine.dictionaries.resolve(None))
    assert len(result.windows) == windows
    if seconds < 0.5:
        assert result.overall.verdict == "unusable"
        assert all(label.score.score is None for label in result.labels.values())


async def test_non_finite_samples_advance_time() -> None:
    async with faked(FakeScorer()) as engine:
        whole = await assess_recording(
            engine, read_recording(recording(6, one=2.0, two=2.5)), engine.dictionaries.resolve(None)
        )
    assert whole.duration_s == 6.0
    assert len(whole.windows) == 4


async def test_a_rate_above_the_limit_is_resampled_to_the_limit() -> None:
    async with faked(FakeScorer()) as engine:
        result = await assess_recording(
            engine, read_recording(recording(4, rate=192_000)), engine.dictionaries.resolve(None)
        )
    assert result.sample_rate == 96_000
    assert result.duration_s == 4.0


async def test_a_break_is_a_span_at_the_end_of_what_was_heard(tmp_path: Path) -> None:
    whole = encoded(tmp_path / "a.m4a", "-movflags", "+faststart").read_bytes()
    path = tmp_path / "cut.m4a"
    path.write_bytes(whole[: len(whole) * 3 // 4])
    async with faked(FakeScorer()) as engine:
        result = await assess_recording(engine, read_recording(path), engine.dictionaries.resolve(None))
    last = result.unusable_spans[-1]
    assert last == Span(result.samples, result.samples, "undecodable")
    assert NoticeCode.CUT_SHORT in [notice.code for notice in result.notices]
    # Five a second, for the picture of a report.
    assert len(result.peaks) == pytest.approx(5 * result.duration_s, abs=1)
    assert -15 <= max(result.peaks) <= -5


async def test_a_dead_scorer_is_an_error_and_no_verdict_on_the_patient() -> None:
    scorer = FakeScorer()
    scorer.fail = True
    async with faked(scorer) as engine:
        with pytest.raises(ScoringError):
            await assess_recording(engine, read_recording(recording(12)), engine.dictionaries.resolve(None))


async def test_a_namer_that_answers_while_all_who_judge_are_dead_is_no_result() -> None:
    scorer, namer = FakeScorer(), FakeScorer("names", "names")
    scorer.fail = True
    async with faked(scorer, namer) as engine:
        with pytest.raises(ScoringError, match="acoustic failed"):
            await assess_recording(engine, read_recording(recording(4)), engine.dictionaries.resolve(None))
        scorer.fail, namer.fail = False, True
        result = await assess_recording(engine, read_recording(recording(4)), engine.dictionaries.resolve(None))
    assert result.windows


async def test_cancelling_closes_the_recording_and_leaves_no_task() -> None:
    scorer = FakeScorer()
    scorer.gate.clear()
    async with faked(scorer) as engine:
        opened = read_recording(recording(12))
        before = len(asyncio.all_tasks())
        task = asyncio.create_task(assess_recording(engine, opened, engine.dictionaries.resolve(None)))
        await asyncio.to_thread(scorer.entered.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == before
        assert list(opened.blocks()) == []
        scorer.gate.set()


async def test_every_odd_file_ends_in_a_result_or_a_typed_error(shared: Path) -> None:
    async with faked(FakeScorer()) as engine:
        labels = engine.dictionaries.resolve(None)
        for path in sorted((shared / "audio" / "odd_formats").iterdir()):
            async with asyncio.timeout(10):
                try:
                    result = await assess_recording(engine, read_recording(path), labels)
                except UndecodableFileError:
                    continue
            assert result.identity.name == path.name
            assert "NaN" not in result_json(result)


def prompts_of(assessed: list[Assessed]) -> list[tuple[float, str]]:
    return [
        (one.update.facts.end_sample / one.update.facts.sample_rate, event.id)
        for one in assessed
        for event in one.prompts
        if isinstance(event, PromptRaised)
    ]


@pytest.mark.parametrize(
    "quiet",
    [
        np.zeros(12 * 16_000),
        10 ** (-66 / 20) * RNG.standard_normal(12 * 16_000),
        0.004 * np.sin(2 * np.pi * 50 * np.arange(12 * 16_000) / 16_000),
    ],
    ids=["zeros", "noise floor", "hum"],
)
async def test_an_input_that_gives_nothing_from_a_room_is_asked_whether_it_is_muted(quiet: np.ndarray) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, quiet, 16_000, format="WAV", subtype="PCM_16")
    seen: list[Assessed] = []
    async with open_engine(Settings(mos=False, clap="off")) as engine:
        labels = engine.dictionaries.resolve(None)
        result = await assess_recording(
            engine, read_recording(buffer), labels, mode=Mode.VISIT, on_window=lambda _, one: seen.append(one)
        )
    assert prompts_of(seen) == [(6.0, "check_microphone")]
    assert result.prompts == ("check_microphone",)
    assert "not muted" in result.advice.en
    assert "静音" in result.advice.zh
    assert "speak towards" not in result.advice.en
