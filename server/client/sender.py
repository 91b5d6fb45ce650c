"""The sending half of one connection: chunks at the speed of a microphone, or as fast as they are acknowledged."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from server.client.far_end import NO_MARKS, FarEndMarks
from server.client.pcm_source import PcmSource
from server.client.replay import KEEP_S, Piece, ReplayBuffer
from server.wire.client import AudioGap, FarEnd, SessionEnd
from server.wire.transcript import Segment, Transcript

AHEAD_S = 4.0
"""``fast``: seconds sent beyond the last acknowledgement. Together with the 10 s that a resume replays, this stays
below KEEP_S.
"""


class AudioSender:
    """Sends the source's chunks in order, at the speed of a microphone or as fast as they are acknowledged."""

    def __init__(
        self,
        source: PcmSource,
        *,
        realtime: bool,
        marks: FarEndMarks = NO_MARKS,
        transcript: Sequence[Segment] = (),
    ) -> None:
        """``marks``: where the far end speaks; each is sent at its place in the audio, again in a replay.
        ``transcript``: what was said, in order; each segment is sent once its audio was."""
        rate = source.audio.sample_rate
        self._rate = rate
        self._marks = marks
        self._chunks: Iterator[Piece] = marks.cut(source)
        self._buffer = ReplayBuffer(KEEP_S * rate)
        self._realtime = realtime
        self._ahead = int(AHEAD_S * rate)
        self._transcript = transcript
        self._acknowledged = 0
        self._taken = asyncio.Event()
        self.done = False
        """Whether all was sent over this connection, with ``session.end``."""

    def acknowledged(self, samples: int) -> None:
        """The server has taken ``samples`` samples, counted from the start of the session."""
        self._acknowledged = samples
        self._taken.set()

    async def send_from(self, next_sample: int, socket: ClientConnection) -> None:
        """Replay from ``next_sample``, continue with the source, then send ``session.end``; stops with the socket.

        The clock of ``realtime`` restarts with each connection: a file can wait, and must not be sent faster than a
        microphone would have delivered it.
        """
        self._acknowledged = next_sample
        self.done = False
        began, first = asyncio.get_running_loop().time(), self._buffer.end
        try:
            if self._marks.speaking_at(next_sample):
                await _send_mark(socket, speaking=True)
            # What came just before is sent again: the line may have broken on the way, and an id counts once.
            waiting = deque(one for one in self._transcript if one.end_s * self._rate > next_sample - self._rate)
            for piece in self._buffer.since(next_sample):
                await self._room_for(piece)
                await self._send(socket, piece)
                await self._say(socket, waiting, piece.end)
            for chunk in self._chunks:
                piece = self._buffer.append(chunk.samples, chunk.data)
                if self._realtime:
                    due = began + (piece.end - first) / self._rate
                    await asyncio.sleep(due - asyncio.get_running_loop().time())
                await self._room_for(piece)
                await self._send(socket, piece)
                await self._say(socket, waiting, piece.end)
            await self._say(socket, waiting, None)
            await socket.send(SessionEnd(type="session.end").model_dump_json())
            self.done = True
        except ConnectionClosed:
            return  # the listener reads what arrived before the close, and decides

    async def _room_for(self, piece: Piece) -> None:
        while not self._realtime and piece.end - self._acknowledged > max(self._ahead, piece.samples):
            self._taken.clear()
            await self._taken.wait()

    async def _send(self, socket: ClientConnection, piece: Piece) -> None:
        speaking = self._marks.change_at(piece.start)
        if speaking is not None:
            await _send_mark(socket, speaking=speaking)
        await _send(socket, piece)

    async def _say(self, socket: ClientConnection, waiting: deque[Segment], until: int | None) -> None:
        """The segments that ended before sample ``until``; ``None``: all."""
        while waiting and (until is None or waiting[0].end_s * self._rate <= until):
            message = Transcript(type="transcript", segments=[waiting.popleft()])
            await socket.send(message.model_dump_json(exclude_none=True))


async def _send_mark(socket: ClientConnection, *, speaking: bool) -> None:
    await socket.send(FarEnd(type="far_end", speaking=speaking).model_dump_json())


async def _send(socket: ClientConnection, piece: Piece) -> None:
    if piece.data is None:
        await socket.send(AudioGap(type="audio.gap", samples=piece.samples).model_dump_json())
    else:
        await socket.send(piece.data)
