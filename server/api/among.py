"""What a server has from its seat among several workers; one that is alone has nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from server.access.tally import Tally
from server.access.throttle import Throttle, Throttling
from server.api.health import ready_here
from server.api.services import Services
from server.api.upload_slots import UploadSlots
from server.api.whole import families_of
from server.workers.control import stopped
from server.workers.listening import open_worker
from server.workers.seat import Seat


class Among:
    """Used by the composition root, which enters ``attached`` first and ``joined`` last."""

    def __init__(self, seat: Seat | None) -> None:
        """``seat``: ``None`` for a server that is alone."""
        self.seat = seat

    @property
    def count(self) -> int:
        """Workers in all."""
        return 1 if self.seat is None else self.seat.count

    def share(self, whole: int) -> int | None:
        """Of what all have together; ``None``: all of it."""
        return None if self.seat is None else self.seat.share(whole)

    def tally(self, kind: str) -> Tally | None:
        """Where ``kind`` is counted with the others."""
        return None if self.seat is None else self.seat.tally(kind)

    def throttling(self, requests_per_minute: int) -> Throttling | None:
        """Who counts keys, tokens and guesses for all."""
        if self.seat is None:
            return None
        self.seat.control.count_alone(Throttle(requests_per_minute))
        return self.seat.control

    def upload_slots(self, running: int, waiting: int) -> UploadSlots:
        """Those that all have together."""
        if self.seat is None:
            return UploadSlots(running, waiting)
        places, turns = self.seat.places("upload", running + waiting), self.seat.places("assessment", running)
        return UploadSlots(running, waiting, places=places, turns=turns, elsewhere=self.seat.uploads)

    @asynccontextmanager
    async def attached(self) -> AsyncIterator[None]:
        """The supervisor's commands are heard while the block runs."""
        if self.seat is None:
            yield
            return
        listening = asyncio.create_task(self.seat.control.run())
        try:
            yield
        finally:
            await stopped(listening)

    @asynccontextmanager
    async def joined(self, services: Services) -> AsyncIterator[Services]:
        """``services`` that reach the sessions of all workers; the others reach those here while the block runs."""
        if self.seat is None:
            yield services
            return

        async def ready() -> Any:
            return (await ready_here(services)).model_dump(mode="json")

        async def metrics() -> Any:
            return families_of(services.engine.metrics.registry)

        answers = {"ready": ready, "metrics": metrics}
        uploads = services.slots
        async with open_worker(
            self.seat,
            services.manager,
            services.engine.checked_voices,
            services.calls,
            services.gate.note,
            answers,
            lambda: uploads.here,
        ) as routing:
            yield replace(services, routing=routing)
