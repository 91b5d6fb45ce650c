"""Brings the tables of a database to this version."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

FOLDER = "server.store:migrations"


def migrate(connection: Connection, version: str = "head") -> None:
    """Forward to ``version``, in the transaction of ``connection``. Raises CommandError if a newer Tingqing made it."""
    config = Config()
    config.set_main_option("script_location", FOLDER)
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def revision_of(connection: Connection) -> str | None:
    """The version of its tables; ``None``: there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The version of this Tingqing."""
    config = Config()
    config.set_main_option("script_location", FOLDER)
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None, "there are migrations"
    return head
