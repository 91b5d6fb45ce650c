"""What an archive may bring, and what it may not."""

import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from server.batches import zips
from server.batches.batch import NewFile
from server.batches.entry_list import MAX_BYTES
from server.batches.zips import Limits, is_zip, unpacked
from tests.archives import Entry, packed_bytes

LIMITS = Limits(files=100, file=1_000_000, whole=2_000_000)


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as packed:
        for name, data in entries:
            packed.writestr(name, data)
    return written.getvalue()


def opened(data: bytes, folder: Path, limits: Limits = LIMITS) -> list[NewFile]:
    return list(unpacked(io.BytesIO(data), folder, 1, limits, "all.zip"))


def test_recordings_of_all_folders_come_out_numbered_with_their_names(tmp_path: Path) -> None:
    found = opened(archive(("a.wav", b"RIFF1"), ("ward/b.mp3", b"ID3 2"), ("ward/", b"")), tmp_path)
    assert [(one.name, one.size, one.path, one.fault) for one in found] == [
        ("a.wav", 5, "1", None),
        ("ward/b.mp3", 5, "2", None),
    ]
    assert (tmp_path / "2").read_bytes() == b"ID3 2"


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../x.wav", "a/../../x.wav", "C:\\x.wav", "..\\x.wav", "\\\\host\\x.wav"]
)
def test_a_name_that_leads_out_is_refused_and_writes_nothing(tmp_path: Path, name: str) -> None:
    (found,) = opened(archive((name, b"RIFF")), tmp_path)
    assert found.fault is not None
    assert found.fault.code == "bad_path"
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.wav")
    link.create_system = 3
    link.external_attr = 0o120777 << 16
    found = opened(archive((link, b"/etc/passwd"), ("a.wav", b"RIFF")), tmp_path)
    assert [one.fault and one.fault.code for one in found] == ["not_a_file", None]


def test_an_archive_within_is_refused_whatever_its_name(tmp_path: Path) -> None:
    (found,) = opened(archive(("a.wav", archive(("b.wav", b"RIFF")))), tmp_path)
    assert found.fault is not None
    assert found.fault.code == "nested_archive"


def test_an_encrypted_entry_is_refused_with_words(tmp_path: Path) -> None:
    data = bytearray(archive(("a.wav", b"RIFF" * 10)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        data[at : at + 2] = struct.pack("<H", 1)
    (found,) = opened(bytes(data), tmp_path)
    assert found.fault is not None
    assert found.fault.code == "encrypted"
    assert "密码" in found.fault.zh


def test_a_bomb_stops_at_the_limit_and_leaves_nothing(tmp_path: Path) -> None:
    found = opened(archive(("a.wav", bytes(5_000_000)), ("b.wav", b"RIFF")), tmp_path)
    assert [one.fault and one.fault.code for one in found] == ["payload_too_large", None]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 4


def test_all_entries_together_stay_within_the_limit_of_the_whole(tmp_path: Path) -> None:
    found = opened(archive(*((f"{number}.wav", bytes(900_000)) for number in range(5))), tmp_path)
    assert [one.fault is None for one in found] == [True, True, False, False, False]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 1_800_000


def test_what_is_refused_counts_too_and_the_rest_is_not_unpacked(tmp_path: Path) -> None:
    many = 40
    found = opened(archive(*((f"{number}.wav", bytes(1_500_000)) for number in range(many))), tmp_path)
    assert {one.fault.code for one in found[:-1] if one.fault is not None} == {"payload_too_large"}
    assert len(found) < many / 4
    assert found[-1].fault is not None
    assert found[-1].fault.code == "too_costly"
    assert list(tmp_path.iterdir()) == []


def test_unpacking_ends_when_its_time_is_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "CPU_S", -1.0)
    found = opened(archive(("a.wav", b"RIFF"), ("b.wav", b"RIFF")), tmp_path)
    assert [one.fault and one.fault.code for one in found] == ["too_costly"]


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    data = bytearray(archive(("a.wav", b"RIFF" * 50), ("b.wav", b"RIFF" * 50), ("c.wav", b"RIFF1")))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)  # the second begins where the first does
    found = opened(bytes(data), tmp_path)
    assert [one.fault and one.fault.code for one in found] == ["damaged_archive", "damaged_archive", None]


