"""References by file name."""

import pytest

from server.batches.batch import NewFile
from server.batches.manifest import Said, read_manifest, with_manifest
from server.errors import ConfigError

FILES = [
    NewFile("ward/a.wav", 1, "1"),
    NewFile("b.wav", 1, "2"),
    NewFile("x/c.wav", 1, "3"),
    NewFile("y/c.wav", 1, "4"),
]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbffile,reference\r\na.wav,case 1\r\nb.wav,\r\n",
        b'[{"file":"a.wav","reference":"case 1"},{"file":"b.wav"}]',
        b'{"a.wav":"case 1"}',
    ],
)
def test_csv_and_json_say_the_same(text: bytes) -> None:
    assert read_manifest(text)["a.wav"] == Said("case 1")


def test_a_spreadsheet_of_chinese_windows_is_read() -> None:
    assert read_manifest("file,reference\n咳嗽.wav,张三\n".encode("gb18030")) == {"咳嗽.wav": Said("张三")}


@pytest.mark.parametrize(
    "text",
    [
        b"name,reference\na,b\n",
        b"[1]",
        b'{"a":1}',
        b"{",
        b'[{"reference":"x"}]',
        b"file,reference,sex\na,b,c\n",
        b"file,attempt_of\na,b\n",
    ],
)
def test_what_is_no_manifest_is_refused_with_the_form(text: bytes) -> None:
    with pytest.raises(ConfigError) as raised:
        read_manifest(text)
    assert raised.value.param == "manifest"


def test_a_reference_that_is_too_long_is_refused() -> None:
    with pytest.raises(ConfigError, match="200"):
        read_manifest(b'{"a.wav":"' + b"x" * 201 + b'"}')


@pytest.mark.parametrize("data", [b"[" * 50_000, b'{"t.wav":"\\ud800"}', b'{"\\ud800":"1"}', b'{"t.wav":"a\\u0000b"}'])
def test_what_is_no_text_or_nested_too_deep_is_refused_with_words(data: bytes) -> None:
    with pytest.raises(ConfigError, match="manifest"):
        read_manifest(data)


def test_a_file_is_named_whole_or_by_its_last_part_if_only_one_has_it() -> None:
    said = {"a.wav": Said("1"), "x/c.wav": Said("3"), "c.wav": Said("?"), "d.wav": Said("4")}
    found, unmatched = with_manifest(FILES, said)
    assert [one.reference for one in found] == ["1", None, "3", None]
    assert unmatched == 2
