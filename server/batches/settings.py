"""Settings of batches; ``server.settings`` reads them."""

from pydantic import BaseModel, Field


class BatchSettings(BaseModel):
    """Part of ``server.settings.Settings``. Sizes in MB are 10⁶ bytes."""

    max_batch_mb: int = Field(default=4000, ge=1, description="Largest body of POST /v1/batches, and all its files.")
    max_batch_files: int = Field(default=500, ge=1, le=5000, description="Most files of one batch.")
    max_queued_files: int = Field(default=2000, ge=1, description="Most files of one site that wait to be judged.")
    max_queued_mb: int = Field(default=20_000, ge=1, description="Most of one site's files that wait to be judged.")
    batch_processes: int = Field(
        default=1,
        ge=0,
        le=64,
        description="Processes that judge batches beside the server, for all that share its folder.",
    )
