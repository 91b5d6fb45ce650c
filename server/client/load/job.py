"""What one process of paced patients is told, and what it measured. Both cross a pipe as JSON."""

from pydantic import BaseModel, ConfigDict, Field


class Job(BaseModel):
    """``starts_s``: one patient each, at this time after the process is told to begin. Times in seconds.

    ``pcm``: a file of mono 16-bit samples, which every patient repeats from another place on. ``observers``: of each
    session. ``brutal``: every other patient breaks its line off before the end, without a close. ``at_once``: a patient
    whose time has come waits until fewer than so many are there.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    key: str | None = None
    pcm: str
    sample_rate: int
    seconds: float
    starts_s: list[float]
    labels: str | None = None
    observers: int = 0
    brutal: bool = False
    pace: str = "realtime"
    at_once: int | None = None


class Patient(BaseModel):
    """One session as its patient saw it.

    ``lags_ms``: from when a window's last sample was due to its update's arrival; ``server_lags_ms``: the same as the
    server tells it. ``late_ms``: by how much chunks were sent late, the client's own fault. ``refused``: never began.
    ``ended``: the result came. ``observed``: updates that its doctors got; ``unobserved``: doctors who got not even the
    first message.
    """

    lags_ms: list[float] = Field(default_factory=list)
    server_lags_ms: list[float] = Field(default_factory=list)
    late_ms: list[float] = Field(default_factory=list)
    refused: str | None = None
    ended: bool = False
    aborted: bool = False
    errors: list[str] = Field(default_factory=list)
    replaced: int = 0
    shed: int = 0
    observed: int = 0
    unobserved: int = 0
    with_clap: int = 0


class Seen(BaseModel):
    """What one process measured."""

    patients: list[Patient]
    cpu_s: float
