"""Whether a server has keys, asked before it serves."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.settings import Settings


def has_keys(settings: "Settings") -> bool:
    """Whether callers must show a key. Raises SettingsError, StoreError."""
    if settings.kept_at is None:
        return False
    import asyncio

    from server import app

    return asyncio.run(app.has_keys(settings))
