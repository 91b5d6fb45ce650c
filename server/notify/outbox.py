"""What is still to be told, and the port to the store that keeps it until it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from server.notify.endpoints import Endpoint
from server.notify.events import Event


class State(StrEnum):
    """``DEAD``: given up after a day, kept to be looked at and replayed."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. ``number``: deliveries of an endpoint about the same thing go in its order.
    ``attempts``: so far; ``began_at``: when it first could be sent, from which the day counts."""

    number: int
    event: Event
    endpoint: Endpoint
    attempts: int
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """How a try went: ``status`` of the answer, ``None`` without one; ``why`` it failed, a word of ours."""

    at: datetime
    status: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ListedDelivery:
    """As people see it. ``about``: the session, recording or batch. ``settled_at``: delivered or given up then."""

    number: int
    event_id: str
    type: str
    site: str
    about: str
    endpoint_id: str
    state: State
    attempts: int
    created_at: datetime
    due_at: datetime | None
    status: int | None
    why: str
    settled_at: datetime | None = None


class OutboxStore(Protocol):
    """Shared by all processes of a data folder. Every method raises StoreError."""

    async def tell(self, events: Iterable[Event]) -> None:
        """To every endpoint of their sites that asked for them. Whoever keeps what an event tells puts both into one
        transaction instead."""
        ...

    async def due(self, now: datetime) -> list[str]:
        """Endpoints for which something should be sent now, and that are not paused."""
        ...

    async def take(self, room: Mapping[str, int], now: datetime) -> list[Delivery]:
        """Deliveries that are due, which this process alone tries from now on: as many per endpoint as ``room`` says,
        and none while an earlier one about the same thing waits. A process that died has none any more."""
        ...

    async def delivered(self, number: int, tried: Tried) -> None:
        """It arrived."""
        ...

    async def failed(self, number: int, tried: Tried, again_at: datetime | None) -> None:
        """It did not. ``None``: it is given up."""
        ...

    async def replay(
        self, now: datetime, *, endpoint_id: str | None = None, number: int | None = None, site: str | None = None
    ) -> int:
        """Try dead ones again, of one endpoint, one site, or one alone, with the same id; how many."""
        ...

    async def listed(
        self, count: int, *, state: State | None = None, endpoint_id: str | None = None
    ) -> list[ListedDelivery]:
        """The latest first."""
        ...

    async def dead(
        self, site: str, count: int, *, before: int | None = None, endpoint_id: str | None = None
    ) -> list[ListedDelivery]:
        """Those of a site that were given up, the latest first; ``before``: with lower numbers than this."""
        ...

    async def tallies(self, site: str) -> Mapping[str, Mapping[State, int]]:
        """How many of each endpoint of a site are in each state; only what there is."""
        ...

    async def counts(self) -> Mapping[State, int]:
        """How many there are in each state."""
        ...

    async def forget(self, before: datetime) -> int:
        """Delete what was delivered or given up before then; how many."""
        ...
