"""WAV whose header was never filled in: read to its end; and what only looks like it."""

import contextlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import UndecodableFileError
from server.recording.decode import Gap, read_recording
from server.recording.wav import header_patches, patched
from server.recording.wav_tail import tail_bytes

RATE = 16_000
PCM = np.random.default_rng(3).integers(-9_000, 9_000, 15 * RATE, dtype=np.int16)
AUDIO = PCM.astype("<i2").tobytes()
UNKNOWN = 0xFFFF_FFFF
FORMAT = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
INFO = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.76.100\0"


def wav(riff: int, data: int, before: bytes = b"") -> bytes:
    head = b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + struct.pack("<I", len(FORMAT)) + FORMAT
    return head + before + b"data" + struct.pack("<I", data)


def rf64(data: int, long_riff: int, long_data: int) -> bytes:
    sizes = b"ds64" + struct.pack("<IQQQI", 28, long_riff, long_data, 0, 0)
    head = b"RF64" + struct.pack("<I", UNKNOWN) + b"WAVE" + sizes + b"fmt " + struct.pack("<I", len(FORMAT)) + FORMAT
    return head + b"data" + struct.pack("<I", data)


def heard(file: bytes, folder: Path | None = None) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    source: io.BytesIO | Path = io.BytesIO(file)
    if folder is not None:
        source = folder / "piped.wav"
        source.write_bytes(file)
    with read_recording(source, "piped.wav") as recording:
        assert not recording.cut_short
        blocks = [block for block in recording.blocks() if not isinstance(block, Gap)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


@pytest.mark.parametrize(
    "head",
    [
        wav(0, 0),
        wav(UNKNOWN, UNKNOWN),
        wav(UNKNOWN, 0),
        wav(UNKNOWN, UNKNOWN, INFO),
        wav(0x7FFF_FFFF, 0x7FFF_FFFF - 36),
        wav(36 + 4_096, 4_096),
        wav(36 + len(AUDIO), 4_096),
        wav(36 + 4_097, 4_097),
        wav(0, 10 * 2 * RATE),
        rf64(UNKNOWN, 0, 0),
        rf64(UNKNOWN, 72 + 4_096, 4_096),
        rf64(UNKNOWN, 2**64 - 1, 2**64 - 1),
    ],
    ids=lambda head: f"{head[:4].decode()} {head[-4:].hex()}",
)
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_header_that_was_never_filled_in_is_read_to_the_end(head: bytes, on_disk: bool, tmp_path: Path) -> None:
    assert np.array_equal(heard(head + AUDIO, tmp_path if on_disk else None), PCM.astype(np.float32) / 32768)


@pytest.mark.parametrize(
    "behind",
    [INFO, b"id3 " + bytes(2), b"TAG" + bytes(125), b"APETAGEX" + bytes(40_000), bytes(32_768), b"LIST", b"\1\2\3"],
    ids=lambda behind: behind[:8].hex(),
)
def test_what_other_writers_put_behind_the_audio_is_not_heard(behind: bytes) -> None:
    short = AUDIO[: 2 * RATE]
    assert heard(wav(36 + len(short), len(short)) + short + behind).size == RATE


def chunk(name: bytes, content: bytes, *, padded: bool = True) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2 if padded else 0)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("notes.txt", "what was said")
        zipped.comment = b"by a recorder"
    return file.getvalue()


