"""``tingqing keys``: who may use a server that others can reach."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from server.cli.console import Failure, compact_json, guarded, stderr_console, stdout_console, write_line
from server.cli.stored import StoreFlags, must_be_there, stored

if TYPE_CHECKING:
    from rich.text import Text

    from server.access.keys import ApiKey, SigningKey
    from server.settings import Settings
    from server.store.opening import AccessStores

T = TypeVar("T")

EPILOG = """\
[bold]Examples[/bold]
  tingqing keys create --site ward-3 --role integrator --expires 90d --data-dir /var/lib/tingqing
  tingqing keys list --data-dir /var/lib/tingqing
  tingqing keys revoke 1f0c9a2e --data-dir /var/lib/tingqing
  tingqing keys rotate --data-dir /var/lib/tingqing
  tingqing keys audit --last 20 --data-dir /var/lib/tingqing

TINGQING_DATA_DIR saves writing the folder each time.
"""

app = typer.Typer(
    name="keys",
    help="Create, list, revoke and rotate keys; show who did what.\n\n"
    "From the first key on, the server answers only those who show one.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

OPERATOR = "operator"
"""In the audit: whoever can run this command on the folder."""

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=3650)


class RoleOption(StrEnum):
    """The roles of ``server.access.principal`` that a key can have."""

    ADMIN = "admin"
    INTEGRATOR = "integrator"
    DOCTOR = "doctor"
    VIEWER = "viewer"


class Format(StrEnum):
    """How ``list`` prints."""

    TEXT = "text"
    JSON = "json"


@app.command(epilog=EPILOG)
@guarded
@stored
def create(
    site: Annotated[
        str, typer.Option("--site", metavar="NAME", help="The hospital or ward; a key sees its site's sessions alone.")
    ],
    role: Annotated[
        RoleOption,
        typer.Option(
            "--role",
            help="[bold]integrator[/bold]: begins sessions, sends recordings, watches. [bold]viewer[/bold]: watches. "
            "[bold]doctor[/bold]: invites patients, watches and asks them. [bold]admin[/bold]: everything.",
        ),
    ],
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="For example 90d or 12h. Default: never.")
    ] = None,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Create a key and print it once.

    The key goes to standard output, everything else to standard error.
    Only a digest is kept: a lost key cannot be read again.
    """
    from server.access.audit import Act, AuditEntry
    from server.access.gate import utc_now
    from server.access.keys import create_key
    from server.access.principal import Role

    lasts = None if expires is None else _lasting(expires)
    now = utc_now()

    async def use(stores: "AccessStores") -> "tuple[str, ApiKey]":
        async def noted(key: "ApiKey") -> None:
            await stores.audit.add(AuditEntry(now, OPERATOR, site, Act.KEY_CREATED, key.id, ""))

        until = None if lasts is None else now + lasts
        return await create_key(stores.keys, site, Role(role), now, until, noted=noted)

    text, key = _with_stores(store, use, first=True)
    write_line(text)
    until = "never expires" if key.expires_at is None else f"expires {_date(key.expires_at)}"
    stderr_console().print(f"Key {key.id} for {key.site}, {key.role}, {until}. Keep it: it is not shown again.")


@app.command("list", epilog=EPILOG)
@guarded
@stored
def list_(
    format_: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
    store: StoreFlags = StoreFlags(),
) -> None:
    """List all keys that were ever created, without the keys themselves."""
    from rich.table import Table

    from server.access.gate import utc_now

    found = _with_stores(store, lambda stores: stores.keys.listed())
    now = utc_now()
    if format_ is Format.JSON:
        write_line(compact_json([_row(key, now) for key in found]))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("id", "site", "role", "state", "created", "expires"):
        table.add_column(title)
    for key in found:
        expires = "never" if key.expires_at is None else _date(key.expires_at)
        table.add_row(key.id, key.site, key.role, _state(key, now), _date(key.created_at), expires)
    stdout_console().print(table)


