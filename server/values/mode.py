"""What is assessed: one person's recording, or a visit."""

from enum import StrEnum


class Mode(StrEnum):
    """``recording``: one person tells something. ``visit``: a conversation, in which the patient mostly listens."""

    RECORDING = "recording"
    VISIT = "visit"
