"""``tingqing webhooks``: which systems are told what happens."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from server.cli.console import ExitCode, Failure, compact_json, guarded, stderr_console, stdout_console, write_line
from server.cli.stored import StoreFlags, stored
from server.cli.webhook_rows import date_of, delivery_row, endpoint_row, state_of, unknown

if TYPE_CHECKING:
    from server.cli.webhook_desk import Desk
    from server.notify.sending import Answer

T = TypeVar("T")

EPILOG = """\
[bold]Examples[/bold]
  tingqing webhooks add https://clinic.example/hooks --site ward-3 --data-dir /var/lib/tingqing
  tingqing webhooks add https://clinic.example/sms --site ward-3 --events assessment.rejected
  tingqing webhooks list
  tingqing webhooks test wh_1f0c9a2e77aa
  tingqing webhooks rotate wh_1f0c9a2e77aa     # both secrets sign for a day
  tingqing webhooks deliveries --state dead
  tingqing webhooks replay --endpoint wh_1f0c9a2e77aa
  tingqing webhooks remove wh_1f0c9a2e77aa

TINGQING_DATA_DIR saves writing the folder each time. docs/webhooks.md has receivers in Python and Node.
"""

app = typer.Typer(
    name="webhooks",
    help="Tell other systems what happens: add, list, test, rotate and remove endpoints, look at deliveries.\n\n"
    "Signed by Standard Webhooks, delivered at least once, tried again for a day.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

ALLOW_HINT = (
    "Webhooks go to public addresses over HTTPS. For others set TINGQING_WEBHOOK_ALLOW=10.20.0.0/16 (your network) for "
    "the server, and for this command too: it reads its own environment."
)
EndpointArgument = Annotated[str, typer.Argument(metavar="ID", help="As printed by list.", show_default=False)]


class Format(StrEnum):
    """How lists are printed."""

    TEXT = "text"
    JSON = "json"


class StateOption(StrEnum):
    """The states of ``server.notify.outbox``."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


FormatOption = Annotated[Format, typer.Option("--format", help="text or json.")]


