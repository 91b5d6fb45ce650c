"""What ``/v1/sessions`` takes and returns."""

from typing import Literal

from pydantic import AwareDatetime, Field

from server.wire.base import WireModel
from server.wire.client import LabelsField, MetadataField
from server.wire.common import Grade, Score, Verdict
from server.wire.result import ResultModel


class SessionRequest(WireModel):
    """What is settled before the patient comes; it overrides their ``session.start``. What is absent, they decide."""

    reference: str | None = Field(default=None, max_length=200)
    mode: Literal["recording", "visit"] | None = None
    labels: LabelsField | None = Field(default=None, max_length=20_000)
    language: str | None = Field(default=None, max_length=35, description="BCP 47: zh-CN, en …")
    metadata: MetadataField | None = Field(default=None, max_length=50)
    attempt_of: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{32}$",
        description="Id of the session or recording that this one tries again; repeated in the result.",
    )


class AnnouncedSession(WireModel):
    """The tokens are secret; each opens sockets of this session alone."""

    id: str
    ws_url: str = Field(description="For the patient, with the subprotocols tingqing.v1 and bearer.<publish_token>.")
    publish_token: str = Field(description="For the patient: begins the session once, before expires_at.")
    observe_token: str = Field(description="For the doctor: watches the session until it ends, any number of times.")
    nudge_token: str = Field(description="For the doctor: watches, and sends or mutes prompts of the dictionary.")
    transcribe_token: str = Field(description="For a recogniser: hands over what is said, any number of times.")
    transcribe_url: str = Field(description="Its socket, with the subprotocols tingqing.v1 and bearer.<token>.")
    observe_url: str = Field(description="The doctor's page of this session, the token behind #.")
    nudge_url: str = Field(description="The same for the doctor who may also send and mute prompts.")
    patient_url: str = Field(description="The patient's page of this session, the token behind #.")
    visit_url: str = Field(description="The patient's page of a call with the doctor, judged in this session.")
    visit_doctor_url: str = Field(description="The doctor's page of that call.")
    expires_at: AwareDatetime = Field(description="Until when the patient must have connected.")


class TokenState(WireModel):
    """A token that opens something now. What nobody else may know of the session is not in it."""

    scope: Literal["publish", "observe", "nudge", "transcribe"] = Field(description="Of which kind it is.")
    session_id: str = Field(description="The one session that it is for.")


class ListedSession(WireModel):
    """A session that is expected, goes on, or has ended. ``null``: not known yet, or not said."""

    id: str
    state: Literal["announced", "live", "paused", "reconnecting", "ended"]
    since: AwareDatetime = Field(description="When the patient came; of an announced session, when it was announced.")
    mode: Literal["recording", "visit"] | None
    reference: str | None
    attempt_of: str | None
    grade: Grade | None = Field(description="Of the latest window: what the meter shows. Of an ended session, in all.")
    score: Score | None
    prompts: list[str] = Field(description="Ids of the prompts that are up.")
    observers: int = Field(ge=0, description="Who watches now.")
    ended_at: AwareDatetime | None = None
    verdict: Verdict | None = Field(default=None, description="Of an ended session.")
    reason: str | None = Field(default=None, description="How it ended, as in session.ended.")


class SessionDetail(ListedSession):
    """One session."""

    result: ResultModel | None = Field(default=None, description="Of an ended session, as it was sent.")


class SessionList(WireModel):
    """A page of the sessions of a site: first those that are expected or go on, the latest first, then those that have
    ended, the latest end first."""

    sessions: list[ListedSession]
    next: str | None = Field(description="cursor of the following page; null if there is none.")
