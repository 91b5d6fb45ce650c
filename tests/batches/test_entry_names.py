"""How the names in archives are read, whatever packer wrote them, and that one of them costs no other."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.batches.batch import NewFile
from server.batches.entry_names import UTF8, decoded, without_path
from server.batches.transcripts import transcripts_in
from server.batches.zips import BLOCK, Limits, unpacked
from tests.archives import Entry, packed_bytes, unicode_path

LIMITS = Limits(files=100, file=2_000_000, whole=4_000_000)
SOUND = b"RIFF"
ZHANG = "门诊/张三.wav"
ZHANG_GBK = ZHANG.encode("gbk")
DAMAGED = "患者李四.wav".encode()[:-5] + b".wav"
"""UTF-8 that was cut in the middle of a character."""


def opened(folder: Path, *entries: Entry) -> list[NewFile]:
    return list(unpacked(io.BytesIO(packed_bytes(*entries)), folder, 1, LIMITS, "all.zip"))


def codes(found: list[NewFile]) -> list[tuple[str, str | None]]:
    return [(one.name, None if one.fault is None else one.fault.code) for one in found]


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (Entry(ZHANG.encode(), marked=True), ZHANG),
        (Entry(ZHANG.encode()), ZHANG),
        (Entry(ZHANG_GBK), ZHANG),
        (Entry(ZHANG_GBK, marked=True), ZHANG),
        (Entry("𠮷野.wav".encode("gb18030")), "𠮷野.wav"),
        (Entry("é.wav".encode("cp437")), "é.wav"),
        (Entry(b"a?.wav", extra=unicode_path(ZHANG.encode(), b"a?.wav")), ZHANG),
        (Entry(ZHANG_GBK, extra=b"\x01\x99\x02\x00ab" + unicode_path("赵.wav".encode(), ZHANG_GBK)), "赵.wav"),
        (Entry(ZHANG_GBK, marked=True, extra=unicode_path("赵.wav".encode(), ZHANG_GBK)), "赵.wav"),
        (Entry(ZHANG.encode(), marked=True, extra=unicode_path(b"b.wav", ZHANG.encode())), ZHANG),
    ],
    ids=lambda one: "" if isinstance(one, str) else repr(one.name),
)
def test_a_name_is_read_as_what_it_is_whatever_it_is_said_to_be(tmp_path: Path, entry: Entry, name: str) -> None:
    assert codes(opened(tmp_path, entry, Entry(b"b.wav"))) == [(name, None), ("b.wav", None)]


@pytest.mark.parametrize(
    "extra",
    [
        unicode_path(b"b.wav", b"another name"),
        unicode_path(b"b.wav", ZHANG_GBK, version=2),
        unicode_path(b"\xff.wav", ZHANG_GBK),
        unicode_path(b"", ZHANG_GBK),
        b"\x75\x70\x02\x00\x01\x00",
    ],
    ids=["of another name", "of another version", "not UTF-8", "empty", "too short"],
)
def test_a_second_name_that_does_not_count_leaves_the_first(tmp_path: Path, extra: bytes) -> None:
    assert codes(opened(tmp_path, Entry(ZHANG_GBK, extra=extra))) == [(ZHANG, None)]


def test_a_newer_library_is_not_shown_the_second_name() -> None:
    other = b"\x01\x99\x02\x00ab"
    blank = without_path(other + unicode_path(b"\xff", b"x") + other)
    assert b"\x75\x70" not in blank
    assert blank.startswith(other)
    assert blank.endswith(other)
    assert len(blank) == len(other + unicode_path(b"\xff", b"x") + other)


@pytest.mark.parametrize("raw", [DAMAGED, b"\xff\xfe.wav", "病人".encode() + b"\xe5\x90.wav", b"\xc4.wav", b""])
def test_a_name_that_fits_nothing_is_refused_alone_in_both_languages(tmp_path: Path, raw: bytes) -> None:
    found = opened(tmp_path, Entry(b"a.wav"), Entry(raw, marked=True), Entry(ZHANG_GBK))
    assert [one.fault and one.fault.code for one in found] == [None, "bad_name", None]
    assert (found[0].name, found[2].name) == ("a.wav", ZHANG)
    refused = found[1]
    assert refused.fault is not None
    assert "GBK" in refused.fault.en
    assert "文件名" in refused.fault.zh
    assert "\ufffd" in refused.name
    assert refused.name.encode()  # no half of a character
    assert {path.name for path in tmp_path.iterdir()} == {"1", "3"}


@pytest.mark.parametrize(
    "raw",
    [
        "../张三.wav".encode("gbk"),
        "张三/../../x.wav".encode("gbk"),
        "..\\张三.wav".encode("gbk"),
        "/张三.wav".encode("gbk"),
        "\\\\主机\\x.wav".encode("gbk"),
        "C:\\张三.wav".encode("gbk"),
        "张三\0.wav".encode("gbk"),
        b"a.wav\0",
        b"\0.wav",
    ],
)
@pytest.mark.parametrize("marked", [False, True])
def test_a_name_that_leads_out_is_refused_in_every_encoding(tmp_path: Path, raw: bytes, marked: bool) -> None:
    (found,) = opened(tmp_path, Entry(raw, marked=marked))
    assert found.fault is not None
    assert found.fault.code == "bad_path"
    assert "\0" not in found.name  # a database does not take it
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("second", [b"../x.wav", b"/x.wav", b"C:x.wav", b"a\0.wav", b"..\\x.wav"])
def test_a_second_name_that_leads_out_is_refused_too(tmp_path: Path, second: bytes) -> None:
    (found,) = opened(tmp_path, Entry(b"a.wav", extra=unicode_path(second, b"a.wav")))
    assert found.fault is not None
    assert found.fault.code == "bad_path"


@pytest.mark.parametrize(
    "other",
    [
        Entry(ZHANG.encode(), marked=True),
        Entry(ZHANG.encode()),
        Entry(ZHANG_GBK),
        Entry("门诊\\张三.wav".encode("gbk")),
        Entry(b"b.wav", extra=unicode_path(ZHANG.encode(), b"b.wav")),
    ],
)
def test_names_that_become_the_same_are_refused_from_the_second_on(tmp_path: Path, other: Entry) -> None:
    first, second, last = opened(tmp_path, Entry(ZHANG_GBK), other, Entry(b"c.wav"))
    assert (first.name, first.fault) == (ZHANG, None)
    assert second.fault is not None
    assert second.fault.code == "same_name"
    assert last.fault is None
    assert {path.name for path in tmp_path.iterdir()} == {"1", "3"}


@pytest.mark.parametrize("recording", [Entry(ZHANG_GBK), Entry(ZHANG_GBK, marked=True), Entry(ZHANG.encode())])
@pytest.mark.parametrize("ending", [".jsonl", ".wav.jsonl"])
def test_a_transcript_finds_its_recording_by_the_name_as_read(tmp_path: Path, recording: Entry, ending: str) -> None:
    name = f"{ZHANG.removesuffix('.wav')}{ending}"
    for said in (Entry(name.encode("gbk")), Entry(name.encode(), marked=True)):
        found = list(unpacked(io.BytesIO(packed_bytes(said, recording)), tmp_path, 1, LIMITS, "all.zip"))
        left, beside = transcripts_in(found)
        assert codes(left) == [(ZHANG, None)]
        assert beside == {"2": "1"}
        for path in tmp_path.iterdir():
            path.unlink()


def test_a_long_name_is_cut_visibly_and_gets_nobody_elses_transcript(tmp_path: Path) -> None:
    short = f"{'b' * 190}.wav"
    said = Entry(f"another/{short}.jsonl".encode())
    left, beside = transcripts_in(opened(tmp_path, Entry(short.encode()), said))
    assert [one.fault and one.fault.code for one in left] == [None, "no_recording"]
    assert beside == {}
    assert len(left[1].name) == 200
    assert left[1].name.startswith("…")
    assert left[1].name.endswith("b.wav.jsonl")


@pytest.mark.parametrize("ending", [".webm", ".aiffxx"])
def test_of_a_name_that_was_cut_no_transcript_is_known(tmp_path: Path, ending: str) -> None:
    recording, said = Entry(f"1/{'b' * 300}{ending}".encode()), Entry(f"2/{'b' * 300}.jsonl".encode())
    left, beside = transcripts_in(opened(tmp_path, recording, said))
    assert [one.fault and one.fault.code for one in left] == [None, "no_recording"]
    assert beside == {}


def test_names_that_are_the_same_once_cut_are_refused_from_the_second_on(tmp_path: Path) -> None:
    last = f"/{'x' * 195}.wav"
    found = opened(tmp_path, *(Entry(f"{ward}{last}".encode()) for ward in ("ward 1", "ward 2")))
    assert [one.fault and one.fault.code for one in found] == [None, "same_name"]
    assert found[0].name == f"…{last[-199:]}"


def test_what_a_mac_adds_and_folders_are_left_out_in_every_encoding(tmp_path: Path) -> None:
    litter = Entry("__MACOSX/._张三.wav".encode("gbk"))
    assert opened(tmp_path, litter, Entry("门诊/".encode("gbk"), b""), Entry(b"\xff/", b"", marked=True)) == []


def test_a_recording_that_begins_as_a_list_of_entries_comes_out_as_it_is(tmp_path: Path) -> None:
    whole = packed_bytes(Entry(ZHANG.encode(), marked=True))
    listed = whole[whole.index(b"PK\x01\x02") :]
    header = bytes(BLOCK) + whole[:30]  # it is read by itself, as that of an entry is
    assert codes(opened(tmp_path, Entry(b"a.wav", listed), Entry(b"b.wav", header))) == [
        ("a.wav", None),
        ("b.wav", None),
    ]
    assert (tmp_path / "1").read_bytes() == listed
    assert (tmp_path / "2").read_bytes() == header


@given(st.lists(st.tuples(st.binary(max_size=24), st.booleans(), st.binary(max_size=12)), max_size=4))
def test_no_name_costs_another_recording_or_writes_elsewhere(
    tmp_path_factory: pytest.TempPathFactory, rest: list[tuple[bytes, bool, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("x")
    entries = [Entry(name, SOUND, marked) for name, marked, _ in rest]
    second = [Entry(b"%d" % at, SOUND, extra=unicode_path(text, b"%d" % at)) for at, (_, _, text) in enumerate(rest)]
    found = opened(folder, Entry("患者.wav".encode("gbk")), *entries, *second)
    assert codes(found)[0] == ("患者.wav", None)
    assert {path.name for path in folder.iterdir()} == {one.path for one in found if one.path is not None}
    names = [one.name for one in found if one.fault is None]
    assert len(names) == len(set(names))
    for name in (one.name for one in found):
        assert name.encode()
        assert "\0" not in name


@given(st.binary(max_size=30), st.binary(max_size=20))
def test_what_says_nothing_of_its_encoding_is_always_read(raw: bytes, extra: bytes) -> None:
    assert decoded(raw, 0, extra) is not None


@given(st.text(max_size=30))
def test_what_is_utf8_as_it_says_is_read_as_such(text: str) -> None:
    assert decoded(text.encode(errors="replace"), UTF8, b"") == text.encode(errors="replace").decode()


def test_what_an_ordinary_packer_writes_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    written = io.BytesIO()
    names = [ZHANG, "ward/b.wav", "ü.wav"]
    with zipfile.ZipFile(written, "w") as archive:
        for name in names:
            archive.writestr(name, SOUND)
    written.seek(0)
    assert [one.name for one in unpacked(written, tmp_path, 1, LIMITS, "all.zip")] == names
