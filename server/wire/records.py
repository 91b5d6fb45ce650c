"""What ``/v1/assessments`` and ``/v1/stats`` return."""

from typing import Literal

from pydantic import AwareDatetime, Field

from server.wire.base import WireModel
from server.wire.common import BASIS, BasisName, Grade, Score, Verdict
from server.wire.result import ResultModel


class AssessmentRow(WireModel):
    """A kept result, in short."""

    id: str
    kind: Literal["session", "file"]
    started_at: AwareDatetime = Field(description="When the patient came, or the file was received.")
    ended_at: AwareDatetime
    reference: str | None = Field(description="As given, at most 200 characters.")
    name: str | None = Field(description="Of the file, as given.")
    attempt_of: str | None = Field(description="Id of what this one tried again.")
    label_set: str = Field(description="Names of the dictionaries, joined by +; empty for labels of one's own alone.")
    department: str = Field(description="metadata.department; empty where none was given.")
    mode: Literal["recording", "visit"]
    basis: BasisName | None = Field(description=f"{BASIS} null: kept before this was noted; see the result.")
    verdict: Verdict | None
    grade: Grade | None
    score: Score | None
    duration_s: float = Field(ge=0)
    speech_s: float = Field(ge=0)
    reason: str | None = Field(description="How a session ended, as in session.ended.")
    prompts_raised: int = Field(ge=0, description="Prompts that the listener showed to the patient.")
    prompts_followed: int = Field(ge=0, description="Of these: cleared because the sound became good enough.")
    first_usable_s: float | None = Field(
        description="Seconds of audio until the first window of which a doctor can use what is heard; null: none."
    )


class AssessmentPage(WireModel):
    """Kept results of a site, the latest end first."""

    assessments: list[AssessmentRow]
    next: str | None = Field(description="cursor of the following page; null if there is none.")


class AssessmentDetail(AssessmentRow):
    """A kept result in full."""

    result: ResultModel | None = Field(description="As it was sent; null if none could be built, or no room was left.")


class ShareModel(WireModel):
    """``count`` of ``total``. ``low``, ``high``: the 95 % interval of ``rate`` (Wilson)."""

    count: int = Field(ge=0)
    total: int = Field(ge=0)
    rate: Score | None
    low: Score | None
    high: Score | None


class LabelShare(ShareModel):
    """How many recordings failed a label."""

    id: str


class VerdictCounts(WireModel):
    """Results by verdict; ``none``: nothing was judged."""

    accept: int
    re_record: int = Field(alias="re-record")
    unusable: int
    none: int


class FiguresModel(WireModel):
    """What was counted. ``key``: of the group; empty of the whole."""

    key: str = ""
    results: int
    hours: float = Field(description="Of sound.")
    verdicts: VerdictCounts
    first_pass: ShareModel = Field(description="First attempts that were accepted, of the things that were recorded.")
    in_the_end: ShareModel = Field(description="Things that were accepted in any attempt.")
    retried: ShareModel = Field(description="Things that were recorded more than once.")
    followed: ShareModel = Field(description="Prompts that the patient followed, of those raised.")
    usable_soon: ShareModel = Field(description="Sessions whose sound was good enough within 10 s.")
    usable_median_s: int | None = Field(description="When it was in half of the sessions; null if in fewer.")
    worst: list[LabelShare] = Field(
        description="At most five labels, the one that failed most surely first; of the whole alone."
    )


class StatsModel(WireModel):
    """Figures of one site. Days are those of the server's time zone; both ends are included."""

    site: str
    since: str
    until: str
    whole: FiguresModel
    before: FiguresModel = Field(description="The same number of days just before.")
    by_day: list[FiguresModel]
    by_department: list[FiguresModel]
    by_label_set: list[FiguresModel]
    by_kind: list[FiguresModel]


class DoctorsModel(WireModel):
    """How many doctors said of a session that the patient could be heard, and how many that not."""

    clear: int = Field(default=0, ge=0)
    unclear: int = Field(default=0, ge=0)


class DoubtfulRow(AssessmentRow):
    """A recording near another verdict."""

    doubt: Score = Field(description="Distance of the worst quality label from its threshold.")
    failed: list[str] = Field(description="Ids of the labels under their threshold.")
    doctors: DoctorsModel = Field(default_factory=DoctorsModel, description="The last word of each.")


class ReviewList(WireModel):
    """What can be reviewed: the first of ``left``. ``reviewed``: how many are."""

    doubtful: list[DoubtfulRow]
    left: int = Field(ge=0)
    reviewed: int = Field(ge=0)


class ReviewRequest(WireModel):
    """Whether a person who listens can hear what the patient says; null takes back what was said."""

    heard: bool | None