TAILS = {
    **{
        name.decode("latin-1").strip("\0 "): chunk(name, b"<x>some text</x>\0" * 3)
        for name in (b"LIST", b"axml", b"cart", b"chna", b"umid", b"_PMX", b"DISP", b"acid", b"id3\0", b"id3 ", b"%x-y")
    },
    "odd": chunk(b"_PMX", b"odd"),
    "odd, not padded": chunk(b"_PMX", b"odd", padded=False),
    "chain": chunk(b"acid", bytes(24)) + chunk(b"_PMX", b"12345") + chunk(b"id3\0", bytes(70_000)) + INFO,
    "empty": chunk(b"chna", b""),
    "archive": archive(),
    "tag": b"TAG" + bytes(125),
    "chunk and tag": INFO + b"TAG" + bytes(125),
}
SHORT = PCM[: 2 * RATE + 1]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("declared", ["right", 0, UNKNOWN, 0x7FFF_FFFF, "too large", "too small"])
def test_what_lies_behind_the_sound_is_not_heard_whatever_the_header_says(tail: str, declared: str | int) -> None:
    size = SHORT.nbytes
    lengths: dict[str | int, int] = {"right": size, "too large": size + 10_000_000, "too small": 8_192}
    length = int(lengths.get(declared, declared if isinstance(declared, int) else 0))
    head = wav(min(36 + length, UNKNOWN), length)
    assert np.array_equal(heard(head + SHORT.astype("<i2").tobytes() + TAILS[tail]), SHORT.astype(np.float32) / 32768)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("zeros", [2, 4_000])
def test_zeros_that_fill_a_block_before_chunks_are_no_sound_that_goes_on(tail: str, zeros: int) -> None:
    file = wav(36 + SHORT.nbytes, SHORT.nbytes) + SHORT.astype("<i2").tobytes() + bytes(zeros) + TAILS[tail]
    assert heard(file).size == SHORT.size


@pytest.mark.parametrize("tail", ["LIST", "chain"])
def test_a_long_file_without_a_length_has_chunks_behind_its_sound_too(tail: str) -> None:
    head = rf64(UNKNOWN, 2**64 - 1, 2**64 - 1)
    assert np.array_equal(heard(head + AUDIO + TAILS[tail]), PCM.astype(np.float32) / 32768)


@pytest.mark.parametrize("seed", range(4))
def test_no_sound_is_taken_for_chunks(seed: int) -> None:
    """Also loud sound, in which a third of the samples have two bytes that are letters."""
    rng = np.random.default_rng(seed)
    loud = rng.integers(0x2020, 0x7E7E, 2_000_000, dtype=np.int16).astype("<i2").tobytes()
    for sound in (loud, rng.bytes(4_000_000), bytes(100_000), b"LIST" * 9_000, loud + bytes(1_000_000)):
        assert tail_bytes(sound) == 0
        assert tail_bytes(sound + INFO) == len(INFO)


def test_a_header_that_is_right_and_other_files_are_left_alone() -> None:
    for file in (wav(36 + len(AUDIO), len(AUDIO)) + AUDIO, b"", b"RIFF", b"fLaC" + AUDIO[:100], wav(36, 0) + INFO):
        source = io.BytesIO(file)
        assert not header_patches(source)
        assert source.tell() == 0


def test_a_header_that_claims_more_than_there_is_gives_what_there_is() -> None:
    assert heard(wav(36 + len(AUDIO), len(AUDIO)) + AUDIO[: 2 * RATE]).size == RATE


@given(
    magic=st.sampled_from([b"RIFF", b"RF64"]),
    chunks=st.lists(
        st.tuples(
            st.sampled_from([b"ds64", b"fmt ", b"data", b"LIST", b"\0\0\0\0"]), st.integers(0, UNKNOWN), st.binary()
        ),
        max_size=5,
    ),
)
def test_any_header_leaves_a_file_of_the_same_length(magic: bytes, chunks: list[tuple[bytes, int, bytes]]) -> None:
    body = b"".join(name + struct.pack("<I", size) + content for name, size, content in chunks)
    file = magic + bytes(4) + b"WAVE" + body
    patches = header_patches(io.BytesIO(file))
    assert len(patched(file, 0, patches)) == len(file)
    with contextlib.suppress(UndecodableFileError), read_recording(io.BytesIO(file), "x.wav") as recording:
        for _ in recording.frames():
            pass


def test_patches_stand_where_they_belong_however_the_file_is_read() -> None:
    data, patches = bytes(range(20)), {4: b"abcd", 15: b"xyz"}
    whole = patched(data, 0, patches)
    assert whole == data[:4] + b"abcd" + data[8:15] + b"xyz" + data[18:]
    for cut in range(21):
        assert patched(data[:cut], 0, patches) + patched(data[cut:], cut, patches) == whole