@app.command(epilog=EPILOG)
@guarded
@stored
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As printed by list.", show_default=False)],
    store: StoreFlags = StoreFlags(),
) -> None:
    """Revoke a key: new requests and sockets with it are refused at once.

    Sessions that it began go on to their end. A server whose last key was
    revoked stays closed.
    """
    from server.access.audit import Act, AuditEntry
    from server.access.gate import utc_now

    async def use(stores: "AccessStores") -> bool:
        key = await stores.keys.get(key_id)
        if key is None:
            return False
        await stores.audit.add(AuditEntry(utc_now(), OPERATOR, key.site, Act.KEY_REVOKED, key.id, ""))
        return await stores.keys.revoke(key_id, utc_now())

    if not _with_stores(store, use):
        raise Failure(f"there is no key {key_id}.", hint="tingqing keys list")
    stderr_console().print(f"Key {key_id} is revoked.")


@app.command(epilog=EPILOG)
@guarded
@stored
def rotate(
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Tokens that are out stop working at once; open sockets stay.")
    ] = False,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Sign tokens with a new secret from now on.

    Tokens that are out stay valid until they expire, so that nobody is
    dropped. With --drop-old they do not: after a leak of the data folder.
    """
    from server.access import tokens
    from server.access.audit import Act, AuditEntry
    from server.access.gate import utc_now

    async def use(stores: "AccessStores") -> "SigningKey":
        async def noted(new: "SigningKey") -> None:
            await stores.audit.add(AuditEntry(utc_now(), OPERATOR, "", Act.SIGNING_ROTATED, new.kid, ""))

        return await tokens.rotate(stores.keys, utc_now(), drop_old=drop_old, noted=noted)

    new = _with_stores(store, use)
    stderr_console().print(f"Tokens are signed with {new.kid} from now on.")


@app.command(epilog=EPILOG)
@guarded
@stored
def audit(
    last: Annotated[int, typer.Option("--last", min=1, max=1_000_000, metavar="N", help="How many entries.")] = 100,
    format_: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Show who did what: the latest entries, the newest last.

    Entries cannot be changed or deleted. They hold no content of a visit.
    """
    from rich.table import Table

    found = _with_stores(store, lambda stores: stores.audit.latest(last))
    if format_ is Format.JSON:
        write_line(compact_json([{**asdict(entry), "at": entry.at.isoformat()} for entry in found]))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("at", "who", "site", "act", "about", "address"):
        table.add_column(title, overflow="fold")
    for entry in found:
        table.add_row(_date(entry.at), *map(_plain, (entry.who, entry.site, entry.act, entry.about, entry.address)))
    stdout_console().print(table)


def _plain(text: str) -> "Text":
    """As it is, whatever a stranger wrote: no markup, and nothing that a terminal obeys."""
    from rich.text import Text

    return Text("".join(sign if sign.isprintable() else "?" for sign in text))


def _with_stores(store: StoreFlags, use: "Callable[[AccessStores], Awaitable[T]]", *, first: bool = False) -> T:
    """``first``: there may be no database yet."""
    settings, where = store.opened("keys")
    if not first:
        must_be_there(where)
    return asyncio.run(_used(settings, use))


async def _used(settings: "Settings", use: "Callable[[AccessStores], Awaitable[T]]") -> T:
    from server.app import open_access

    async with open_access(settings) as stores:
        return await use(stores)


def _lasting(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,6})([mhd])", text)
    lasts = None if found is None else int(found[1]) * UNITS[found[2]]
    if lasts is None or lasts > LONGEST:
        raise Failure(f"--expires: not a time up to {LONGEST.days}d: {text}", hint="For example 90d, 12h or 30m.")
    return lasts


def _row(key: "ApiKey", now: datetime) -> dict[str, str | None]:
    return {
        "id": key.id,
        "site": key.site,
        "role": key.role,
        "state": _state(key, now),
        "created_at": key.created_at.isoformat(),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
    }


def _state(key: "ApiKey", now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "valid" if key.valid(now) else "expired"


def _date(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
