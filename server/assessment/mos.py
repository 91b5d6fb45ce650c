"""Which DNSMOS result counts for which window.

DNSMOS runs on the full windows that end at 10, 15, 20 … s. A result counts from the next window on until the next
result, live and offline alike. A recording in which none could count gets one at the end: its longest window, which
holds all of it, is then judged again with it.
"""

from dataclasses import dataclass
from typing import Any

from server.errors import ScoringError
from server.scoring.ports import MosTicket, Priority, Scoring
from server.values.measures import Mos
from server.values.stored import count, number
from server.values.windows import WINDOW_S, Window

EVERY_S = 5
REALTIME_WAIT_S = 0.1
"""How long a real-time window waits for the result that counts for it."""
LOSSLESS_WAIT_S = 120.0
"""How long files and ``fast`` streams wait."""
KEPT = 3
"""Results and requests kept; two can be needed at once if windows queue up."""


@dataclass(slots=True)
class _DueMos:
    """DNSMOS of the window that ends at one multiple of 5 s: requested, known, or ``failed``."""

    ticket: MosTicket | None = None
    mos: Mos | None = None
    failed: bool = False

    def settle(self, mos: Mos | None, *, failed: bool) -> None:
        self.ticket, self.mos, self.failed = None, mos, failed


class MosWatch:
    """The DNSMOS of one session or file. Call ``expect`` for every window as it becomes ready, then ``counting``."""

    def __init__(self, service: Scoring, priority: Priority) -> None:
        self._service = service
        self._priority = priority
        self._entries: dict[int, _DueMos] = {}
        self.longest: Window | None = None
        """The last window, as long as no result has counted: all of a short recording."""
        self._counted = False

    def expect(self, window: Window) -> None:
        """Request DNSMOS if it runs on this window. Never waits; a second call changes nothing."""
        if not self._service.has_mos:
            return
        end = end_second(window)
        self.longest = None if self._counted else window
        if window.partial or end is None or end % EVERY_S or end in self._entries:
            return
        if self._entries and end < max(self._entries):
            return
        self._entries[end] = self._ask(window, LOSSLESS_WAIT_S)
        for old in sorted(self._entries)[:-KEPT]:
            self._drop(old)

    async def counting(self, window: Window, *, lossless: bool) -> tuple[Mos | None, bool]:
        """The result that counts for ``window``, and whether one was due but missing.

        Waits up to 100 ms, and not at all for a request that has not started; if ``lossless``, waits for the result.
        """
        end = end_second(window)
        due = None if end is None else (end - 1) // EVERY_S * EVERY_S
        if due is None or due < WINDOW_S or not self._service.has_mos:
            return None, False
        for old in [second for second in self._entries if second < due]:
            self._drop(old)
        entry = self._entries.get(due)
        if entry is None:
            return None, True
        self._counted, self.longest = True, None
        return await self._settle(entry, LOSSLESS_WAIT_S if lossless else REALTIME_WAIT_S, lossless=lossless)

    async def closing(self, within_s: float) -> Mos | None:
        """The one result of a recording that was too short for any window to have one."""
        if self._counted or not self._service.has_mos:
            return None
        if self._entries:
            mos, _ = await self._settle(self._entries[max(self._entries)], within_s, lossless=True)
            return mos
        if self.longest is None:
            return None
        entry = self._ask(self.longest, within_s)
        try:
            mos, _ = await self._settle(entry, within_s, lossless=True)
        finally:
            _withdraw(entry)
        return mos

    def close(self) -> None:
        """Withdraw pending requests and release audio."""
        for second in list(self._entries):
            self._drop(second)
        self.longest = None

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: the results known so far. A pending request is left out and counts as shed."""
        known = {
            str(second): [entry.mos.signal, entry.mos.background, entry.mos.overall, entry.mos.end_sample]
            for second, entry in self._entries.items()
            if entry.mos is not None
        }
        return {"known": known, "counted": self._counted}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``; results that were pending then stay unknown."""
        self._counted = bool(state["counted"])
        for second, (signal, background, overall, end_sample) in state["known"].items():
            mos = Mos(number(signal), number(background), number(overall), count(end_sample))
            self._entries[count(second)] = _DueMos(mos=mos)

    def _ask(self, window: Window, within_s: float) -> _DueMos:
        try:
            return _DueMos(self._service.ask_mos(window, self._priority, within_s))
        except ScoringError:
            return _DueMos(failed=True)

    async def _settle(self, entry: _DueMos, within_s: float, *, lossless: bool) -> tuple[Mos | None, bool]:
        """The entry's result, and whether it was shed. After ``within_s`` the request continues for later windows."""
        ticket = entry.ticket
        if ticket is not None:
            if not lossless and not ticket.begun:
                return None, True  # not started: do not wait for the rest of a long queue
            try:
                entry.settle(await ticket.result(within_s), failed=False)
            except TimeoutError:
                return None, True
            except ScoringError:
                entry.settle(None, failed=True)
        return entry.mos, entry.failed

    def _drop(self, second: int) -> None:
        _withdraw(self._entries.pop(second))


def _withdraw(entry: _DueMos) -> None:
    if entry.ticket is not None:
        entry.ticket.withdraw()


def end_second(window: Window) -> int | None:
    """The whole second at which the window ends; ``None`` for the one window of a recording under 3 s."""
    seconds, rest = divmod(window.end_sample, window.sample_rate)
    return None if rest else seconds
