"""The flags of commands that open the database of a server."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from server.cli.console import Failure
from server.cli.options import DataOption
from server.store.postgresql.url import DatabaseUrl

if TYPE_CHECKING:
    from server.settings import Settings
    from server.store.database import Where

R = TypeVar("R")

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        help="PostgreSQL database in place of the folder's: postgresql://USER@HOST/NAME. Others see the command line: "
        "write a password into the variable, or into ~/.pgpass. (TINGQING_DATABASE_URL)",
    ),
]


@dataclass(frozen=True, slots=True)
class StoreFlags:
    """As given, or ``None``; variables count where a flag is not given."""

    data_dir: Path | None = None
    database_url: str | None = None

    def settings(self) -> "Settings":
        """With these flags. Raises SettingsError."""
        from server.settings import load_settings

        return load_settings(data_dir=self.data_dir, database_url=self.database_url)

    def opened(self, what: str) -> "tuple[Settings, Where]":
        """The settings, and where the database is. ``what``: what is asked for. Raises SettingsError, Failure.

        A folder that is named beside the variable of another database is refused: either may be meant."""
        settings = self.settings()
        if self.data_dir is not None and self.database_url is None and isinstance(settings.kept_at, DatabaseUrl):
            raise Failure(
                f"--data-dir names the folder {self.data_dir}, and TINGQING_DATABASE_URL the database "
                f"{settings.kept_at}: which of them? --data-dir 指定了文件夹 {self.data_dir}，而 TINGQING_DATABASE_URL "
                f"指定了数据库 {settings.kept_at}，请只指定其一。",
                hint="For the database leave --data-dir out. For the folder: env -u TINGQING_DATABASE_URL tingqing …",
            )
        if settings.kept_at is None:
            raise Failure(
                f"{what} need a folder or a database.",
                hint="Pass --data-dir DIR (TINGQING_DATA_DIR) or --database-url URL (TINGQING_DATABASE_URL); serve "
                "with the same.",
            )
        return settings, settings.kept_at


def must_be_there(where: "Where") -> None:
    """Raises Failure for a folder without a database: what is revoked or looked up in a folder that is misspelt would
    seem done."""
    from server.store.sqlite import FILE

    if isinstance(where, Path) and not (where / FILE).is_file():
        raise Failure(
            f"{where} has no database of Tingqing. {where} 里没有听清的数据库。",
            hint="Is it the folder that the server uses? The first key, or the first start, makes the database.",
        )


def stored(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command ``--data-dir`` and ``--database-url``, which it gets as ``store``, a StoreFlags."""

    @functools.wraps(command)
    def run(*args: Any, data_dir: Path | None = None, database_url: str | None = None, **kwargs: Any) -> R:
        return command(*args, store=StoreFlags(data_dir, database_url), **kwargs)

    signature = inspect.signature(command)
    own = [each for each in signature.parameters.values() if each.name != "store"]
    flags = {"data_dir": DataOption, "database_url": DatabaseOption}
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in flags.items()
    ]
    own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    run.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    run.__annotations__ = {name: kind for name, kind in command.__annotations__.items() if name != "store"} | flags
    return run
