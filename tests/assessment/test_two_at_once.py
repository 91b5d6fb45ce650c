"""Two at once, from the talker models to the score and the prompt, and what is left out beside them."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

import server.app
from server.assessment.assessment import Assessment
from server.assessment.engine import Engine
from server.assessment.updates import Assessed
from server.judge.judgement import PromptRaised
from server.scoring.talking import Talk, TalkRequest
from server.settings import load_settings
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding, Float32Array
from server.values.measures import Mos
from server.values.rows import Column
from server.values.voices import HeardTalker
from server.values.windows import Window
from tests.model.hearing import samples_of

RATE = 16_000
FROM_S, TO_S = 10, 20
"""Where the second talker speaks beside the first."""


class TwoTalkers:
    """The first speaks always, the second from 10 to 20 s. Fake because it must be known when they do. A request does
    not say where it lies: they come in order, five seconds each."""

    def __init__(self) -> None:
        self.at = 0

    def talk(self, request: TalkRequest) -> Talk:
        rows = np.arange(self.at, self.at + request.new)
        self.at += request.new
        masks = (np.ones(request.new, np.bool_), (rows >= 100 * FROM_S) & (rows < 100 * TO_S))
        before = np.zeros(request.pcm.shape[0] // 160 - request.new, np.bool_)
        voices = np.eye(192, dtype=np.float32)
        talkers = tuple(HeardTalker(mask, before, voices[place], 2.0) for place, mask in enumerate(masks) if mask.any())
        return Talk(talkers, masks[1].astype(np.float32), np.zeros(request.new, np.bool_))


class CleanMos:
    """Rates everything as clean, at once. Fake because DNSMOS takes 0.2 s a window."""

    def score(self, window: Window) -> Mos:
        return Mos(3.6, 4.0, 3.3, window.end_sample)


@pytest.fixture
async def engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setattr(server.app, "open_voices", lambda _: TwoTalkers())
    monkeypatch.setattr(server.app, "DnsMos", lambda _: CleanMos())
    async with server.app.open_engine(load_settings(clap="off", denoiser=False)) as opened:
        yield opened


async def judged(engine: Engine, samples: Float32Array) -> list[tuple[Window, Assessed]]:
    core = engine.make_core(AudioFormat(Encoding.PCM_F32LE, RATE))
    capture = Capture(CaptureSource.FILE)
    assessment = Assessment(engine, engine.dictionaries.resolve(None), capture)
    found: list[tuple[Window, Assessed]] = []
    for start in range(0, len(samples), RATE):
        events = core.receive_pcm(samples[start : start + RATE].tobytes())
        windows = [event.window for event in events if isinstance(event, WindowReady)]
        found += [(window, await assessment.assess(window)) for window in windows]
    assessment.close()
    return found


async def test_two_at_once_fail_and_prompt_while_they_last_and_no_longer(engine: Engine, mixes: Path) -> None:
    speech = samples_of(mixes / "001_clean_zh.flac")
    found = await judged(engine, np.tile(speech, 4)[: 40 * RATE])
    failing = [
        round(window.end_s)
        for window, one in found
        if (score := one.update.labels["no_crosstalk"].score) is not None and score < 0.7
    ]
    assert failing == list(range(16, 30)), "the stretch to 15 s counts from 16 s on; one of 10 s is gone at 30"
    recent = [
        round(window.end_s)
        for window, one in found
        if (latest := one.update.recent["no_crosstalk"]) is not None and latest < 0.7
    ]
    assert recent == list(range(16, 26))
    raised = [
        round(window.end_s)
        for window, one in found
        for event in one.prompts
        if isinstance(event, PromptRaised) and event.id == "one_at_a_time"
    ]
    assert raised == [18]
    assert all((window.rows[:, Column.OVERLAP] == -1.0).all() for window, _ in found), "our own network does not run"
