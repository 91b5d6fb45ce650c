"""What becomes of the result of a file: it is kept, where results are."""

import asyncio
from contextlib import suppress
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from server.access.gate import utc_now
from server.api.services import Services
from server.assessment.result import Result
from server.batches.repeats import Answered
from server.errors import ConfigError
from server.notify.events import assessment_events
from server.records.making import record_of
from server.values.plain import Json
from server.wire.client import MetadataField

KEEP_S = 2.0
"""How long an answer waits until its record is written. It is written later all the same."""

MAX_METADATA = 50

_metadata: TypeAdapter[MetadataField] = TypeAdapter(MetadataField)


async def keep_file(
    services: Services, result: Result, site: str, began: datetime, answered: Answered | None = None
) -> None:
    """Who has the answer finds the record, unless the database is slow: the answer does not wait for that. Record,
    webhooks and what is answered to the same request again are written in one transaction."""
    records, now, about = services.records, utc_now(), result.identity.id
    record = None
    if records is not None and records.keeps:
        record = await asyncio.to_thread(record_of, result, site, started_at=began, ended_at=now)
    # Nothing is awaited from here until all is put.
    services.tell(about, assessment_events(result, site, now))
    if answered is not None:
        services.repeats.put(about, answered)
    with suppress(TimeoutError):
        async with asyncio.timeout(KEEP_S):
            if records is not None and record is not None:
                await records.keep(record)
            if answered is not None:
                await services.repeats.written(about)


def metadata_of(text: str | None) -> dict[str, Json] | None:
    """The field ``metadata`` of a form: a JSON object. Raises ConfigError."""
    if text is None or not text.strip():
        return None
    try:
        given = _metadata.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigError(f"metadata: {first['msg']}", param="metadata") from None
    if len(given) > MAX_METADATA:
        raise ConfigError(f"metadata: at most {MAX_METADATA} fields.", param="metadata")
    return given
