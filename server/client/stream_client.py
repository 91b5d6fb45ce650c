"""A client of ``tingqing.v1``: sends one recording, passes on every message, resumes when the connection drops.

One connection is a TaskGroup of two tasks: the sender, and the listener, which decides how the connection ended.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from server.client.far_end import NO_MARKS, FarEndMarks
from server.client.pcm_source import PcmSource
from server.client.sender import AudioSender
from server.client.windows import completed
from server.errors import ClientError
from server.loopback import is_loopback
from server.wire.base import PROTOCOL
from server.wire.client import ResumeConfig, SessionStart
from server.wire.server import AudioAck, ErrorMessage, GoAway, ServerMessage, SessionEnded, server_messages
from server.wire.started import SessionStarted
from server.wire.transcript import Segment

Listener = Callable[[str, ServerMessage], None]
"""Called with every message: the text as received, and the parsed message."""

DEAD_LINE_S = {"realtime": 3.0, "fast": 10.0}
"""Seconds without a message after which a connection counts as dead; heartbeats come every second. Nobody watches a
``fast`` stream, and its server may be busy with live ones, so it gets more time."""

OPEN_TIMEOUT_S = 10.0
LONGEST_WAIT_S = 4.0
"""Between two attempts. A session that moves to another process must find it while the replay still reaches."""

NEVER_RETRIED = {1002, 1007, 1009, *range(4400, 4500)}
TOO_LARGE = 1009
MOST_OF_MESSAGE = 64 * 1024 * 1024
"""Bytes. The result of a session of hours lists some of its windows and stays under 2 MB; an older server lists all."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A connection that ended before its session. ``code`` is ``None`` if no close frame came."""

    code: int | None
    reason: str
    retry_after_s: float | None = None


def stream_url(url: str) -> str:
    """The address of ``/v1/stream`` on the server ``url``; ``http`` becomes ``ws``. Raises ClientError.

    A path that ends in ``/`` is the prefix of a server behind a proxy; any other is the socket's own.
    """
    try:
        parts = urlsplit(url if "://" in url else f"ws://{url}")
        scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
        sound = scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # unclosed brackets, or a port that is over 65535 or not a number
        sound = False
    if not sound:
        raise ClientError(f"--url {url}: not a server address.", hint="For example: --url ws://127.0.0.1:8000")
    path = f"{parts.path or '/'}v1/stream" if parts.path.endswith("/") or not parts.path else parts.path
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


