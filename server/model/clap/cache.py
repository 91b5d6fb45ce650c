"""Where checkpoints lie, and how they are known to be whole. No torch here.

``<cache>/<owner>--<name>/<revision>/`` holds a checkpoint's files and ``manifest.json`` with the size and SHA-256 of
each. It is put together beside its place and renamed into it, so that what is there is complete.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.errors import SettingsError

MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
OLD_WEIGHTS = "pytorch_model.bin"
FILES = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    WEIGHTS,
)
"""What of a checkpoint is kept; of the processor's and the tokenizer's files it may lack some."""

CLAP_ID = "laion/clap-htsat-fused"
CLAP_REVISION = "cca9e288ab447cee67d9ada1f85ddb46500f1401"
"""The commit of the model repository that is pinned: names and meanings of files are those of this one."""

_BLOCK = 1 << 20

OnRead = Callable[[int], None]
"""Told how many bytes were read, again and again."""


def default_cache() -> Path:
    return Path.home() / ".cache" / "tingqing" / "models"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk. ``revision``: the commit it was pinned to, or what its content hashes to."""

    id: str
    revision: str
    folder: Path

    @property
    def name(self) -> str:
        """``<id>@<revision>``, as results name the model."""
        return f"{self.id}@{self.revision}"


class ModelCache:
    """The checkpoints under one folder. Reading never writes, and nothing here touches a network."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_cache()

    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint with a readable manifest, newest first; whether it is whole ``faults`` tells."""
        found = []
        for manifest in sorted(self.folder.glob(f"*/*/{MANIFEST}"), key=lambda path: -path.stat().st_mtime):
            content = _read_manifest(manifest)
            if content is not None:
                found.append(Checkpoint(str(content["id"]), str(content["revision"]), manifest.parent))
        return found

    def find(self, model_id: str) -> Checkpoint | None:
        """The newest checkpoint of that id; the pinned revision before others."""
        found = [checkpoint for checkpoint in self.checkpoints() if checkpoint.id == model_id]
        return next((one for one in found if one.revision == CLAP_REVISION), found[0] if found else None)

    def place(self, model_id: str, revision: str) -> Path:
        """Where a checkpoint belongs. Raises SettingsError for an id or revision that is no plain name."""
        parts = [*model_id.split("/"), revision]
        if not all(part and part.strip(".") and not set(part) & set("/\\:\0") for part in parts):
            raise SettingsError(f"{model_id}@{revision} is no name of a model.")
        return self.folder / model_id.replace("/", "--") / revision

    def arriving(self, model_id: str, revision: str) -> Path:
        """The folder where a download gathers; it outlives one that breaks off. Raises OSError."""
        place = self.place(model_id, revision)
        folder = place.with_name(f".download-{revision}")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def putting(self, model_id: str, revision: str) -> Iterator[Path]:
        """An empty folder to fill; what is in it when the block ends well becomes the checkpoint.

        Raises OSError where the disk refuses.
        """
        place = self.place(model_id, revision)
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".partial-") as parent:
            new = Path(parent) / "new"
            new.mkdir()
            yield new
            write_manifest(new, model_id, revision)
            if place.exists():
                place.rename(Path(parent) / "old")
            new.rename(place)

    def remove(self, checkpoint: Checkpoint) -> None:
        shutil.rmtree(checkpoint.folder)


def write_manifest(folder: Path, model_id: str, revision: str) -> None:
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.iterdir())
        if path.name in FILES
    }
    content = {"id": model_id, "revision": revision, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def faults(checkpoint: Checkpoint, on_read: OnRead | None = None) -> list[str]:
    """What of the checkpoint is not as its manifest has it; empty where all is well. Reads every byte."""
    content = _read_manifest(checkpoint.folder / MANIFEST)
    if content is None:
        return [f"{MANIFEST} cannot be read"]
    found = []
    for name, expected in content["files"].items():
        path = checkpoint.folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif path.stat().st_size != expected["bytes"]:
            found.append(f"{name} has {path.stat().st_size} bytes instead of {expected['bytes']}")
        elif sha256(path, on_read) != expected["sha256"]:
            found.append(f"{name} was changed: its SHA-256 is another")
    return found + missing_files(list(content["files"]))


def missing_files(names: Sequence[str]) -> list[str]:
    """What a folder with these files lacks to be a checkpoint."""
    needed = {"config.json": {"config.json"}, "the weights": {WEIGHTS}}
    needed["the tokenizer (tokenizer.json)"] = {"tokenizer.json", "vocab.json"}
    needed["the preprocessor"] = {"preprocessor_config.json", "processor_config.json"}
    return [f"{what} is missing" for what, files in needed.items() if not files & set(names)]


def sha256(path: Path, on_read: OnRead | None = None) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if on_read is not None:
                on_read(len(block))
    return digest.hexdigest()


def _read_manifest(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert isinstance(content["files"], dict)
        str(content["id"]), str(content["revision"])
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        return None
    return content if isinstance(content, dict) else None
