"""The first message of a patient's socket, and how a socket is refused. Every error this early is fatal."""

import logging
from collections.abc import Awaitable, Callable

from server.errors import (
    CapacityError,
    ConfigError,
    DrainingError,
    FrameTooLargeError,
    IdleTimeoutError,
    SessionExpiredError,
    TingqingError,
    UnexpectedMessageError,
)
from server.live.clock import Clock, deadline
from server.live.limits import LiveLimits
from server.live.messages import error_message
from server.live.transport import Disconnected, Transport, size_of
from server.values.audio import AudioFormat
from server.wire.client import SessionStart, parse_client_message

log = logging.getLogger(__name__)


async def first_message(transport: Transport, clock: Clock, limits: LiveLimits) -> SessionStart:
    """Raises IdleTimeoutError after ``start_s``, MalformedMessageError, UnexpectedMessageError, FrameTooLargeError,
    Disconnected."""
    try:
        async with deadline(clock, limits.start_s):
            message = await transport.receive()
    except TimeoutError:
        raise IdleTimeoutError(f"No session.start came within {limits.start_s:g} s.") from None
    if size_of(message) > limits.max_frame_bytes:
        raise FrameTooLargeError(f"A message may have {limits.max_frame_bytes} bytes at most.")
    if isinstance(message, bytes):
        raise UnexpectedMessageError("Audio came before session.start.", param="type")
    start = parse_client_message(message)
    if not isinstance(start, SessionStart):
        raise UnexpectedMessageError(f"{start.type} came before session.start.", param="type")
    return start


async def refuse(transport: Transport, error: TingqingError, clock: Clock, limits: LiveLimits) -> None:
    """Say why, then close with the error's code: browsers cannot read a refused upgrade."""
    text = error_message(error).model_dump_json()
    await part(transport, clock, limits, error.close_code, error.code, text)


async def part(
    transport: Transport, clock: Clock, limits: LiveLimits, code: int, reason: str, last: str | None = None
) -> None:
    """Send ``last``, if there is one, and close. A peer that is gone or takes too long is dropped."""
    try:
        async with deadline(clock, limits.send_s):
            if last is not None:
                await transport.send_text(last)
            await transport.close(code, reason)
    except (Disconnected, TimeoutError):
        log.debug("a peer did not answer the close; its socket is dropped")


def draining_error() -> DrainingError:
    """For a newcomer while the server stops."""
    return DrainingError("The server is stopping; connect again.", retry_after_s=1.0)


def capacity_error(limits: LiveLimits) -> CapacityError:
    """For a newcomer when no place is free; the limits say when to retry."""
    return CapacityError("The server is full; try again later.", retry_after_s=limits.retry_after_s)


def not_here() -> SessionExpiredError:
    """For a patient whose session this version cannot go on with."""
    return SessionExpiredError("This session cannot go on here; begin a new one.")


def check_format(asked: AudioFormat, kept: AudioFormat) -> None:
    """Raises ConfigError if a patient comes back with another format."""
    if asked != kept:
        raise ConfigError("A resumed session keeps its audio format; begin one for another.", param="audio")


def once(noted: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    """One socket writes one entry, however it gets in."""
    told: set[str] = set()

    async def noted_once(session_id: str) -> None:
        if session_id not in told:
            told.add(session_id)
            await noted(session_id)

    return noted_once
