"""What one check of ``tingqing doctor`` found."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``command``: what mends it; empty where all is well."""

    check: str
    status: Status
    zh: str
    en: str
    command: str = ""
