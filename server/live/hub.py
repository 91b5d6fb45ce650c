"""The observers of one session. None of them can slow the patient or grow memory."""

from server.live.outbox import Outbox

ROOM = 64
"""Messages that may wait for one observer; each kind takes at most one place, so only very many prompts reach it."""


class Hub:
    """Each observer has an outbox with the latest message of each kind. Publishing never waits."""

    def __init__(self) -> None:
        self._outboxes: set[Outbox] = set()
        self.closed = False

    def __len__(self) -> int:
        return len(self._outboxes)

    def join(self, first: str) -> Outbox:
        """An outbox that begins with ``first``, the snapshot; whatever is published from now on follows it."""
        assert not self.closed, "nobody joins a session that ended"
        outbox = Outbox(ROOM, observer=True)
        outbox.put(first, "snapshot")
        self._outboxes.add(outbox)
        return outbox

    def leave(self, outbox: Outbox) -> None:
        """Stop sending to this observer; no effect if it has already left."""
        self._outboxes.discard(outbox)

    def publish(self, text: str, key: str) -> None:
        """``key``: the kind, of which an observer needs only the latest."""
        for outbox in self._outboxes:
            outbox.put(text, key)

    def close(self) -> None:
        """The session ended: each observer still gets what waits, then its socket is closed."""
        self.closed = True
        for outbox in self._outboxes:
            outbox.close()
        self._outboxes.clear()
