"""What ``tingqing assess`` is asked to do with every file: the same in this process and in those of ``--jobs``."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from server.recording.channels import parse_roles
from server.recording.decoders.raw import parse_raw
from server.settings import Settings
from server.transcript.sources import WrittenTranscript
from server.values.audio import CaptureSource
from server.values.mode import Mode

JUDGING = ("vad", "clap", "mos", "denoiser", "voices")
"""Flags by which results differ."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``flags``: for ``load_settings``. ``channels``, ``raw``: as they were given, and valid. ``flat_language``: of the
    flat form, if that is the output. ``transcript``, ``far_end``: of one file alone, and so of one process alone."""

    flags: dict[str, Any] = field(default_factory=dict)
    labels: str | None = None
    reference: str | None = None
    mode: Mode = Mode.RECORDING
    source: CaptureSource = CaptureSource.FILE
    channels: str | None = None
    raw: str | None = None
    flat_language: str | None = None
    transcript: WrittenTranscript | None = None
    far_end: Path | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON holds it, without what is of one file alone."""
        values = asdict(self) | {"mode": self.mode.value, "source": self.source.value}
        values["flags"] = {name: str(value) if isinstance(value, Path) else value for name, value in self.flags.items()}
        return {name: value for name, value in values.items() if name not in ("transcript", "far_end")}

    def digest(self) -> str:
        """Of all that changes results, but for the labels, whose own digest stands in each result."""
        told = {name: value for name, value in self.plain().items() if name not in ("labels", "flags")}
        told["flags"] = {name: str(value) for name, value in self.flags.items() if name in JUDGING}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> Self:
        """What ``plain`` gave."""
        return cls(**values | {"mode": Mode(values["mode"]), "source": CaptureSource(values["source"])})

    def ways(self, settings: Settings) -> dict[str, Any]:
        """The arguments of ``assess_files`` beside the files."""
        return {
            "max_s": settings.max_audio_s,
            "mode": self.mode,
            "source": self.source,
            "reference": self.reference,
            "transcript": self.transcript,
            "roles": None if self.channels is None else parse_roles(self.channels),
            "far_end": self.far_end,
            "decoders": settings.decoders(),
            "raw": None if self.raw is None else parse_raw(self.raw),
        }
