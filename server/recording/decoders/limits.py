"""What a decoder may take, and which decoders there are."""

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from shutil import which

NO_FFMPEG = "off"


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """``memory``: bytes of address space; ``cpu_s``: seconds of CPU in all. ``patience_s``: a decoder may be so many
    seconds slower than the recording is long before it is stopped: what plays slower than it sounds hangs, or is made
    to."""

    memory: int = 1 << 30
    cpu_s: int = 900
    patience_s: float = 20.0


@dataclass(frozen=True)
class Decoders:
    """The decoders beside libsndfile. ``ffmpeg``: the program to use, ``off`` for none, ``None`` to look for one."""

    ffmpeg: str | None = None
    limits: DecoderLimits = field(default_factory=DecoderLimits)

    @cached_property
    def ffmpeg_program(self) -> Path | None:
        """The program named, else the one in PATH, else the one that the package imageio-ffmpeg brings."""
        if self.ffmpeg == NO_FFMPEG:
            return None
        if (found := which(self.ffmpeg or "ffmpeg")) is not None:
            return Path(found)
        return _packaged_ffmpeg() if self.ffmpeg is None else None

    @property
    def silk(self) -> bool:
        """Whether silk-python is installed."""
        return find_spec("pysilk") is not None


def _packaged_ffmpeg() -> Path | None:
    """The program in imageio-ffmpeg, of which nothing is imported: it would look at variables and run what it finds."""
    spec = find_spec("imageio_ffmpeg")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for program in sorted(Path(folder, "binaries").glob("ffmpeg-*")):
            return program
    return None
