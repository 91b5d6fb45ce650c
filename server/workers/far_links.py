"""Whether a link still begins its session, in whichever worker that is."""

from collections.abc import Awaitable, Callable

from server.live.whereabouts import Known, Whereabouts
from server.workers.asking import Asking
from server.workers.faults import raise_told, silent

Owner = Callable[[str, str], Awaitable[tuple[int, Whereabouts] | None]]


class FarLinks:
    """``owner``: see ``Routing.owner``."""

    def __init__(self, asking: Asking, owner: Owner, known: Known) -> None:
        self._asking = asking
        self._owner = owner
        self._known = known

    async def check_link(self, session_id: str, site: str) -> None:
        """See ``Known.check_link``; also raises SessionElsewhereError. One that waits in another worker comes here when
        its patient does."""
        found = await self._owner(session_id, site)
        if found is None:
            await self._known.check_link(session_id, site)
        elif found[1] is Whereabouts.HERE:
            told = await self._asking.ask(found[0], {"do": "check_link", "session_id": session_id, "site": site})
            if told is None:
                raise silent()
            raise_told(told)
