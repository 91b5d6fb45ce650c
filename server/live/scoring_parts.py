"""The scorers of a process, opened so that live windows can go without those that may be left out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from server.live.shedding import Shedding, SheddingScoring
from server.scoring.ports import Scoring
from server.scoring.scorers import Denoiser, MosModel, Scorer, TalkerModel
from server.scoring.service import ScoringService


@asynccontextmanager
async def open_scoring(
    always: Scorer,
    beside: tuple[Scorer | None, Scorer | None],
    slow: tuple[MosModel | None, Denoiser | None, TalkerModel | None],
    shedding: Shedding,
) -> AsyncIterator[Scoring]:
    """``always`` scores every window. ``beside`` it CLAP and the namer of sounds, where they are loaded."""
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(ScoringService((always,), *slow))
        clap, names = [
            None if one is None else await stack.enter_async_context(ScoringService((one,))) for one in beside
        ]
        yield SheddingScoring(base, clap, shedding, names)