@app.command(epilog=EPILOG)
@guarded
@stored
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="https://HOST/PATH.", show_default=False)],
    site: Annotated[str, typer.Option("--site", metavar="NAME", help="Whose events; without keys: local.")],
    events: Annotated[
        str | None,
        typer.Option(
            "--events",
            metavar="LIST",
            help="Comma-separated: session.ended, assessment.completed, assessment.rejected, "
            "assessment.refused, label.changed, rule.matched (rule.matched:EVENT: one event of rules), "
            "batch.completed. Default: all but label.changed and rule.matched.",
        ),
    ] = None,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Add an endpoint and print its secret once.

    The secret goes to standard output, everything else to standard error,
    with a warning for what could never be delivered. Private addresses
    and plain HTTP need TINGQING_WEBHOOK_ALLOW on the server.
    """
    from server.access.audit import Act
    from server.cli.webhook_doubts import doubts_of
    from server.notify.delivering import utc_now
    from server.notify.endpoints import MAX_ENDPOINTS, new_endpoint
    from server.notify.events import BY_DEFAULT

    async def use(desk: "Desk") -> list[str]:
        stores = desk.stores
        for one in await stores.endpoints.listed(site):
            if one.url == url:
                raise Failure(
                    f"{one.id} of {site} has this address already.",
                    hint=f"For other events remove it first: tingqing webhooks remove {one.id}",
                )
        await desk.note(Act.WEBHOOK_ADDED, site, endpoint.id)
        if not await stores.endpoints.add(endpoint):
            raise Failure(
                f"{site} has {MAX_ENDPOINTS} endpoints already.", hint="Remove one: tingqing webhooks remove ID"
            )
        return await doubts_of(endpoint, desk.settings)

    chosen = [one.strip() for one in events.split(",") if one.strip()] if events else list(BY_DEFAULT)
    endpoint = new_endpoint(site, url, chosen, utc_now())
    doubts = _with_desk(store, use)
    write_line(endpoint.secret)
    stderr_console().print(
        f"Endpoint {endpoint.id} for {site}. Keep its secret: tingqing webhooks list does not show it.", soft_wrap=True
    )
    for doubt in doubts:
        stderr_console().print(f"Warning: {doubt}", soft_wrap=True, markup=False, highlight=False)


@app.command("list", epilog=EPILOG)
@guarded
@stored
def list_(format_: FormatOption = Format.TEXT, store: StoreFlags = StoreFlags()) -> None:
    """List all endpoints, without their secrets."""
    from rich.table import Table

    found = _with_desk(store, lambda desk: desk.stores.endpoints.listed())
    if format_ is Format.JSON:
        write_line(compact_json([endpoint_row(one) for one in found]))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("id", "site", "state", "url", "events"):
        table.add_column(title, overflow="fold")
    for one in found:
        table.add_row(one.id, one.site, state_of(one), one.url, " ".join(sorted(one.events)))
    stdout_console().print(table)


@app.command("test", epilog=EPILOG)
@guarded
@stored
def try_(endpoint_id: EndpointArgument, store: StoreFlags = StoreFlags()) -> None:
    """Send a signed event of the type webhook.test now, from this machine.

    Exit code 1 if the endpoint does not take it.
    """
    from server import __version__
    from server.notify.delivering import utc_now
    from server.notify.events import trial_event
    from server.notify.reach import Reach
    from server.notify.sending import NOT_ALLOWED, Sender

    async def use(desk: "Desk") -> "Answer":
        endpoint = await desk.endpoint(endpoint_id)
        sender = Sender(Reach.of(desk.settings.webhook_allow), __version__, utc_now)
        return await sender.send(trial_event(endpoint.site, endpoint.id, utc_now()), endpoint)

    answer = _with_desk(store, use)
    status = "no answer" if answer.tried.status is None else f"status {answer.tried.status}"
    write_line(f"{'taken' if answer.delivered else 'not taken'}: {answer.tried.why or status} ({status})")
    if answer.tried.why == NOT_ALLOWED:
        stderr_console().print(ALLOW_HINT, soft_wrap=True)
    if not answer.delivered:
        raise typer.Exit(ExitCode.NOT_PASSED)


@app.command(epilog=EPILOG)
@guarded
@stored
def rotate(endpoint_id: EndpointArgument, store: StoreFlags = StoreFlags()) -> None:
    """Sign with a new secret from now on, and print it once.

    For a day each delivery is signed with both, so that receivers can
    change over without losing any.
    """
    from server.access.audit import Act
    from server.notify.delivering import utc_now
    from server.notify.endpoints import OVERLAP, new_secret

    async def use(desk: "Desk") -> bool:
        await desk.note_of(Act.WEBHOOK_ROTATED, endpoint_id)
        return await desk.stores.endpoints.rotate(endpoint_id, secret, utc_now() + OVERLAP)

    secret = new_secret()
    if not _with_desk(store, use):
        raise unknown(endpoint_id)
    write_line(secret)
    stderr_console().print(f"{endpoint_id}: the secret so far signs too for a day.")


@app.command(epilog=EPILOG)
@guarded
@stored
def resume(endpoint_id: EndpointArgument, store: StoreFlags = StoreFlags()) -> None:
    """Go on with an endpoint that was paused because it answered 410 Gone."""
    from server.access.audit import Act

    async def use(desk: "Desk") -> bool:
        await desk.note_of(Act.WEBHOOK_RESUMED, endpoint_id)
        return await desk.stores.endpoints.pause(endpoint_id, False)

    if not _with_desk(store, use):
        raise unknown(endpoint_id)
    stderr_console().print(f"{endpoint_id} is told again. What was given up: tingqing webhooks replay --endpoint ID")


@app.command(epilog=EPILOG)
@guarded
@stored
def remove(endpoint_id: EndpointArgument, store: StoreFlags = StoreFlags()) -> None:
    """Remove an endpoint, with everything that waits for it."""
    from server.access.audit import Act

    async def use(desk: "Desk") -> bool:
        await desk.note_of(Act.WEBHOOK_REMOVED, endpoint_id)
        return await desk.stores.endpoints.remove(endpoint_id)

    if not _with_desk(store, use):
        raise unknown(endpoint_id)
    stderr_console().print(f"{endpoint_id} is removed.")


@app.command(epilog=EPILOG)
@guarded
@stored
def deliveries(
    last: Annotated[int, typer.Option("--last", min=1, max=100_000, metavar="N", help="How many.")] = 50,
    state: Annotated[
        StateOption | None, typer.Option("--state", help="waiting, delivered or dead (given up). Default: all.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", metavar="ID", help="Of this endpoint alone.")] = None,
    format_: FormatOption = Format.TEXT,
    store: StoreFlags = StoreFlags(),
) -> None:
    """List deliveries, the latest first: those of the last seven days, and all that wait."""
    from rich.table import Table

    from server.notify.outbox import State

    wanted = None if state is None else State(state.value)
    found = _with_desk(store, lambda desk: desk.stores.outbox.listed(last, state=wanted, endpoint_id=endpoint))
    if format_ is Format.JSON:
        write_line(json.dumps([delivery_row(one) for one in found], separators=(",", ":")))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("number", "state", "event", "endpoint", "created", "tries", "last answer", "next try"):
        table.add_column(title, overflow="fold")
    for one in found:
        answer = f"{one.status or ''} {one.why}".strip()
        due = date_of(one.due_at) if one.state is State.WAITING else ""
        told = (str(one.number), one.state, one.type, one.endpoint_id, date_of(one.created_at), str(one.attempts))
        table.add_row(*told, answer, due)
    stdout_console().print(table)


@app.command(epilog=EPILOG)
@guarded
@stored
def replay(
    number: Annotated[int | None, typer.Argument(metavar="NUMBER", help="One, as printed by deliveries.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", metavar="ID", help="All of this endpoint.")] = None,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Try dead deliveries again for a day, each with the id that it had."""
    from server.access.audit import Act
    from server.notify.delivering import utc_now

    if number is None and endpoint is None:
        raise Failure("which ones?", hint="Pass the NUMBER of one, or --endpoint ID for all of it.")

    async def use(desk: "Desk") -> int:
        if endpoint is not None:
            await desk.note_of(Act.WEBHOOKS_REPLAYED, endpoint)
        else:
            await desk.note(Act.WEBHOOKS_REPLAYED, "", str(number))
        return await desk.stores.outbox.replay(utc_now(), endpoint_id=endpoint, number=number)

    count = _with_desk(store, use)
    stderr_console().print(f"{count} are tried again.")


def _with_desk(store: StoreFlags, use: "Callable[[Desk], Awaitable[T]]") -> T:
    from server.cli.webhook_desk import at_desk

    settings, where = store.opened("webhooks")
    return asyncio.run(at_desk(settings, where, use))
