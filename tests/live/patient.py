"""A patient's and a doctor's side of the protocol, played by a test over a fake socket."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from server.access.principal import ANYONE, Principal
from server.access.tokens import Claim
from server.live.manager import SessionManager
from server.live.observer import Nudging
from tests.fakes import FakeClock, FakeTransport, until

RATE = 16_000
HONEST = {
    "source": "microphone",
    "echoCancellation": False,
    "noiseSuppression": False,
    "autoGainControl": False,
}


def start_message(**more: Any) -> dict[str, Any]:
    audio = {"encoding": "pcm_s16le", "sample_rate": RATE}
    return {"type": "session.start", "audio": audio, "capture": HONEST} | more


def noise(seconds: float, seed: int = 1, level: float = 0.05) -> bytes:
    """White noise as pcm_s16le at 16 kHz; 1 s louder, 1 s quieter, so that windows differ."""
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal(round(seconds * RATE)) * level
    samples[np.arange(samples.size) // RATE % 2 == 1] *= 0.2
    return to_s16(samples)


def to_s16(samples: npt.NDArray[Any]) -> bytes:
    return bytes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def chunks(pcm: bytes, ms: int = 100, rate: int = RATE) -> Iterable[bytes]:
    size = rate * ms // 1000 * 2
    return (pcm[at : at + size] for at in range(0, len(pcm), size))


class Patient:
    """One socket to ``/v1/stream``. ``done`` is the server's task for it."""

    def __init__(
        self,
        manager: SessionManager,
        clock: FakeClock | None = None,
        *,
        principal: Principal = ANYONE,
        claim: Claim | None = None,
    ) -> None:
        self.socket = FakeTransport()
        self.clock = clock
        self.done = asyncio.create_task(manager.run_stream(self.socket, principal, claim=claim))

    async def start(self, **more: Any) -> dict[str, Any]:
        self.socket.say(start_message(**more))
        return await self.socket.expect("session.started")

    async def taken(self) -> None:
        """Until the server has read everything that was said."""
        await until(lambda: self.socket.unread == 0)

    async def speak(self, pcm: bytes, ms: int = 100) -> None:
        """Send in chunks, the clock going along, each once the server has taken the last."""
        for chunk in chunks(pcm, ms):
            self.socket.say(chunk)
            await self.taken()
            if self.clock is not None:
                await self.clock.advance(ms / 1000)

    async def speak_scored(self, pcm: bytes, seconds_before: int = 0, ms: int = 100) -> None:
        """As ``speak``, waiting for each window's update: nothing is replaced, as with a quick scorer."""
        rate_ms = RATE // 1000 * ms
        sent = seconds_before * RATE
        for chunk in chunks(pcm, ms):
            self.socket.say(chunk)
            sent += rate_ms
            if sent % RATE == 0 and sent >= 3 * RATE:
                await self.updated(sent)
            else:
                await self.taken()
            if self.clock is not None:
                await self.clock.advance(ms / 1000)

    async def updated(self, end_sample: int) -> None:
        assert self.socket.closed is None, self.errors()
        await until(
            lambda: any(update["window"]["end_sample"] >= end_sample for update in self.socket.got("quality.update"))
        )

    async def end(self) -> dict[str, Any]:
        self.socket.say({"type": "session.end"})
        ended = await self.socket.expect("session.ended")
        await self.done
        return ended

    async def closed(self) -> int:
        """The close code, once the server has closed."""
        await asyncio.wait_for(self.done, 60)
        assert self.socket.closed is not None
        return self.socket.closed[0]

    def errors(self) -> list[str]:
        return [message["error"]["code"] for message in self.socket.got("error")]

    def windows(self) -> dict[int, dict[str, Any]]:
        return {update["window"]["end_sample"]: update for update in self.socket.got("quality.update")}


class Doctor:
    """One socket to ``/v1/sessions/{id}/observe``."""

    def __init__(
        self,
        manager: SessionManager,
        session_id: str,
        *,
        principal: Principal = ANYONE,
        nudging: Nudging | None = None,
        noted: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.socket = FakeTransport()
        self.done = asyncio.create_task(
            manager.run_observer(self.socket, principal, session_id, noted=noted, nudging=nudging)
        )

    async def closed(self) -> int:
        await asyncio.wait_for(self.done, 60)
        assert self.socket.closed is not None
        return self.socket.closed[0]
