"""Weights from a hub and from a folder, through the command that people type."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from server.errors import SettingsError
from server.model.clap.cache import CLAP_ID, CLAP_REVISION, FILES, ModelCache, faults
from server.model.clap.fetching import import_folder
from server.model.clap.finding import find_checkpoint
from tests.model.clap.hub import COMMIT, FakeHub


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[FakeHub]:
    with FakeHub(checkpoint) as server:
        yield server


@pytest.fixture
def old_folder(checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint as it was saved before safetensors."""
    folder = shutil.copytree(checkpoint, tmp_path / "old")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def models(cache: Path, *arguments: str, endpoint: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TINGQING_MODEL_CACHE_DIR": str(cache), "HF_ENDPOINT": endpoint}
    environment |= {"HF_HOME": str(cache / "hf"), "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-m", "server", "models", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_download_from_a_mirror_is_stored_and_verifies_as_intact(hub: FakeHub, tmp_path: Path) -> None:
    done = models(tmp_path, "download", endpoint=hub.url)
    assert done.returncode == 0, done.stderr
    (checkpoint,) = ModelCache(tmp_path).checkpoints()
    assert checkpoint.name == f"{CLAP_ID}@{COMMIT}"
    assert not faults(checkpoint)
    assert (checkpoint.folder / "model.safetensors").read_bytes() == hub.content["model.safetensors"]
    assert models(tmp_path, "verify").returncode == 0
    assert checkpoint.name in models(tmp_path, "list").stdout


def test_weights_that_are_not_what_the_hub_says_are_not_kept(hub: FakeHub, tmp_path: Path) -> None:
    hub.sha256 = "0" * 64
    done = models(tmp_path, "download", endpoint=hub.url)
    assert done.returncode == 2
    assert "SHA-256" in done.stderr
    assert not ModelCache(tmp_path).checkpoints()


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: FakeHub, tmp_path: Path) -> None:
    # huggingface_hub writes 10 MiB at a time.
    hub.content["model.safetensors"] = os.urandom(25 << 20)
    hub.cut_after = 12 << 20
    broken = models(tmp_path, "download", endpoint=hub.url)
    assert broken.returncode == 2
    assert "run the command again" in broken.stderr
    assert "Traceback" not in broken.stderr
    assert not ModelCache(tmp_path).checkpoints()
    hub.cut_after = None
    hub.ranges.clear()
    again = models(tmp_path, "download", endpoint=hub.url)
    assert again.returncode == 0, again.stderr
    (checkpoint,) = ModelCache(tmp_path).checkpoints()
    assert (checkpoint.folder / "model.safetensors").read_bytes() == hub.content["model.safetensors"]
    assert any(first == 10 << 20 for first in hub.ranges)
    assert not list(checkpoint.folder.parent.glob(".*"))


def test_a_page_in_place_of_a_file_is_not_kept(hub: FakeHub, tmp_path: Path) -> None:
    """What the sign-in page of a hotel does to a download."""
    hub.instead["tokenizer.json"] = b"<html>Please sign in</html>"
    done = models(tmp_path, "download", endpoint=hub.url)
    assert done.returncode == 2
    assert "tokenizer.json" in done.stderr
    assert not ModelCache(tmp_path).checkpoints()


@pytest.mark.parametrize(
    ("status", "said"), [(404, "no model .*HF_ENDPOINT"), (401, "denied.*HF_TOKEN"), (403, "denied.*HF_TOKEN")]
)
def test_a_refusal_of_the_hub_is_one_sentence_with_a_way_out(
    hub: FakeHub, tmp_path: Path, status: int, said: str
) -> None:
    hub.status = status
    done = models(tmp_path, "download", endpoint=hub.url)
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_pinned_commit_is_asked_for_of_the_model_that_is_known_and_main_of_others(
    hub: FakeHub, tmp_path: Path
) -> None:
    models(tmp_path, "download", endpoint=hub.url)
    models(tmp_path, "download", "some/model", endpoint=hub.url)
    assert hub.asked == [CLAP_REVISION, "main"]


def test_a_hub_that_cannot_be_reached_is_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    done = models(tmp_path, "download")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "HF_ENDPOINT" in done.stderr
    assert "models import" in done.stderr


def test_two_commands_do_not_write_into_each_others_files(hub: FakeHub, checkpoint: Path, tmp_path: Path) -> None:
    with ModelCache(tmp_path).locked():
        for command in (("download",), ("import", str(checkpoint))):
            done = models(tmp_path, *command, endpoint=hub.url)
            assert (done.returncode, "Another command" in done.stderr) == (2, True), done.stderr
    assert not ModelCache(tmp_path).checkpoints()
    assert models(tmp_path, "import", str(checkpoint)).returncode == 0


def test_a_cache_that_cannot_be_written_is_named_and_not_the_folder_alone(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = models(tmp_path / "file" / "cache", "import", str(checkpoint))
    assert done.returncode == 2
    assert str(tmp_path / "file" / "cache") in done.stderr


def test_another_model_is_used_by_its_name(hub: FakeHub, tmp_path: Path) -> None:
    assert (
        "serve --clap somebody/clap will use" in models(tmp_path, "download", "somebody/clap", endpoint=hub.url).stderr
    )


def test_verify_fails_where_a_byte_was_changed(checkpoint: Path, tmp_path: Path) -> None:
    kept = import_folder(ModelCache(tmp_path), checkpoint)
    with (kept.folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    done = models(tmp_path, "verify")
    assert done.returncode == 1
    assert "was changed" in done.stdout


def test_an_empty_cache_is_said_with_the_command(tmp_path: Path) -> None:
    assert "tingqing models download" in models(tmp_path, "list").stderr
    assert models(tmp_path, "verify").returncode == 1


def test_import_turns_old_weights_into_safetensors(old_folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    kept = import_folder(ModelCache(tmp_path / "cache"), old_folder)
    assert not faults(kept)
    assert not (kept.folder / "pytorch_model.bin").exists()
    expected, got = load_file(checkpoint / "model.safetensors"), load_file(kept.folder / "model.safetensors")
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_import_runs_nothing_that_the_weights_bring_along(old_folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "was-here"),)

    torch.save({"weight": Evil()}, old_folder / "pytorch_model.bin")
    with pytest.raises(SettingsError, match="no plain weights"):
        import_folder(ModelCache(tmp_path / "cache"), old_folder)
    assert not (tmp_path / "was-here").exists()
    assert not ModelCache(tmp_path / "cache").checkpoints()


def test_a_folder_of_modelscope_is_imported_and_taken_by_auto(old_folder: Path, tmp_path: Path) -> None:
    """Its layout, with what only ModelScope puts there."""
    (old_folder / "configuration.json").write_text('{"framework": "pytorch"}')
    (old_folder / ".msc").write_bytes(b"\x80")
    (old_folder / "README.md").write_text("# CLAP")
    done = models(tmp_path / "cache", "import", str(old_folder))
    assert done.returncode == 0, done.stderr
    (kept,) = ModelCache(tmp_path / "cache").checkpoints()
    assert find_checkpoint("auto", ModelCache(tmp_path / "cache")) == kept
    assert {path.name for path in kept.folder.iterdir()} <= {*FILES, "manifest.json"}


def test_weights_downloaded_elsewhere_are_carried_over_as_the_document_says(hub: FakeHub, tmp_path: Path) -> None:
    """docs/clap.md, "On a machine without a network, step by step"."""
    assert (
        models(tmp_path / "n", "download", "--model-cache-dir", str(tmp_path / "clap"), endpoint=hub.url).returncode
        == 0
    )
    carried = shutil.copytree(tmp_path / "clap" / "laion--clap-htsat-fused" / COMMIT, tmp_path / "usb")
    shutil.rmtree(tmp_path / "clap")
    assert models(tmp_path / "there", "import", str(carried)).returncode == 0
    verified = models(tmp_path / "there", "verify")
    assert verified.returncode == 0
    assert verified.stdout.strip().endswith("intact")
    found = find_checkpoint("auto", ModelCache(tmp_path / "there"))
    assert found is not None
    assert found.name in models(tmp_path / "there", "list").stdout


def test_another_model_is_not_imported(checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "some")
    config = (folder / "config.json").read_text().replace('"clap"', '"bert"')
    (folder / "config.json").write_text(config)
    with pytest.raises(SettingsError, match="another model"):
        import_folder(ModelCache(tmp_path / "cache"), folder)
    assert not ModelCache(tmp_path / "cache").checkpoints()


def test_import_of_a_folder_without_a_tokenizer_says_what_is_missing(checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "some")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(SettingsError, match="tokenizer"):
        import_folder(ModelCache(tmp_path / "cache"), folder)


def test_the_pinned_revision_is_a_commit() -> None:
    assert len(CLAP_REVISION) == 40
    assert int(CLAP_REVISION, 16)
