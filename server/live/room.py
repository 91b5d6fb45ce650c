"""Whether one more patient finds room."""

from server.assessment.engine import Engine
from server.errors import CapacityError
from server.live.costs import Kind
from server.live.elsewhere import Elsewhere
from server.live.handshake import capacity_error
from server.live.limits import LiveLimits
from server.live.load_meter import LoadMeter
from server.live.registry import Registry

NO_SCORER_S = 15.0
"""Scorers are started again within seconds, or not at all."""


class Room:
    """Places of the server and of each site, and what the machine carries. Nothing is reserved: ask again after each
    ``await``, until the socket is attached."""

    def __init__(
        self, engine: Engine, registry: Registry, limits: LiveLimits, load: LoadMeter | None, elsewhere: Elsewhere
    ) -> None:
        """``load``: may find that there is no room although there are places. ``elsewhere``: where else it may be."""
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._load = load
        self._elsewhere = elsewhere

    @property
    def full(self) -> bool:
        """True while a new session with the default labels would be refused."""
        places = len(self._registry.connections) < self._limits.sessions_here
        return not places or self._crowded or not self._engine.service.judging

    def full_for(self, site: str) -> bool:
        """The same for a patient of ``site``."""
        return self.full or self._registry.full_for(site, self._elsewhere.live(site))

    @property
    def crowded(self) -> bool:
        """Whether no process carries one more session, or none that judges it."""
        return (self._crowded or not self._engine.service.judging) and not self._elsewhere.room()

    @property
    def _crowded(self) -> bool:
        # What a session with the default labels is scored with.
        usual = Kind.ACOUSTIC if self._engine.basic_mode else Kind.CLAP
        return self._load is not None and not self._load.room_for(usual)

    def refused(self) -> CapacityError:
        """For a newcomer, who is counted."""
        if not self._engine.service.judging:
            return CapacityError("Nothing can be judged now: the scorers do not answer.", retry_after_s=NO_SCORER_S)
        if self._load is not None:
            self._load.refused += 1
        return capacity_error(self._limits)