class StreamClient:
    """Streams ``source`` in one session. Call ``run`` once; ``on_lost`` is called on each lost connection before the
    retry. ``key``: for a server with keys. ``transcript``: what was said, handed over as it is said.
    """

    def __init__(
        self,
        url: str,
        start: SessionStart,
        source: PcmSource,
        listener: Listener,
        on_lost: Callable[[Lost], None],
        marks: FarEndMarks = NO_MARKS,
        key: str | None = None,
        transcript: Sequence[Segment] = (),
    ) -> None:
        self._url = url
        self._key = key
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._start = start
        self._listener = listener
        self._on_lost = on_lost
        self._sender = AudioSender(source, realtime=start.pace == "realtime", marks=marks, transcript=transcript)
        self._session: SessionStarted | None = None
        self._last_error: ErrorMessage | None = None
        self._attempts = 0
        self._lost_at: float | None = None

    async def run(self) -> SessionEnded:
        """Run until ``session.ended``, and fetch the windows that a long one leaves out. Raises ClientError if the
        server refuses, ends early or cannot be reached.

        A lost session is asked for as long as the server keeps it.
        """
        while True:
            outcome = await self._connect_once()
            if isinstance(outcome, SessionEnded):
                return await asyncio.to_thread(completed, outcome, self._url, self._key)
            if self._session is None or outcome.code in NEVER_RETRIED or self._too_late(self._session):
                raise self._failure(outcome)
            self._on_lost(outcome)
            # Jitter: after a server's restart its clients must not all reconnect at once.
            backoff = min(LONGEST_WAIT_S, 0.5 * 2**self._attempts) * random.uniform(0.5, 1.0)
            self._attempts += 1
            await asyncio.sleep(max(backoff, outcome.retry_after_s or 0.0))

    def _too_late(self, session: SessionStarted) -> bool:
        now = asyncio.get_running_loop().time()
        if self._lost_at is None:
            self._lost_at = now
        return now - self._lost_at > session.limits.resume_ttl_s

    async def _connect_once(self) -> SessionEnded | Lost:
        host = urlsplit(self._url).hostname or ""
        try:
            socket = await connect(
                self._url,
                subprotocols=[PROTOCOL],  # type: ignore[list-item]  # a NewType of str
                additional_headers=self._headers,
                compression=None,
                max_size=MOST_OF_MESSAGE,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=1.0,
                ping_interval=None,
                proxy=None if is_loopback(host) else True,
            )
        except (InvalidURI, InvalidHandshake) as error:
            status = error.response.status_code if isinstance(error, InvalidStatus) else None
            if self._session is not None:  # a proxy whose server restarts
                return Lost(None, str(error))
            if status is not None:
                raise ClientError(f"{self._url} answered HTTP {status}.", hint="Is it a Tingqing server?") from None
            raise ClientError(f"{self._url}: {error}", hint="Is it a Tingqing server?") from None
        except (OSError, TimeoutError) as error:
            return Lost(None, str(error) or "no answer")
        async with socket:  # an OSError from here on comes from the output: websockets itself raises none
            return await self._converse(socket)

    async def _converse(self, socket: ClientConnection) -> SessionEnded | Lost:
        start = self._start
        if self._session is not None:
            resume = ResumeConfig(session_id=self._session.session_id, resume_token=self._session.resume_token)
            start = start.model_copy(update={"resume": resume})
        try:
            with contextlib.suppress(ConnectionClosed):  # a server that refuses gives the reason before it closes
                await socket.send(start.model_dump_json(exclude_none=True))
            first = await self._answer(socket)
        except ConnectionClosed as closed:
            return _lost(closed)
        except TimeoutError:
            return Lost(None, "the server did not answer")
        if isinstance(first, SessionEnded):  # it ended while the connection was down
            return first
        if isinstance(first, ErrorMessage) and first.error.retryable and self._session is not None:
            return Lost(None, first.error.message, first.error.retry_after_s)
        if isinstance(first, ErrorMessage):
            raise self._failure(Lost(4400, first.error.message))
        self._session = first
        self._attempts = 0
        self._lost_at = None
        return await self._send_and_listen(socket, first.next_sample)

    async def _answer(self, socket: ClientConnection) -> SessionStarted | SessionEnded | ErrorMessage:
        """The answer to ``session.start``; a resumed session may send other messages first."""
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            while True:
                message = await self._receive(socket, OPEN_TIMEOUT_S)
                if isinstance(message, SessionStarted | SessionEnded | ErrorMessage):
                    return message

    async def _send_and_listen(self, socket: ClientConnection, next_sample: int) -> SessionEnded | Lost:
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._sender.send_from(next_sample, socket))
                outcome = await self._listen(socket)
                sending.cancel()
        except ExceptionGroup as failures:  # the first is the cause: the group was cancelled because of it
            raise failures.exceptions[0] from None
        return outcome

    async def _listen(self, socket: ClientConnection) -> SessionEnded | Lost:
        dead_line_s = DEAD_LINE_S[self._start.pace]
        while True:
            try:
                message = await self._receive(socket, dead_line_s)
            except TimeoutError:
                return Lost(None, f"no message for {dead_line_s:g} s")
            except ConnectionClosed as closed:
                return _lost(closed)
            if isinstance(message, AudioAck):
                self._sender.acknowledged(message.samples)
            elif isinstance(message, SessionEnded):
                return message
            elif isinstance(message, GoAway) and message.resumable and not self._sender.done:
                return Lost(None, "the server stops")  # leaving hands the session over; who has said all waits here

    async def _receive(self, socket: ClientConnection, within_s: float) -> ServerMessage:
        async with asyncio.timeout(within_s):
            text = await socket.recv(decode=True)
        try:
            message: ServerMessage = server_messages.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ClientError(
                f"the server sent an invalid {PROTOCOL} message ({first['msg']}).",
                hint="Client and server probably have different versions.",
            ) from None
        if isinstance(message, ErrorMessage):
            self._last_error = message
        self._listener(str(text), message)
        return message

    def _failure(self, lost: Lost) -> ClientError:
        if self._last_error is not None and (self._session is None or lost.code in NEVER_RETRIED):
            error = self._last_error.error
            later = f" Try again in {error.retry_after_s:g} s." if error.retry_after_s else ""
            return ClientError(f"the server refused: {error.message}{later}")
        if self._session is None and lost.code is None:
            return ClientError(f"cannot reach {self._url}: {lost.reason}", hint="Start a server with: tingqing serve")
        if self._session is None:
            return ClientError(f"{self._url} refused the session: {lost.reason} (code {lost.code}).")
        code = f" (code {lost.code})" if lost.code else ""
        return ClientError(f"the connection was lost and the session could not be resumed: {lost.reason}{code}")


def _lost(closed: ConnectionClosed) -> Lost:
    if closed.sent is not None and closed.sent.code == TOO_LARGE and not closed.rcvd_then_sent:
        return Lost(TOO_LARGE, "it sent a message that is too large")
    if closed.rcvd is None:
        return Lost(None, "the connection was lost")
    return Lost(closed.rcvd.code, closed.rcvd.reason or "the server closed the connection")
