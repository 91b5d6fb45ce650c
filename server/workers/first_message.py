"""A patient's first message, seen before it is known which worker receives it."""

from server.live.transport import Transport


class FirstAgain:
    """A transport of which the first message was received already, to see where it belongs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.first: str | bytes | None = None

    async def look(self) -> str | bytes:
        """The first message; ``receive`` gives it once more."""
        self.first = await self._transport.receive()
        return self.first

    async def receive(self) -> str | bytes:
        """See Transport."""
        if self.first is None:
            return await self._transport.receive()
        first, self.first = self.first, None
        return first

    async def send_text(self, text: str) -> None:
        """See Transport."""
        await self._transport.send_text(text)

    async def close(self, code: int, reason: str) -> None:
        """See Transport."""
        await self._transport.close(code, reason)


class Looked:
    """Only to read the first message by the rules of every socket."""

    def __init__(self, transport: FirstAgain) -> None:
        self.receive = transport.look
        self.send_text = transport.send_text
        self.close = transport.close
