"""``GET /v1/stats``: how good the recordings of a site are, and what is wrong with the others."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator

from server.access.principal import Principal, Right
from server.api.principals import address_of, needs
from server.api.problems import documented
from server.api.record_rows import records_of, written_out
from server.api.services import Wired
from server.errors import ConfigError
from server.records.kept import local_day
from server.records.ports import Sums
from server.records.statistics import Figures, Share, by, by_day, figures, over_days
from server.wire.records import FiguresModel, LabelShare, ShareModel, StatsModel, VerdictCounts

router = APIRouter(tags=["records"])

Reader = Annotated[Principal, needs(Right.READ)]

WrittenDate = Annotated[date, BeforeValidator(written_out)]
USUAL_DAYS = 30
MOST_DAYS = 1098
"""Three years."""

FIRST = date(1980, 1, 1)
"""Before it nothing was counted; and as many days before it are dates too."""

PROBLEMS = documented(
    {
        401: "No key and no sign-in, or one that is not valid.",
        403: "A server without keys shows no figures; or refused because of Host, Origin or the key's role.",
        404: "This server keeps no results, so nothing is counted.",
        422: "A date is out of range, or the last one is before the first.",
        429: "The key was used too often; see Retry-After.",
        503: "No database; Retry-After says when to try again.",
    }
)


@router.get("/v1/stats", summary="Figures of the key's site", response_model=StatsModel, responses=PROBLEMS)
async def stats(
    request: Request,
    services: Wired,
    caller: Reader,
    since: Annotated[
        WrittenDate | None, Query(alias="from", description="First day. Default: 30 days up to the last.")
    ] = None,
    until: Annotated[
        WrittenDate | None, Query(alias="to", description="Last day. Default: today, at the server.")
    ] = None,
    department: Annotated[str | None, Query(max_length=64, description="This one alone.")] = None,
    labels: Annotated[str | None, Query(max_length=200, description="This dictionary alone.")] = None,
) -> Response:
    """Counts outlive the results that they are of; what was deleted on request is not counted. Rates have 95 %
    intervals."""
    records = records_of(services)
    await services.gate.reads(caller, address_of(request))
    first, last = _range(since, until)
    found = await records.sums(caller.site, first, last, department=department, label_set=labels)

    def written() -> str:
        return stats_model(caller.site, first, last, found).model_dump_json(by_alias=True)

    text = await asyncio.to_thread(written)  # of a year it takes tens of milliseconds
    return Response(text, headers={"Cache-Control": "no-store"}, media_type="application/json")


def _range(since: date | None, until: date | None) -> tuple[date, date]:
    last = until or date.fromisoformat(local_day(datetime.now(UTC)))
    if last < FIRST:
        raise ConfigError(f"to is {FIRST.isoformat()} or later.", param="to")
    first = since or last - timedelta(days=USUAL_DAYS - 1)
    if not 0 <= (last - first).days < MOST_DAYS:
        raise ConfigError(f"from is at most {MOST_DAYS - 1} days before to, and not after it.", param="from")
    if first < FIRST:
        raise ConfigError(f"from is {FIRST.isoformat()} or later.", param="from")
    return first, last


def stats_model(site: str, first: date, last: date, sums: Sums) -> StatsModel:
    """``sums``: of the days from ``first`` to ``last``."""
    cells = over_days(sums.parts)
    return StatsModel(
        site=site,
        since=first.isoformat(),
        until=last.isoformat(),
        whole=_figures("", figures(each.counts for each in cells), whole=True),
        before=_figures("", figures(sums.before), whole=True),
        by_day=[_figures(*one) for one in by_day(sums.daily)],
        by_department=[_figures(*one) for one in by(cells, lambda day: day.bucket.department)],
        by_label_set=[_figures(*one) for one in by(cells, lambda day: day.bucket.label_set)],
        by_kind=[_figures(*one) for one in by(cells, lambda day: day.bucket.kind.value)],
    )


def _figures(key: str, of: Figures, *, whole: bool = False) -> FiguresModel:
    return FiguresModel(
        key=key,
        results=of.results,
        hours=round(of.hours, 2),
        verdicts=VerdictCounts.model_validate(of.verdicts),
        first_pass=_share(of.first_pass),
        in_the_end=_share(of.in_the_end),
        retried=_share(of.retried),
        followed=_share(of.followed),
        usable_soon=_share(of.usable_soon),
        usable_median_s=of.usable_median_s,
        worst=[LabelShare(id=label_id, **_share(found).model_dump()) for label_id, found in of.worst if whole],
    )


def _share(of: Share) -> ShareModel:
    rates = {
        name: None if value is None else round(value, 4)
        for name, value in (("rate", of.rate), ("low", of.low), ("high", of.high))
    }
    return ShareModel(count=of.count, total=of.total, **rates)
