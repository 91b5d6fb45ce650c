"""Settings of webhooks; ``server.settings`` reads them."""

from typing import Annotated

from pydantic import BaseModel, Field
from pydantic_settings import NoDecode


class WebhookSettings(BaseModel):
    """Part of ``server.settings.Settings``."""

    webhook_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Private addresses and networks to which webhooks may go, also without TLS."
    )