@pytest.mark.parametrize("begins", [39, 400, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_an_entry_that_begins_outside_the_archive_is_refused_alone(tmp_path: Path, begins: int) -> None:
    """Beyond what a file system can seek, a file says what it says when the disk is full."""
    far = Entry(b"b.wav", extra=struct.pack("<HHQ", 1, 8, begins))
    data = bytearray(packed_bytes(Entry(b"a.wav"), far, Entry(b"c.wav")))
    at = data.index(b"b.wav", data.index(b"PK\x01\x02")) - 4
    data[at : at + 4] = b"\xff" * 4
    path = tmp_path / "all.zip"
    path.write_bytes(data)
    (tmp_path / "out").mkdir()
    with path.open("rb") as file:
        found = list(unpacked(file, tmp_path / "out", 1, LIMITS, "all.zip"))
    refused = None if begins == 39 else "damaged_archive"
    assert [one.fault and one.fault.code for one in found] == [None, refused, None]


def test_a_disk_that_fills_up_while_it_is_unpacked_ends_it(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        opened(archive(("a.wav", b"RIFF")), tmp_path, replace(LIMITS, room=full))


def test_a_size_that_the_archive_lies_about_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(archive(("a.wav", bytes(5_000_000))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    (found,) = opened(bytes(data), tmp_path)
    assert found.fault is not None
    assert found.fault.code in ("damaged_archive", "payload_too_large")
    assert list(tmp_path.iterdir()) == []


def test_more_entries_than_a_batch_may_have_are_told(tmp_path: Path) -> None:
    limits = Limits(files=3, file=100, whole=1000)
    found = opened(archive(*((f"{number}.wav", b"RIFF") for number in range(5))), tmp_path, limits)
    assert [one.fault and one.fault.code for one in found] == [None, None, None, "too_many_files"]


def test_a_list_of_entries_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    data = bytearray(archive(("a.wav", b"RIFF")))
    at = data.rindex(b"PK\x05\x06") + 12
    data[at : at + 4] = struct.pack("<I", 50_000_000)
    (found,) = opened(bytes(data), tmp_path)
    assert found.fault is not None
    assert found.fault.code == "too_many_files"


def test_a_list_of_entries_is_not_read_either_where_a_second_end_in_the_first_hides_its_size(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    listed = entry * (MAX_BYTES // len(entry) + 1)
    first = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    # The numbers of disks spell the mark of an end; what follows there as its size is where the list begins.
    end = b"PK\x05\x06" + b"PK\x05\x06" + struct.pack("<2H2IH", 1, 1, len(listed), len(first), 0)
    (found,) = opened(first + listed + end, tmp_path)
    assert found.fault is not None
    assert found.fault.code == "too_many_files"


@pytest.mark.parametrize("damage", ["cut", "flipped", "no end", "method"])
def test_a_damaged_archive_is_refused_and_hurts_nothing(tmp_path: Path, damage: str) -> None:
    data = bytearray(archive(("a.wav", bytes(range(256)) * 40), ("b.wav", b"RIFF")))
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "no end":
        data = bytearray(b"PK\x03\x04" + bytes(100))
    elif damage == "method":
        data = bytearray(archive(("a.wav", b"x" * 100), compression=zipfile.ZIP_LZMA))
    else:
        data[45:55] = b"\xff" * 10
    found = opened(bytes(data), tmp_path)
    assert found[0].fault is not None
    assert found[0].fault.code in ("damaged_archive", "unsupported_compression")


def test_names_that_chinese_windows_wrote_are_read(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("x.wav")
    data = archive((entry, b"RIFF")).replace(b"x.wav", b"x.wav")
    name = "患.wav".encode("gb18030")
    raw = archive(("123456"[: len(name)], b"RIFF")).replace(b"123456"[: len(name)], name)
    (found,) = opened(raw, tmp_path)
    assert data
    assert found.name == "患.wav"


def test_what_a_mac_adds_is_left_out(tmp_path: Path) -> None:
    found = opened(archive(("__MACOSX/._a.wav", b"x"), (".DS_Store", b"x"), ("a.wav", b"RIFF")), tmp_path)
    assert [one.name for one in found] == ["a.wav"]


def test_an_archive_is_known_by_its_bytes() -> None:
    assert is_zip(archive())
    assert is_zip(archive(("a", b"b")))
    assert not is_zip(b"RIFF")
