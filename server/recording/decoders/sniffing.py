"""What the first bytes of a file say it is. Names and MIME types are ignored: messengers and browsers err."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO

from server.values.text import Text

HEAD_BYTES = 512
ID3_HEAD_BYTES = 10
MPEG_SYNC = 0xFFE0
"""The first eleven bits of every MPEG audio frame."""
ADTS_MASK, ADTS_SYNC = 0xFFF6, 0xFFF0
"""AAC in a stream begins with twelve ones and a layer of 00 (ISO/IEC 13818-7)."""
LOAS_SYNC = 0x56E0
"""AAC in LATM: eleven bits (ISO/IEC 14496-3, 1.7.2)."""
SILK_MARK = b"#!SILK_V3"
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp")
TS_PACKET, TS_SYNC = 188, 0x47
LONGEST_CHARACTER = 4
LEAST_TEXT = 8
"""Bytes; of fewer nothing is said."""
CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")


class Reader(Enum):
    """Who reads it."""

    SOUNDFILE = auto()
    MP3 = auto()
    SILK = auto()
    FFMPEG = auto()
    FFMPEG_BETTER = auto()
    """libsndfile too, but not to the end."""
    NOBODY = auto()


@dataclass(frozen=True, slots=True)
class Look:
    """``reader``: who is asked first. ``demuxer``: by which FFmpeg would read it, ``None`` for a format it does not
    have. ``other``: what it is instead of a recording."""

    reader: Reader
    demuxer: str | None = None
    other: Text | None = None


FIRST_FFMPEG = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"#!AMR", "amr"),
    (b"FLV\1", "flv"),
    (b"\0\0\1\xba", "mpeg"),
    (b"MAC ", "ape"),
    (b"wvpk", "wv"),
    (b"TTA1", "tta"),
    (b"\x0b\x77", "ac3"),
    (b"\x7f\xfe\x80\x01", "dts"),
    (b".RMF", "rm"),
    (b"DSD ", "dsf"),
    (b".ra\xfd", "rm"),
)
"""Formats that libsndfile has nothing of, by their first bytes."""
FIRST_SOUNDFILE = (
    (b"caff", "caf"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"FORM", "aiff"),
    (b".snd", "au"),
    (b"RF64", "wav"),
    (b"riff\x2e\x91", "w64"),
    (b"NIST", "nistsphere"),
    (b"Creative Voice", "voc"),
)
"""Formats of which libsndfile reads the common codecs and FFmpeg more."""
OTHERS = (
    (b"PK\3\4", Text("ZIP 压缩包", "a ZIP archive")),
    (b"PK\5\6", Text("空的 ZIP 压缩包", "an empty ZIP archive")),
    (b"7z\xbc\xaf\x27\x1c", Text("7z 压缩包", "a 7z archive")),
    (b"Rar!", Text("RAR 压缩包", "a RAR archive")),
    (b"\x1f\x8b", Text("gzip 压缩文件", "a gzip archive")),
    (b"%PDF", Text("PDF 文档", "a PDF document")),
    (b"\x89PNG", Text("图片", "a picture")),
    (b"\xff\xd8\xff", Text("图片", "a picture")),
    (b"GIF8", Text("图片", "a picture")),
    (b"\xd0\xcf\x11\xe0", Text("Office 文档", "an Office document")),
    (b"MThd", Text("MIDI 乐谱", "MIDI, notes without sound")),
    (b"version https://git-lfs", Text("Git LFS 指针（不是文件本身）", "a pointer of Git LFS, not the file itself")),
)
FIRST = (
    *((mark, Look(Reader.SILK)) for mark in (SILK_MARK, b"\x02" + SILK_MARK)),
    *((first, Look(Reader.FFMPEG, demuxer)) for first, demuxer in FIRST_FFMPEG),
    *((first, Look(Reader.SOUNDFILE, demuxer)) for first, demuxer in FIRST_SOUNDFILE),
    *((first, Look(Reader.NOBODY, None, other)) for first, other in OTHERS),
)


def look_at(head: bytes, behind_tag: bytes, name: str | None) -> Look:
    """``head``: the first HEAD_BYTES; ``behind_tag``: what follows an ID3v2 tag, empty without one. ``name`` counts
    where the bytes leave it open: libsndfile itself takes a file called .mp3 for one."""
    if _endless_flac(head):
        return Look(Reader.FFMPEG_BETTER, "flac")
    for first, look in FIRST:
        if head.startswith(first):
            return look
    if head[4:8] in MP4_BOXES:
        return Look(Reader.FFMPEG, "mov")
    if head.startswith((b"RIFF", b"RIFX")):
        return Look(Reader.FFMPEG, "avi") if head[8:11] == b"AVI" else Look(Reader.SOUNDFILE, "wav")
    return _stream(head, behind_tag, name)


def _endless_flac(head: bytes) -> bool:
    """Whether its writer could not say how many samples there are (RFC 9639, 8.2): it wrote into a pipe."""
    return head.startswith(b"fLaC") and len(head) > 26 and not int.from_bytes(head[21:26], "big") & 0xF_FFFF_FFFF


def _stream(head: bytes, behind_tag: bytes, name: str | None) -> Look:
    """Formats without a header: frames, packets, or nothing known."""
    if _sync(head) & ADTS_MASK == ADTS_SYNC or _sync(behind_tag) & ADTS_MASK == ADTS_SYNC:
        return Look(Reader.FFMPEG, "aac")
    if _sync(head) & MPEG_SYNC == LOAS_SYNC:
        return Look(Reader.FFMPEG, "loas")
    if len(head) > TS_PACKET and head[0] == head[TS_PACKET] == TS_SYNC:
        return Look(Reader.FFMPEG, "mpegts")
    named = name is not None and name.lower().endswith(".mp3")
    if _sync(head) & MPEG_SYNC == MPEG_SYNC or head.startswith(b"ID3"):
        return Look(Reader.MP3, "mp3")
    if _is_text(head):
        return Look(Reader.NOBODY, None, Text("文本文件", "text"))
    return Look(Reader.MP3 if named else Reader.SOUNDFILE)


def _sync(data: bytes) -> int:
    return int.from_bytes(data[:2], "big") if len(data) >= 2 else 0


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters, of which only the last character may be cut."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - LONGEST_CHARACTER:
            return False
    return len(head) >= LEAST_TEXT and not CONTROL & set(head)


def read_head(file: BinaryIO) -> tuple[bytes, bytes]:
    """``head`` and ``behind_tag`` of a file at its start; it is rewound."""
    head, behind = file.read(HEAD_BYTES), b""
    if head.startswith(b"ID3") and len(head) >= ID3_HEAD_BYTES:
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        file.seek(ID3_HEAD_BYTES + length)
        behind = file.read(2)
    file.seek(0)
    return head, behind


def looked_at(file: BinaryIO, name: str | None = None) -> Look:
    """What an open file at its start is; it is rewound."""
    return look_at(*read_head(file), name)
