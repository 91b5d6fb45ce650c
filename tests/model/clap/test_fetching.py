"""Weights from a hub and from a folder, through the command that people type."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from server.errors import SettingsError
from server.model.clap.cache import CLAP_ID, CLAP_REVISION, ModelCache, faults
from server.model.clap.fetching import import_folder

COMMIT = "0123456789012345678901234567890123456789"


class FakeHub(ThreadingHTTPServer):
    """As much of the hub's HTTP API as a download asks for; the real one needs a network.

    ``sha256``: what it says of the weights, where that is not the truth.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        self.sha256: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        if self.path.startswith("/api/models/") and "/tree/" in self.path:
            entries = [{"type": "file", "path": n, "size": len(c), "oid": "1" * 40} for n, c in self._files()]
            self._send(json.dumps(entries).encode(), body, "application/json")
        elif self.path.startswith("/api/models/"):
            siblings = [self._sibling(n, c) for n, c in self._files()]
            about = {"id": CLAP_ID, "modelId": CLAP_ID, "sha": COMMIT, "siblings": siblings, "tags": []}
            self._send(json.dumps(about | {"private": False, "downloads": 0, "likes": 0}).encode(), body, "json")
        elif name in self.server.content:
            self._send(self.server.content[name], body, "application/octet-stream")
        else:
            self.send_error(404)

    def _files(self) -> list[tuple[str, bytes]]:
        return list(self.server.content.items())

    def _sibling(self, name: str, content: bytes) -> dict[str, object]:
        about: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": "1" * 40}
        if name.startswith(("model.", "pytorch_model.")):
            told = self.server.sha256 or hashlib.sha256(content).hexdigest()
            about["lfs"] = {"size": len(content), "sha256": told, "pointerSize": 134}
        return about

    def _send(self, content: bytes, body: bool, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[FakeHub]:
    server = FakeHub(checkpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


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


def test_download_keeps_what_the_mirror_has_and_verify_finds_it_whole(hub: FakeHub, tmp_path: Path) -> None:
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


def test_a_hub_that_cannot_be_reached_is_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    done = models(tmp_path, "download")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "HF_ENDPOINT" in done.stderr
    assert "models import" in done.stderr


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


def test_import_of_a_folder_without_a_tokenizer_says_what_is_missing(checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "some")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(SettingsError, match="tokenizer"):
        import_folder(ModelCache(tmp_path / "cache"), folder)


def test_the_pinned_revision_is_a_commit() -> None:
    assert len(CLAP_REVISION) == 40
    assert int(CLAP_REVISION, 16)
