"""The objects that the handlers use, built in ``server.app`` and kept in the application's state."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from server.access.crowd import Crowd
from server.access.gate import Gate
from server.access.origins import Outside
from server.api.batch_desk import BatchDesk
from server.api.probe import Probe
from server.api.upload_slots import UploadSlots
from server.assessment.engine import Engine
from server.batches.repeats import MemoryRepeats, RepeatStore
from server.live.calls import Calls
from server.live.manager import SessionManager
from server.notify.delivering import Webhooks
from server.notify.events import Event
from server.recording.decoders.limits import Decoders
from server.records.ports import RecordStore
from server.scoring.spending import Spending
from server.workers.routing import Routing, Sockets

if TYPE_CHECKING:
    from server.tls.reloading import Tls


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """``max_bytes`` of a request body, ``max_audio_s`` of decoded audio, ``timeout_s`` without data from the client,
    ``cpu_s`` of an upload, and as much again for each megabyte of it: what takes long to judge took long to send.
    ``decoders``: those beside libsndfile."""

    max_bytes: int = 200_000_000
    max_audio_s: float = 4 * 3600.0
    timeout_s: float = 30.0
    cpu_s: float = 120.0
    decoders: Decoders = field(default_factory=Decoders)

    def spending(self, size: int) -> Spending:
        """What judging an upload of ``size`` bytes may take."""
        return Spending(self.cpu_s * (1.0 + size / 1e6))


@dataclass(frozen=True, slots=True)
class Services:
    """One of each per process; they live as long as the application's lifespan.

    ``outside``: which pages may use it. ``crowd``: how much each address has open. ``calls``: brings patient and doctor
    together. ``public_url``: how the outside calls this server, without a final slash; ``None``: as each request does.
    ``proxied``: the operator says that a proxy is in front. ``tls``: with what the server speaks HTTPS, if it does.
    ``routing``: to the other workers, where there are any. ``records``: kept results, ``webhooks``: how other systems
    are told, ``batches``: many recordings at once, all with a data folder. ``repeats``: answers that are given again.
    """

    engine: Engine
    manager: SessionManager
    probe: Probe
    slots: UploadSlots
    uploads: UploadLimits
    gate: Gate
    outside: Outside
    crowd: Crowd
    calls: Calls
    public_url: str | None = None
    proxied: bool = False
    tls: "Tls | None" = None
    routing: Routing | None = None
    records: RecordStore | None = None
    webhooks: Webhooks | None = None
    batches: BatchDesk | None = None
    repeats: RepeatStore = field(default_factory=MemoryRepeats)

    def sockets_of(self, peer: str) -> SessionManager | Sockets:
        """Runs the sockets of a client at this address, in whichever worker."""
        return self.manager if self.routing is None else self.routing.of(peer)

    def tell(self, about: str, events: Iterable[Event]) -> None:
        """Tell other systems, as far as anybody asked for it. Nobody waits; written with the record of id ``about``
        if that is kept before anything is awaited."""
        if self.webhooks is not None:
            self.webhooks.put(about, events)

    async def passed_on(self, within_s: float) -> None:
        """While all workers stop: wait until the sockets here whose sessions others have are closed."""
        if self.routing is not None:
            await self.routing.no_relays(within_s)


def services_of(connection: HTTPConnection) -> Services:
    """The services of a running application; they exist from startup to shutdown."""
    return cast(Services, connection.app.state.services)


Wired = Annotated[Services, Depends(services_of)]
