"""Stores checkpoints and verifies that they are intact. No torch here.

``<cache>/<owner>--<name>/<revision>/`` holds a checkpoint's files and ``manifest.json`` with the size and SHA-256 of
each. A checkpoint is built in a temporary folder and then renamed, so that a folder in its place is complete.
"""

import fcntl
import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.errors import SettingsError

MANIFEST = "manifest.json"
LOCK = ".lock"
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
"""The files of a checkpoint that are kept; some of the processor's and the tokenizer's files are optional."""

CLAP_ID = "laion/clap-htsat-fused"
CLAP_REVISION = "cca9e288ab447cee67d9ada1f85ddb46500f1401"
"""The pinned commit of the model repository; the names and meanings of files are those of this commit."""

_BLOCK = 1 << 20

log = logging.getLogger(__name__)

OnRead = Callable[[int], None]
"""Called repeatedly with the number of bytes read."""


def default_cache() -> Path:
    """Where checkpoints are kept if the settings do not name another folder; it need not exist."""
    return Path.home() / ".cache" / "tingqing" / "models"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk. ``revision``: its commit, or a hash of its content."""

    id: str
    revision: str
    folder: Path

    @property
    def name(self) -> str:
        """``<id>@<revision>``, the model's name in results."""
        return f"{self.id}@{self.revision}"


class ModelCache:
    """The checkpoints in one folder. Reading never writes, and nothing here uses the network."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_cache()

    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint with a readable manifest, newest first; ``faults`` tells whether it is intact."""
        found = []
        for manifest in sorted(self.folder.glob(f"*/*/{MANIFEST}"), key=lambda path: -path.stat().st_mtime):
            content = _read_manifest(manifest)
            if content is not None:
                found.append(Checkpoint(str(content["id"]), str(content["revision"]), manifest.parent))
        return found

    def find(self, model_id: str) -> Checkpoint | None:
        """The checkpoint of that id: the pinned revision if there, else the newest."""
        found = [checkpoint for checkpoint in self.checkpoints() if checkpoint.id == model_id]
        return next((one for one in found if one.revision == CLAP_REVISION), found[0] if found else None)

    def place(self, model_id: str, revision: str) -> Path:
        """The folder of a checkpoint. Raises SettingsError for an invalid id or revision."""
        parts = [*model_id.split("/"), revision]
        if not all(part and part.strip(".") and not set(part) & set("/\\:\0") for part in parts):
            raise SettingsError(f"{model_id}@{revision} is not a valid model name. Use OWNER/NAME.")
        return self.folder / model_id.replace("/", "--") / revision

    def arriving(self, model_id: str, revision: str) -> Path:
        """The folder for a download in progress; it is kept if the download is interrupted. Raises OSError."""
        place = self.place(model_id, revision)
        folder = place.with_name(f".download-{revision}")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the cache against other processes. Raises SettingsError if another process holds the lock, OSError.

        The system releases the lock when the process ends, however it ends.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SettingsError(
                    f"Another command is writing a model to {self.folder}. Try again when it has finished."
                ) from None
            except OSError:
                log.debug("this file system has no locks: %s", self.folder)
            yield

    @contextmanager
    def putting(self, model_id: str, revision: str) -> Iterator[Path]:
        """An empty folder to fill; if the block succeeds, its content becomes the checkpoint.

        Raises OSError if the disk refuses.
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
        """Delete its files; a server that has loaded it already is not disturbed."""
        shutil.rmtree(checkpoint.folder)


def write_manifest(folder: Path, model_id: str, revision: str) -> None:
    """Write the size and SHA-256 of every file of a checkpoint into its folder, to be checked at each start."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.iterdir())
        if path.name in FILES
    }
    content = {"id": model_id, "revision": revision, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def faults(checkpoint: Checkpoint, on_read: OnRead | None = None) -> list[str]:
    """How the checkpoint differs from its manifest; empty if it is intact. Reads every byte."""
    content = _read_manifest(checkpoint.folder / MANIFEST)
    if content is None:
        return [f"{MANIFEST} cannot be read"]
    found = []
    for name, expected in content["files"].items():
        try:
            fault = _fault_of(checkpoint.folder / name, expected, on_read)
        except OSError as error:
            fault = f"{name} cannot be read: {error.strerror or error}"
        if fault is not None:
            found.append(fault)
    return found + missing_files(list(content["files"]))


def _fault_of(path: Path, expected: Mapping[str, Any], on_read: OnRead | None) -> str | None:
    if not path.is_file():
        return f"{path.name} is missing"
    if path.stat().st_size != expected["bytes"]:
        return f"{path.name} has {path.stat().st_size} bytes instead of {expected['bytes']}"
    return None if sha256(path, on_read) == expected["sha256"] else f"{path.name} was changed: its SHA-256 differs"


def missing_files(names: Sequence[str]) -> list[str]:
    """What a folder with these files needs to be a checkpoint."""
    needed = {"config.json": {"config.json"}, "the weights": {WEIGHTS}}
    needed["the tokenizer (tokenizer.json)"] = {"tokenizer.json", "vocab.json"}
    needed["the preprocessor"] = {"preprocessor_config.json", "processor_config.json"}
    return [f"{what} is missing" for what, files in needed.items() if not files & set(names)]


def sha256(path: Path, on_read: OnRead | None = None) -> str:
    """Hex digest of a file, read in blocks; ``on_read`` is told the bytes of each."""
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
        files = {
            str(name): {"bytes": int(file["bytes"]), "sha256": str(file["sha256"])}
            for name, file in content["files"].items()
        }
        return {"id": str(content["id"]), "revision": str(content["revision"]), "files": files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
