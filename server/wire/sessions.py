"""What ``POST /v1/sessions`` takes and returns."""

from typing import Literal

from pydantic import AwareDatetime, Field

from server.wire.base import WireModel
from server.wire.client import LabelsField, MetadataField


class SessionRequest(WireModel):
    """What is settled before the patient comes; it overrides their ``session.start``. What is absent, they decide."""

    reference: str | None = Field(default=None, max_length=200)
    mode: Literal["recording", "visit"] | None = None
    labels: LabelsField | None = Field(default=None, max_length=20_000)
    language: str | None = Field(default=None, max_length=35, description="BCP 47: zh-CN, en …")
    metadata: MetadataField | None = Field(default=None, max_length=50)


class AnnouncedSession(WireModel):
    """The tokens are secret; each opens sockets of this session alone."""

    id: str
    ws_url: str = Field(description="For the patient, with the subprotocols tingqing.v1 and bearer.<publish_token>.")
    publish_token: str = Field(description="For the patient: begins the session once, before expires_at.")
    observe_token: str = Field(description="For the doctor: watches the session until it ends, any number of times.")
    nudge_token: str = Field(description="For the doctor: watches, and sends or mutes prompts of the dictionary.")
    observe_url: str = Field(description="The doctor's page of this session, the token behind #.")
    nudge_url: str = Field(description="The same for the doctor who may also send and mute prompts.")
    expires_at: AwareDatetime = Field(description="Until when the patient must have connected.")
