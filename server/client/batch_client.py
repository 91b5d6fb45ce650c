"""A client of ``/v1/batches``: sends files, follows their judging, fetches what came out, whatever the line does."""

import http.client
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from server.client.event_stream import FIELDS, MOST_OF_EVENT, ServerEvent, events_of, lines_of
from server.client.http_client import HttpClient, RefusedError
from server.client.multipart import Form
from server.errors import ClientError
from server.wire.batches import BatchModel

T = TypeVar("T")

PATIENCE_S = 600.0
"""For so long a server that is busy, restarts or cannot be reached is asked again, from its last sign of life on."""

BRIEF_S = 10.0
"""The same for a person who asks one thing and waits for the answer."""

UNPACKING_S = 600.0
"""The longest silence between the last byte that was sent and the answer: archives are unpacked meanwhile."""

LONGEST_PAUSE_S = 60.0
AGAIN_S = 3.0
PAGE = 50
MOST_LISTED = 200
MOST_OF_PAGE = 512 * 1024 * 1024
"""Bytes of a page of results. The server ends a page earlier, but for one long recording with all of its windows."""


class BatchClient:
    """Every method blocks, and raises RefusedError: at once for what stays refused, else after ``PATIENCE_S``,
    or ``BRIEF_S`` where nothing but a short answer is asked for.

    ``waits``: called before each pause with its seconds and what went wrong. ``now``, ``sleep``: the clock, s.
    """

    def __init__(
        self,
        http_client: HttpClient,
        waits: Callable[[float, RefusedError], None],
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = http_client
        self._waits = waits
        self._now = now
        self._sleep = sleep
        self._heard_at = 0.0

    def send(self, form: Form, key: str, sent: Callable[[int], None]) -> BatchModel:
        """Once, however often it is tried: ``key`` is the request's Idempotency-Key. ``sent``: bytes of files."""
        headers = form.headers | {"Idempotency-Key": key}

        def post() -> BatchModel:
            with self._http.open(
                "/v1/batches", "POST", headers=headers, body=form.blocks(sent), within_s=UNPACKING_S
            ) as answer:
                return self._model(self._http.parsed(answer))

        return self._tried(post)

    def find(self, batch_id: str, patience_s: float = BRIEF_S) -> BatchModel:
        """How far it is."""
        return self._tried(lambda: self._model(self._http.json(_path(batch_id))), patience_s)

    def listed(self, state: str, most: int) -> list[BatchModel]:
        """The latest ``most`` in ``state``, or ``all``."""
        found: list[BatchModel] = []
        query: dict[str, str | int] = {"state": state, "limit": min(most, MOST_LISTED)}
        while len(found) < most:
            page, following = self._tried(lambda: self._page(query), BRIEF_S)
            found += page
            if following is None:
                break
            query["cursor"] = following
        return found[:most]

    def delete(self, batch_id: str) -> None:
        """With its files and results."""
        self._tried(lambda: self._http.json(_path(batch_id), "DELETE"), BRIEF_S)

    def follow(self, batch_id: str, told: Callable[[str, dict[str, Any]], None]) -> None:
        """Until it is done. ``told``: each event's name and data, each file once, also where the line breaks."""
        after, self._heard_at = "", self._now()
        tries = 0
        while True:
            try:
                for event in self._events(batch_id, after):
                    after, tries = event.id or after, 0
                    told(event.name, self._data(event))
                    if event.name == "done":
                        return
                if tries == 0:  # the server stops, or ends streams after an hour
                    self._sleep(AGAIN_S)
                else:
                    raise self._http.silent(EOFError("the stream ended"))
            except RefusedError as error:
                if not error.refusal.again or self._now() - self._heard_at > PATIENCE_S:
                    raise
                self._pause(error, tries)
            tries += 1

    def rows(self, batch_id: str) -> Iterator[dict[str, Any]]:
        """As ``GET /v1/batches/{id}/results`` has them, in the order of the files, a page in memory."""
        cursor: str | None = "0"
        while cursor is not None:
            path = f"{_path(batch_id)}/results?{urlencode({'limit': PAGE, 'cursor': cursor})}"
            page = self._tried(partial(self._http.json, path, most=MOST_OF_PAGE))
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                raise _strange()
            yield from page["results"]
            cursor = page.get("next")

    def _tried(self, work: Callable[[], T], patience_s: float | None = None) -> T:
        began, tries = self._now(), 0
        while True:
            try:
                return work()
            except RefusedError as error:
                if not error.refusal.again or self._now() - began > (PATIENCE_S if patience_s is None else patience_s):
                    raise
                self._pause(error, tries)
            tries += 1

    def _pause(self, error: RefusedError, tries: int) -> None:
        # Jitter: after a server's restart its clients must not all come at once.
        backoff_s = min(LONGEST_PAUSE_S, 2.0 ** min(tries, 6)) * random.uniform(0.5, 1.0)
        pause_s = min(max(backoff_s, error.refusal.retry_after_s or 0.0), LONGEST_PAUSE_S)
        self._waits(pause_s, error)
        self._sleep(pause_s)

    def _events(self, batch_id: str, after: str) -> Iterator[ServerEvent]:
        headers: Mapping[str, str] = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        with self._http.open(f"{_path(batch_id)}/events", headers=headers) as answer:
            try:
                yield from events_of(self._heard(lines_of(answer)))
            except ValueError:
                raise self._http.too_long(MOST_OF_EVENT) from None
            except (OSError, http.client.HTTPException) as error:
                raise self._http.silent(error) from None

    def _heard(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Comments too are signs of life: one long file has no event for minutes. What comes before them, such as
        ``retry``, is none: a proxy or a full server may send that and no more, for ever."""
        for line in lines:
            if line.startswith((b":", *FIELDS)):
                self._heard_at = self._now()
            yield line

    def _page(self, query: Mapping[str, str | int]) -> tuple[list[BatchModel], str | None]:
        """A page, and the cursor of the next."""
        page = self._http.json(f"/v1/batches?{urlencode(query)}")
        if not isinstance(page, dict) or not isinstance(page.get("batches"), list):
            raise _strange()
        return [self._model(one) for one in page["batches"]], page.get("next")

    @staticmethod
    def _model(value: Any) -> BatchModel:
        """Fields that a later version adds are passed over."""
        try:
            return BatchModel.model_validate({name: value[name] for name in BatchModel.model_fields if name in value})
        except (TypeError, ValidationError):
            raise _strange() from None

    @staticmethod
    def _data(event: ServerEvent) -> dict[str, Any]:
        try:
            value = json.loads(event.data)
        except ValueError:
            raise _strange() from None
        if not isinstance(value, dict):
            raise _strange()
        return value


def _path(batch_id: str) -> str:
    return f"/v1/batches/{quote(batch_id, safe='')}"


def _strange() -> ClientError:
    return ClientError(
        "the server's answer is not that of a Tingqing of this version.",
        zh="服务器的应答不像这个版本的听清。",
        hint="Check --server; `tingqing version` says which version this is.",
        hint_zh="请检查 --server；用 `tingqing version` 查看本机版本。",
    )
