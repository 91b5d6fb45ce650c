"""A manager with the real core, labels and judge; scorers are fake unless a test says otherwise."""

from collections.abc import AsyncIterator
from weakref import WeakSet

import pytest

from server.assessment.engine import Engine
from server.dictionaries import Dictionaries
from server.live.checkpoint import MemoryCheckpoints
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.outcome import RecentResults
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
def cores() -> WeakSet[StreamCore]:
    """Those that somebody still holds."""
    return WeakSet()


@pytest.fixture
async def engine(
    scorer: FakeScorer, mos: FakeMos, dictionaries: Dictionaries, cores: WeakSet[StreamCore]
) -> AsyncIterator[Engine]:
    def counted(core: StreamCore) -> StreamCore:
        cores.add(core)
        return core

    async with ScoringService([scorer], mos) as service:
        yield Engine(
            service=service,
            dictionaries=dictionaries,
            make_core=lambda audio: counted(StreamCore(audio, FakeDetector())),
            restore_core=lambda snapshot: counted(StreamCore.restore(snapshot, FakeDetector())),
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
def sink(limits: LiveLimits, clock: FakeClock) -> RecentResults:
    return RecentResults(clock, limits.resume_ttl_s, limits.max_ended_bytes)


@pytest.fixture
def checkpoints() -> MemoryCheckpoints:
    return MemoryCheckpoints()


@pytest.fixture
async def manager(
    engine: Engine, limits: LiveLimits, clock: FakeClock, sink: RecentResults, checkpoints: MemoryCheckpoints
) -> AsyncIterator[SessionManager]:
    async with SessionManager(engine, limits, clock, sink=sink, checkpoints=checkpoints) as manager:
        yield manager
