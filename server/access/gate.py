"""Tells who a caller is by what they bring."""

import logging
import re
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from server.access.audit import Act, AuditEntry, AuditLog
from server.access.buckets import Buckets
from server.access.keys import KeyStore, digest_of, looks_like_key
from server.access.principal import ANYONE, Principal, Role
from server.access.sign_in import LASTS, SignIns
from server.access.throttle import LOOKS, OwnThrottling, Throttle, Throttling
from server.access.tokens import Claim, Scope, Tokens
from server.errors import ForeignTokenError, InvalidTokenError, TokenExpiredError, UnauthorizedError

log = logging.getLogger(__name__)

_SESSION = re.compile(r"[0-9a-f]{32}")

REQUESTS_PER_MINUTE = 600
LOOK_S = 900.0
"""A page that shows the list of sessions asks every few seconds; the audit says it once in this time."""

IN_USE_S = 86_400.0
"""A key that was not shown for so long is no longer in use, such as one that another took the place of."""

TOKEN_EXPIRED = "This link has expired. Ask for a new one."


def utc_now() -> datetime:
    """The wall clock: expiry dates outlive processes."""
    return datetime.now(UTC)


class Gate:
    """One per process. A server is keyed from its first key on, also while it runs, and for ever after."""

    def __init__(
        self,
        keys: KeyStore,
        audit: AuditLog,
        now: Callable[[], datetime] = utc_now,
        *,
        requests_per_minute: int = REQUESTS_PER_MINUTE,
        sign_in_lasts: timedelta = LASTS,
        monotonic: Callable[[], float] = time.monotonic,
        throttling: Throttling | None = None,
        passing: Callable[[], datetime] | None = None,
    ) -> None:
        """``requests_per_minute``: of one key. ``throttling``: who counts; by default this process alone. ``now``: by
        which keys expire. ``passing``: by which tokens and cookies do, in place of ``now``: one that no correction of
        the date moves."""
        passing = passing or now
        self.tokens = Tokens(keys, passing)
        self.sign_ins = SignIns(keys, self.tokens, now, sign_in_lasts, passing)
        self._throttle = throttling or OwnThrottling(Throttle(requests_per_minute))
        self._looks = Buckets(1, 1 / LOOK_S)
        self._monotonic = monotonic
        self._keys = keys
        self._audit = audit
        self._now = now
        self._keyed = False
        self.wrong = 0
        """Keys and tokens that opened nothing, those that had to wait among them: a guesser is mostly told to wait."""
        self._ends: dict[str, tuple[datetime, float]] = {}

    async def keyed(self) -> bool:
        """Whether callers must show a key or a token. Raises StoreError."""
        self._keyed = self._keyed or await self._keys.any()
        return self._keyed

    async def caller(self, authorization: str | None, address: str) -> Principal:
        """Who sends this ``Authorization`` header; anyone, where there are no keys.

        Raises UnauthorizedError, TooManyRequestsError, StoreError. A key that is unknown, revoked or expired is
        answered alike: the answer must not tell whether a guess was ever a key.
        """
        if not await self.keyed():
            return ANYONE
        if authorization is None:
            raise UnauthorizedError("A key is needed: send 'Authorization: Bearer tq_…'.", param="authorization")
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        since = self._monotonic()
        # A right key is never made to wait: behind a proxy, whoever guesses has the same address as everybody.
        key = await self._keys.find(digest_of(text)) if looks_like_key(text) else None
        if scheme.lower() != "bearer" or key is None or not key.valid(self._now()):
            self.wrong += 1
            await self._guessed(address, since)
            raise UnauthorizedError("This key is not valid.", param="authorization")
        if key.expires_at is not None:
            self._ends[key.id] = key.expires_at, since
        await self._throttle.key(key.id, since)
        return key.principal

    def next_end(self) -> datetime | None:
        """When the first of the keys ends that a program showed here in the last day; ``None``: none of them does."""
        since, now = self._monotonic() - IN_USE_S, self._now()
        self._ends = {name: one for name, one in self._ends.items() if one[1] >= since and one[0] > now}
        return min((ends for ends, _ in self._ends.values()), default=None)

    async def _guessed(self, address: str, since: float) -> None:
        """What was neither key nor token, by its address. Raises TooManyRequestsError, StoreError."""
        if await self._throttle.wrong(address, since):
            log.warning("too many wrong keys from %s; it has to wait between tries", address)
            await self._write("nobody known", "", Act.GUESSES_REFUSED, "", address)

    async def signed_in(self, cookie: str, *, listing: bool = False) -> Principal:
        """Who came with this cookie. ``listing``: a page asks for the list of sessions, as it does all day. Counted
        apart: however many of them are open with one key, nobody is kept from watching.
        Raises UnauthorizedError, TooManyRequestsError, StoreError."""
        who = await self.sign_ins.read(cookie)
        await self._throttle.key(f"{who.key_id} {'listing' if listing else 'at pages'}", self._monotonic())
        return who

    async def signing_out(self, cookie: str) -> Principal:
        """Who leaves. Counted apart: it is noted for each, but however busy others with the same key are, it is not
        refused for that. Raises UnauthorizedError, TooManyRequestsError, StoreError."""
        who = await self.sign_ins.read(cookie)
        await self._throttle.key(f"{who.key_id} leaving", self._monotonic())
        return who

    async def note(self, who: Principal, act: Act, about: str, address: str) -> None:
        """Write down what ``who`` does, before it is done. A server without keys identifies nobody and writes nothing.

        ``about``: a session or nothing. It may come from an address that a stranger wrote: what cannot be a session's
        id is written as ``?``. Raises StoreError.
        """
        if who.role is not Role.ANYONE and await self.keyed():
            known = about if not about or _SESSION.fullmatch(about) else "?"
            await self._write(who.who, who.site, act, known, address)

    async def looks(self, who: Principal, address: str) -> None:
        """Note that ``who`` looks at the list of sessions, unless it was noted a moment ago, by whichever process.
        Raises StoreError."""
        await self._note_now_and_then(who, Act.SESSIONS_LISTED, "", address)

    async def reads(self, who: Principal, address: str) -> None:
        """The same of who looks at the list of results, or at what was counted of them."""
        await self._note_now_and_then(who, Act.RECORDS_LISTED, "", address)

    async def looks_at_webhooks(self, who: Principal, address: str) -> None:
        """The same of who looks at what could not be delivered."""
        await self._note_now_and_then(who, Act.WEBHOOKS_LISTED, "", address)

    async def observes(self, who: Principal, session_id: str, address: str) -> None:
        """The same of who reads on in a session's windows, page by page."""
        await self._note_now_and_then(who, Act.SESSION_OBSERVED, session_id, address)

    async def transcribes(self, who: Principal, session_id: str, address: str) -> None:
        """The same of who hands over what is said in a session."""
        await self._note_now_and_then(who, Act.SESSION_TRANSCRIBED, session_id, address)

    async def _note_now_and_then(self, who: Principal, act: Act, about: str, address: str) -> None:
        name, now = f"{who.who} {act} {about} {address}", self._monotonic()
        if self._looks.wait_s(name, now) > 0:
            return
        date = self._now()
        entry = AuditEntry(date, who.who, who.site, act, about, address)
        if not await self._audit.has_since(entry, date - timedelta(seconds=LOOK_S)):
            await self.note(who, act, about, address)
        self._looks.take(name, now)

    async def _write(self, who: str, site: str, act: Act, about: str, address: str) -> None:
        await self._audit.add(AuditEntry(self._now(), who, site, act, about, address))

    async def guest(
        self, token: str, scopes: Collection[Scope], session_id: str | None = None, *, counted_as: str | None = None
    ) -> tuple[Principal, Claim]:
        """Who opens with ``token`` a socket for which one of ``scopes`` is needed; ``session_id``: the session that its
        address names. ``counted_as``: MESSAGES or LOOKS, for a request of such a kind; counted apart from the sockets.

        Raises InvalidTokenError, ForeignTokenError, TooManyRequestsError, StoreError, and TokenExpiredError for an
        observer, and for a patient whose session must be over. Whether a patient's token can still begin it is told by
        the claim: whoever resumes needs the resume token instead.
        """
        try:
            grant = await self.tokens.read(token)
        except InvalidTokenError:
            self.wrong += 1
            raise
        if grant.scope not in scopes or session_id not in (None, grant.session_id):
            raise ForeignTokenError("This token is for something else. Use the link as you got it.", param="token")
        if grant.over or (grant.scope is not Scope.PUBLISH and not grant.live):
            raise TokenExpiredError(TOKEN_EXPIRED, param="token")
        await self._throttle.token(counted_as or grant.scope, grant.session_id, self._monotonic())
        who = f"{grant.scope} token of session {grant.session_id[:8]}"
        return Principal(who, Role.GUEST, grant.site), Claim(grant.session_id, grant.live, grant.scope)

    async def look(self, token: str, scope: Scope, address: str) -> tuple[Principal, Claim]:
        """Whose page of ``scope`` has this token, before it opens anything. As ``guest``, but that a token which is not
        ours counts as a wrong key of ``address``; a genuine one never has to wait for guesses."""
        since = self._monotonic()
        try:
            return await self.guest(token, {scope}, counted_as=LOOKS)
        except InvalidTokenError:
            await self._guessed(address, since)
            raise
