"""What libsndfile cannot read, through FFmpeg: a program of its own, confined, of which nothing is linked.

It is told the demuxer, by the first bytes of the file, and may open nothing but that one file: a playlist or an
external reference in an upload must not make it read another one, or call anybody.
"""

import re
import struct
from pathlib import Path

import numpy as np

from server.errors import NoSoundTrackError, UndecodableFileError
from server.recording.decoders.limits import DecoderLimits
from server.recording.decoders.process import DecoderProcess
from server.values.audio import Float32Array
from server.values.notices import Notice, NoticeCode

AU_HEADER = struct.Struct(">4sIIIII")
AU_FLOAT = 6
"""Sun/NeXT audio: magic, offset of the sound, its length (unknown here), encoding, Hz, channels; big-endian floats."""
PROBE = "5000000"
"""Bytes and microseconds that FFmpeg looks at before it begins: its own defaults, said so that they stay."""

AUDIO_STREAM = re.compile(rb"\[info\]\s+Stream #0:\d+.*?: Audio: ([\w-]+)")
OTHER_STREAM = re.compile(rb"\[info\]\s+Stream #0:\d+.*?: (?:Video|Subtitle|Data|Attachment)")
FAULT = re.compile(rb"^(?:\[[^\]\n]+ @ 0x[0-9a-f]+\] )*\[(error|fatal|warning)\] (.*)$", re.MULTILINE)
"""A remark of these levels; what a file says of itself comes at the level of information."""
NO_INDEX = re.compile(rb"moov atom not found")
BROKEN_OFF = re.compile(rb"partial file|[Tt]runcat|End of file|Packet corrupt|ended prematurely")


def command(program: Path, demuxer: str, path: Path) -> list[str | Path]:
    """The sound of ``path`` as AU in floats on standard output, remarks with their levels on standard error."""
    return [
        program,
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info"),
        *("-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer, "-f", demuxer),
        *("-probesize", PROBE, "-analyzeduration", PROBE, "-threads", "1"),
        *("-i", f"file:{path}"),
        *("-map", "0:a:0", "-map_metadata", "-1", "-map_chapters", "-1", "-vn", "-sn", "-dn"),
        *("-filter_threads", "1", "-c:a", "pcm_f32be", "-bitexact", "-f", "au", "pipe:1"),
    ]


class FfmpegFile:
    """The part of a ``SoundFile`` that ``Recording`` needs, from FFmpeg. ``read`` until empty, then close.

    ``notices``: complete once ``read`` gave nothing or raised.
    """

    def __init__(self, program: Path, demuxer: str, path: Path, limits: DecoderLimits) -> None:
        """Waits for the first sound.

        Raises RuntimeError if there is none; NoSoundTrackError or UndecodableFileError where FFmpeg says why;
        TimeoutError, an OSError, if it hangs.
        """
        self.notices: tuple[Notice, ...] = ()
        self._held = b""
        self._decoder = DecoderProcess(command(program, demuxer, path), limits)
        try:
            self.samplerate, self.channels = self._header()
        except BaseException:
            self.close()
            raise
        self.subtype = self._codec()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._decoder.closed

    def read(self, frames: int) -> Float32Array:
        """At most ``frames``, float32 ``(n, channels)``; none at the end. Raises RuntimeError if decoding broke off,
        TimeoutError if it hangs."""
        size = 4 * self.channels
        while len(self._held) < size:
            part = self._decoder.receive_some(frames * size)
            if not part:
                self._check()
                return np.zeros((0, self.channels), np.float32)
            self._held += part
        whole = min(len(self._held) // size, frames) * size
        block, self._held = self._held[:whole], self._held[whole:]
        self._decoder.sounded(whole / size / max(1, self.samplerate))
        return np.frombuffer(block, ">f4").astype(np.float32).reshape(-1, self.channels)

    def close(self) -> None:
        """End FFmpeg at any point; may be called twice."""
        self._decoder.close()

    def _header(self) -> tuple[int, int]:
        try:
            magic, offset, _, encoding, rate, channels = AU_HEADER.unpack(self._decoder.receive(AU_HEADER.size))
        except RuntimeError:
            self._decoder.ended()
            said = self._decoder.remarks
            if OTHER_STREAM.search(said) and not AUDIO_STREAM.search(said):
                raise no_sound_track() from None
            if NO_INDEX.search(said):
                raise unfinished() from None
            raise
        if magic != b".snd" or encoding != AU_FLOAT or not rate or not channels:
            raise RuntimeError("no sound came out")
        self._decoder.receive(max(0, offset - AU_HEADER.size))
        return rate, channels

    def _codec(self) -> str:
        """Known only where FFmpeg's remarks came before its sound, as they do."""
        found = AUDIO_STREAM.search(self._decoder.remarks)
        return "UNKNOWN" if found is None else found[1].decode("ascii", "replace").upper()

    def _check(self) -> None:
        """At the end: whether it was the end of the recording."""
        code, said = self._decoder.ended(), self._decoder.remarks
        if len(AUDIO_STREAM.findall(said.partition(b"Output #0")[0])) > 1:
            self.notices += (SEVERAL_TRACKS,)
        faults = FAULT.findall(said)
        # The last packet of PCM may be shorter than FFmpeg asked for.
        told = [remark for _, remark in faults if not (self.subtype.startswith("PCM_") and b"orrupt" in remark)]
        if code or any(BROKEN_OFF.search(remark) for remark in told):
            raise RuntimeError("the decoder broke off")
        if any(level != b"warning" for level, _ in faults):
            self.notices += (DAMAGED,)


SEVERAL_TRACKS = Notice(
    "文件里有多条音轨，只评估了第一条。",
    "The file has several sound tracks. Only the first was judged.",
    NoticeCode.SEVERAL_TRACKS,
)
DAMAGED = Notice(
    "文件有损坏，个别片段无法解码，其余部分已评估。",
    "The file is damaged: pieces of it could not be decoded. The rest was judged.",
    NoticeCode.DAMAGED_FILE,
)


def no_sound_track() -> NoSoundTrackError:
    """Of a video without sound."""
    return NoSoundTrackError(
        "The file is a video without sound. Check that the app may use the microphone, and record again.",
        zh="这是没有声音的视频。请检查应用的话筒权限，然后重新录制。",
        param="file",
    )


def unfinished() -> UndecodableFileError:
    """Of an MP4 without its index, which is written last."""
    return UndecodableFileError(
        "The recording was never finished: the index that its writer adds at the end is missing. Record again, and "
        "wait until the app has saved the recording before it is sent.",
        zh="录音没有正常结束，缺少写在末尾的索引，无法读取。请重新录制，等应用保存完成后再发送。",
        param="file",
    )
