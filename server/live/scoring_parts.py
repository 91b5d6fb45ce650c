"""The scorers of a process, opened so that live windows can go without those that may be left out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from server.live.shedding import Shedding, SheddingScoring
from server.scoring.ports import Scoring
from server.scoring.scorers import Denoiser, MosModel, Scorer, TalkerModel


@asynccontextmanager
async def open_scoring(
    service: Callable[..., AbstractAsyncContextManager[Scoring]],
    always: Scorer,
    beside: tuple[Scorer | None, Scorer | None],
    slow: tuple[MosModel | None, Denoiser | None, TalkerModel | None],
    shedding: Shedding,
) -> AsyncIterator[Scoring]:
    """``service``: makes a ``Scoring`` of scorers and of ``slow``. ``always`` scores every window.

    ``beside``: CLAP and the namer of sounds, where they are loaded.
    """
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(service((always,), *slow))
        clap, names = [None if one is None else await stack.enter_async_context(service((one,))) for one in beside]
        yield SheddingScoring(base, clap, shedding, names)
