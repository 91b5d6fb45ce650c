"""What ``/v1/webhooks`` returns: no secret, and nothing of what an event tells."""

from typing import Literal

from pydantic import AwareDatetime, Field

from server.wire.base import WireModel


class WebhookEndpoint(WireModel):
    """Where webhooks of a site go. ``paused``: it answered 410 Gone, and is told nothing until it is resumed."""

    id: str
    host: str = Field(description="Of its address; the rest may hold a secret.")
    events: list[str] = Field(description="Those that it is told.")
    state: Literal["told", "paused"]
    created_at: AwareDatetime
    waiting: int = Field(ge=0, description="Deliveries that wait to be sent, or to be tried again.")
    dead: int = Field(ge=0, description="Deliveries that were given up.")


class WebhookEndpoints(WireModel):
    """The oldest first."""

    endpoints: list[WebhookEndpoint]


class DeadDelivery(WireModel):
    """What could not be delivered. ``webhook_id`` is the same with every try, also once it is sent again."""

    number: int = Field(ge=1)
    webhook_id: str
    type: str = Field(description="What happened, such as assessment.rejected.")
    about: str = Field(description="Id of the session, recording or batch.")
    endpoint: str
    host: str
    attempts: int = Field(ge=0)
    created_at: AwareDatetime
    given_up_at: AwareDatetime | None
    status: int | None = Field(description="Of the last answer; null without one.")
    why: str = Field(description="Why the last try failed.")


class DeadDeliveries(WireModel):
    """What was given up, the latest first."""

    dead: list[DeadDelivery]
    next: int | None = Field(description="cursor of the following page; null if there is none.")


class Replayed(WireModel):
    """How many are tried again."""

    replayed: int = Field(ge=0)
