"""Readiness, checked by scoring a real window with the engine; the answer is cached for a short time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.assessment.assessment import Assessment
from server.assessment.engine import Engine
from server.errors import ScoringError, TingqingError
from server.scoring.ports import Priority
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding

logger = logging.getLogger(__name__)

PROBE_S = 3
TTL_S = 2.0
DEADLINE_S = 3.0
"""Below the usual probe timeout of an orchestrator (5 s with a margin), above any healthy score (under 0.3 s)."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """``why`` is ``None`` if scoring works, else a code; ``took_ms`` is how long the score took."""

    why: str | None
    took_ms: float


class Probe:
    """Runs ``score`` at most once per ``ttl_s``, however many clients ask, and gives up after ``deadline_s``."""

    def __init__(
        self, score: Callable[[], Awaitable[object]], ttl_s: float = TTL_S, deadline_s: float = DEADLINE_S
    ) -> None:
        self._score = score
        self._ttl_s = ttl_s
        self._deadline_s = deadline_s
        self._lock = asyncio.Lock()
        self._last: tuple[float, Readiness] | None = None

    async def check(self) -> Readiness:
        """Never raises: any failure of a scorer becomes an answer."""
        async with self._lock:
            now = time.monotonic()
            if self._last is None or now - self._last[0] > self._ttl_s:
                self._last = (now, await self._run(now))
            return self._last[1]

    async def _run(self, began: float) -> Readiness:
        why = None
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._score()
        except TimeoutError:
            why = "scoring_timeout"
        except TingqingError as error:
            why = error.code
        except Exception as error:
            # The probe checks the engine: a bug in it must be reported, not crash the probe.
            logger.error("the readiness score failed: %s", type(error).__name__)
            why = "scoring_failed"
        return Readiness(why, (time.monotonic() - began) * 1000)


async def score_once(engine: Engine) -> None:
    """Run three seconds of digital silence through core, scorers and judgement. Raises ScoringError if none judges."""
    core = engine.make_core(AudioFormat(Encoding.PCM_S16LE, 16_000))
    events = await asyncio.to_thread(core.receive_pcm, bytes(2 * 16_000 * PROBE_S))
    labels = engine.dictionaries.resolve(None)
    assessment = Assessment(
        engine, labels, Capture(source=CaptureSource.LINE), priority=Priority.LIVE, wait_for_mos=False
    )
    try:
        windows = [event.window for event in events if isinstance(event, WindowReady)]
        if not windows:
            raise ScoringError("The core produced no window.")
        assessed = await assessment.assess(windows[0])
    finally:
        assessment.close()
    if assessed.failures and not assessed.judged:
        raise assessed.failures[0]
