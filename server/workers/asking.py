"""Asks the other workers of the machine: where a session is, how they are, what they count."""

import asyncio
from typing import Any

from server.live.whereabouts import Whereabouts
from server.workers.frames import Kind, Line, LineBrokenError, connect
from server.workers.seat import Seat

ASK_S = 1.0
"""A worker that does not answer within this time counts as not there: it stands still, or dies."""


class Asking:
    """One connection per question: they are few, and a worker that died is noticed at once."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    async def open(self, worker: int, what: dict[str, Any]) -> Line:
        """A line on which ``what`` was asked. Raises LineBrokenError."""
        line = await connect(self._seat.socket_of(worker))
        try:
            await line.send_json(Kind.HEAD, what)
        except BaseException:
            line.close()
            raise
        return line

    async def ask(self, worker: int, what: dict[str, Any], within_s: float = ASK_S) -> Any:
        """``None``: that worker is not there, or does not answer in time."""
        try:
            async with asyncio.timeout(within_s):
                line = await self.open(worker, what)
                try:
                    return await line.receive_json()
                finally:
                    line.close()
        except (LineBrokenError, TimeoutError):
            return None

    async def ask_all(self, what: dict[str, Any], within_s: float = ASK_S) -> dict[int, Any]:
        """The answers of the other workers; ``None`` of those that do not answer."""
        async with asyncio.TaskGroup() as group:
            asked = {other: group.create_task(self.ask(other, what, within_s)) for other in self._seat.others}
        return {other: task.result() for other, task in asked.items()}

    async def find(self, session_id: str, site: str) -> tuple[int, Whereabouts] | None:
        """The worker that has the session of ``site``."""
        answers = await self.ask_all({"do": "where", "session_id": session_id, "site": site})
        for worker, answer in answers.items():
            if answer is not None and (where := Whereabouts(answer)) is not Whereabouts.UNKNOWN:
                return worker, where
        return None
