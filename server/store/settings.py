"""The settings of where things are kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_serializer, field_validator

from server.store.postgresql.url import DatabaseUrl


class StoreSettings(BaseModel):
    """A part of ``server.settings.Settings``."""

    data_dir: Path | None = Field(
        default=None,
        description="Folder of what outlives the server: keys, running sessions, results. Without it there are none.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL database in place of the data folder's: postgresql://USER@HOST:5432/NAME.",
    )

    @field_validator("database_url")
    @classmethod
    def _a_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            DatabaseUrl.of(value.get_secret_value())
        return value

    @field_serializer("database_url", when_used="json")
    def _url_handed_on(self, value: SecretStr | None) -> str | None:
        """To a process of this server, through a pipe: nothing else turns settings into JSON."""
        return None if value is None else value.get_secret_value()

    def completed(self, environment: Mapping[str, str]) -> Self:
        """With the hosts of libpq's variables, as ``DatabaseUrl.with_hosts``."""
        if self.database_url is None:
            return self
        url = DatabaseUrl.of(self.database_url.get_secret_value())
        whole = url.with_hosts(environment.get("PGHOST", ""), environment.get("PGPORT", ""))
        return self if whole == url else self.model_copy(update={"database_url": SecretStr(whole.dsn)})

    @property
    def kept_at(self) -> Path | DatabaseUrl | None:
        """Where the database is; ``None``: nothing outlives the server."""
        if self.database_url is not None:
            return DatabaseUrl.of(self.database_url.get_secret_value())
        return self.data_dir
