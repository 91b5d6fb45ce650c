"""``tingqing backup`` and ``tingqing restore``: the data folder's database, out and back."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.console import Failure, guarded, stderr_console
from server.cli.stored import StoreFlags, stored

EPILOG = """\
[bold]Examples[/bold]
  tingqing backup /backups/tingqing.db --data-dir /var/lib/tingqing   # also while it serves
  systemctl stop tingqing
  tingqing restore /backups/tingqing.db --force --data-dir /var/lib/tingqing
"""

REVOKE_AGAIN = """\
Warning: what was revoked after this backup is valid again. Revoke those keys again ('tingqing keys list', \
'tingqing keys revoke ID'), and end all links with 'tingqing keys rotate --drop-old'."""

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.", show_default=False)]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]


@guarded
@stored
def backup(file: FileArgument, force: ForceOption = False, store: StoreFlags = StoreFlags()) -> None:
    """Copy keys and audit to one file, also while the server runs.

    The copy is of one moment, checked, and readable by its owner alone:
    it holds the secrets that sign tokens. Patients' sessions and models are not in it.
    """
    from server.store.backup import back_up

    version = back_up(_folder(store), file, replace=force)
    stderr_console().print(f"{file}: {file.stat().st_size} bytes, schema {version}, intact.", soft_wrap=True)


@guarded
@stored
def restore(file: FileArgument, force: ForceOption = False, store: StoreFlags = StoreFlags()) -> None:
    """Put a backup back. Stop the server first.

    Keys that were revoked since stay revoked, as far as the database
    that is replaced can be read.

    A backup of an older version is brought up to date at the next start;
    one of a newer version is refused then.
    """
    from server.store.backup import restore as put_back

    folder = _folder(store)
    done = put_back(file, folder, replace=force)
    console = stderr_console()
    console.print(f"{folder}: restored, schema {done.version}. Start the server.", soft_wrap=True)
    if done.damaged is not None:
        console.print(f"The database that was there cannot be read; it is now {done.damaged}.", soft_wrap=True)
    if not done.carried:
        console.print(REVOKE_AGAIN, soft_wrap=True)


def _folder(store: StoreFlags) -> Path:
    settings = store.settings()
    if settings.database_url is not None:
        raise Failure(
            "the database is PostgreSQL's, whose own commands copy it. 数据库在 PostgreSQL 中，请用它自己的命令备份。",
            hint="pg_dump --format custom --exclude-table-data … --file FILE; all of it is in docs/operate.md.",
        )
    if settings.data_dir is None:
        raise Failure("which folder?", hint="Pass --data-dir DIR, or set TINGQING_DATA_DIR.")
    return settings.data_dir
