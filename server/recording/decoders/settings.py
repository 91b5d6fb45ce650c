"""What an operator may say of the decoders of recordings; a part of ``server.settings.Settings``."""

from pydantic import Field
from pydantic_settings import BaseSettings

from server.recording.decoders.limits import DecoderLimits, Decoders


class DecoderSettings(BaseSettings):
    """Fields of ``Settings``; MB are 10⁶ bytes, times seconds."""

    max_audio_s: float = Field(default=4 * 3600.0, gt=0, description="Longest recording accepted, by decoded length.")
    ffmpeg: str | None = Field(
        default=None,
        min_length=1,
        description="FFmpeg's program, for formats that libsndfile does not read; off: none. Default: the one in PATH, "
        "else that of the package imageio-ffmpeg.",
    )
    decoder_memory_mb: int = Field(default=1_000, ge=200, description="Address space of one decoder's process.")
    decoder_cpu_s: int = Field(default=900, ge=1, description="CPU seconds of one decoder's process.")
    decoder_patience_s: float = Field(
        default=20.0, gt=0, le=600, description="How many seconds a decoder may be slower than the recording is long."
    )

    def decoders(self) -> Decoders:
        """The decoders beside libsndfile, and what they may take."""
        limits = DecoderLimits(self.decoder_memory_mb * 10**6, self.decoder_cpu_s, self.decoder_patience_s)
        return Decoders(self.ffmpeg, limits)
