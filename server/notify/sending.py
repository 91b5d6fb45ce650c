"""One try of one delivery: signed, sent to a checked address, with a deadline. Redirects are not followed."""

import asyncio
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import httpcore
from standardwebhooks import Webhook

from server.notify.endpoints import Endpoint
from server.notify.events import Event
from server.notify.outbox import Tried
from server.notify.reach import GuardedBackend, Reach, RefusedAddressError

DEADLINE_S = 15.0
"""From the look-up of the name to the head of the answer; Standard Webhooks recommends 15 to 30 s."""

BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpcore.TimeoutException)

NOT_ALLOWED = "address not allowed"

SECONDS = re.compile(r"\d{1,6}")


@dataclass(frozen=True, slots=True)
class Answer:
    """``gone``: the endpoint wants nothing more (410). ``retry_after_s``: as it asked, if it did."""

    tried: Tried
    delivered: bool
    gone: bool = False
    retry_after_s: float | None = None


class Sender:
    """``context``: whom TLS trusts; by default whom the system trusts."""

    def __init__(
        self,
        reach: Reach,
        version: str,
        now: Callable[[], datetime],
        *,
        deadline_s: float = DEADLINE_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._reach = reach
        self._agent = f"Tingqing/{version}"
        self._now = now
        self._deadline_s = deadline_s
        self._context = context

    async def send(self, event: Event, endpoint: Endpoint) -> Answer:
        """Never raises, whatever the endpoint does. Whatever is not a 2xx is a failure, a redirect too."""
        now = self._now()
        try:
            async with asyncio.timeout(self._deadline_s):
                status, retry_after_s = await self._post(endpoint.url, self._signed(event, endpoint, now), event)
        except (TimeoutError, RefusedAddressError, ssl.SSLError, OSError, UnicodeError, *BROKEN) as error:
            return Answer(Tried(now, None, _why(error)), delivered=False)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Answer(Tried(now, status), delivered=True)
        why = "redirect" if status < HTTPStatus.BAD_REQUEST else "refused"
        return Answer(Tried(now, status, why), False, status == HTTPStatus.GONE, retry_after_s)

    def _signed(self, event: Event, endpoint: Endpoint, now: datetime) -> dict[bytes | str, bytes | str]:
        signatures = [Webhook(secret).sign(event.id, now, event.body) for secret in endpoint.secrets_at(now)]
        return {
            "content-type": "application/json",
            "user-agent": self._agent,
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    async def _post(
        self, url: str, headers: Mapping[bytes | str, bytes | str], event: Event
    ) -> tuple[int, float | None]:
        encrypted = url.startswith("https:")
        context = await self._trusted() if encrypted else None
        backend = GuardedBackend(self._reach, encrypted=encrypted)
        # A pool for one request: a kept connection would lead where the name led before.
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=context, max_keepalive_connections=0, network_backend=backend
            ) as pool,
            pool.stream("POST", url, headers=headers, content=event.body.encode()) as answer,
        ):
            return answer.status, _retry_after_s(answer)  # the body of the answer is not read

    async def _trusted(self) -> ssl.SSLContext:
        if self._context is None:  # reads every certificate of the system
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return self._context


def _why(error: Exception) -> str:
    """In our words: what an error says may hold addresses of an inner network."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, RefusedAddressError):
        return NOT_ALLOWED
    if any(isinstance(one, ssl.SSLError) for one in _causes(error)):
        return "certificate or TLS refused"
    # Of OSError and UnicodeError: a name that does not resolve, or that cannot be one.
    return "no connection" if isinstance(error, (httpcore.ConnectError, OSError, UnicodeError)) else "broken connection"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _retry_after_s(answer: httpcore.Response) -> float | None:
    given = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"").decode("latin-1")
    return float(given) if SECONDS.fullmatch(given) else None
