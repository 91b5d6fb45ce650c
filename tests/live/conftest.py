"""A manager with the real core, labels and judge; scorers are fake unless a test says otherwise."""

from collections.abc import AsyncIterator

import pytest

from server.assessment.engine import Engine
from server.dictionaries import Dictionaries
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.model.acoustic import summarise
from server.resources import labels_dir
from server.scoring.service import ScoringService
from server.stream.core import StreamCore
from tests.fakes import FakeClock, FakeDetector, FakeMos, FakeScorer


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def mos() -> FakeMos:
    return FakeMos()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def dictionaries() -> Dictionaries:
    return Dictionaries.load(labels_dir())


@pytest.fixture
async def engine(scorer: FakeScorer, mos: FakeMos, dictionaries: Dictionaries) -> AsyncIterator[Engine]:
    async with ScoringService([scorer], mos) as service:
        yield Engine(
            service=service,
            dictionaries=dictionaries,
            make_core=lambda audio: StreamCore(audio, FakeDetector()),
            restore_core=lambda snapshot: StreamCore.restore(snapshot, FakeDetector()),
            summarise=summarise,
            scorer_names=service.scorer_names,
            clap=None,
            basic_mode=True,
            vad="fake",
            version="0",
        )


@pytest.fixture
def limits() -> LiveLimits:
    return LiveLimits()


@pytest.fixture
async def manager(engine: Engine, limits: LiveLimits, clock: FakeClock) -> AsyncIterator[SessionManager]:
    manager = SessionManager(engine, limits, clock)
    yield manager
    await manager.drain(0.0)
