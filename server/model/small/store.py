"""Where the files of the small models are, and whether they are intact. Nothing here writes or uses a network."""

import logging
import os
import threading
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from server.model.clap.cache import default_cache, sha256
from server.model.small.catalogue import MODELS, CarriedOver, InDependency, InRepository, SmallModel, model_of, optional
from server.values.models import ModelState, OptionalModel
from server.values.text import Text

log = logging.getLogger(__name__)

FOLDER = "small"
"""Beside the checkpoints of CLAP, in the same cache."""

ABSENT = Text("没有", "absent")

_Identity = tuple[int, int, int, int]
"""Device, inode, modification time in ns, size: a file with the same is the file that was checked."""


class SmallModels:
    """The small models of one model cache; one per process, for any number of threads.

    A file is ``<cache>/small/<id>-<first 16 digits of its SHA-256><suffix>``: a new pin never meets an old file.
    """

    def __init__(self, cache: Path | None = None, models: tuple[SmallModel, ...] = MODELS) -> None:
        """``cache``: the folder of downloaded models, by default that of the user; it need not exist."""
        self.cache = cache or default_cache()
        self.folder = self.cache / FOLDER
        self.models = models
        self._failed: set[str] = set()
        self._checked: dict[Path, tuple[_Identity, bool]] = {}
        self._lock = threading.Lock()

    def place(self, model: SmallModel) -> Path | None:
        """Where its file is, or would be kept; ``None`` if the package that should hold it is not installed."""
        if isinstance(model.source, InRepository):
            return model.source.path
        if isinstance(model.source, InDependency):
            return _in_installed(model.source)
        return self.folder / f"{model.id}-{model.sha256[:16]}{Path(model.file_name).suffix}"

    def find(self, model_id: str) -> Path | None:
        """The model's file if it is there and intact, byte for byte; a damaged one is logged and not used.

        Reads the file once: as long as it is not replaced or written to, the next call only looks at its inode and
        time. Raises SettingsError for an id that is not in the catalogue.
        """
        model = model_of(model_id, self.models)
        path = self.place(model)
        return path if path is not None and self._state(model, path) is ModelState.THERE else None

    def state(self, model: SmallModel) -> ModelState:
        """As ``find``, for display."""
        path = self.place(model)
        return ModelState.ABSENT if path is None else self._state(model, path)

    def failed(self, *model_ids: str) -> None:
        """These could not be loaded, though they may be intact: ``optional`` says so from now on."""
        self._failed.update(model_ids)

    def optional(self) -> tuple[OptionalModel, ...]:
        """The state of every model that may be absent; what is missed is logged. Call it once they are loaded."""
        found = tuple(
            OptionalModel(one.id, self._as_loaded(one), one.used, one.without, fetched=one.downloadable)
            for one in optional(self.models)
        )
        for model in found:
            if model.missed and model.state is ModelState.ABSENT:
                log.info("model %s is absent: %s To get it: %s", model.id, model.without.en, get(model.id))
        return found

    def _as_loaded(self, model: SmallModel) -> ModelState:
        state = self.state(model)
        return ModelState.FAILED if state is ModelState.THERE and model.id in self._failed else state

    def fault(self, model: SmallModel) -> Text | None:
        """How the file differs from the catalogue, read again from its first to its last byte; ``None`` if intact."""
        path = self.place(model)
        if path is None or not path.is_file():
            return ABSENT
        return _fault(model, path)

    def _state(self, model: SmallModel, path: Path) -> ModelState:
        try:
            identity = _identity(path)
        except OSError:
            return ModelState.ABSENT
        with self._lock:
            known = self._checked.get(path)
            if known is None or known[0] != identity:
                fault = _fault(model, path)
                known = (identity, fault is None)
                self._checked[path] = known
                if fault is not None:
                    log.warning("model %s is not used: %s. To replace it: %s", model.id, fault.en, get(model.id))
        return ModelState.THERE if known[1] else ModelState.DAMAGED


def get(model_id: str, models: tuple[SmallModel, ...] = MODELS) -> str:
    """The command that fetches a model, or replaces a damaged file; of one that is carried over, where it is found."""
    source = next((model.source for model in models if model.id == model_id), None)
    if isinstance(source, CarriedOver):
        return f"fetch {source.address}, then: tingqing models import {source.member}"
    return f"tingqing models download {model_id}"


def _fault(model: SmallModel, path: Path) -> Text | None:
    try:
        size = path.stat().st_size
        if size != model.bytes:
            return Text(
                f"{path} 有 {size} 字节，应为 {model.bytes} 字节", f"{path} has {size} bytes instead of {model.bytes}"
            )
        if sha256(path) == model.sha256:
            return None
        return Text(f"{path} 被改动过：SHA-256 不符", f"{path} was changed: its SHA-256 differs")
    except OSError as error:
        why = error.strerror or error
        return Text(f"{path} 无法读取：{why}", f"{path} cannot be read: {why}")


def _identity(path: Path) -> _Identity:
    """Raises OSError if there is no such file."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _in_installed(source: InDependency) -> Path | None:
    try:
        listed = files(source.package.name) or ()
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in listed if file.as_posix() == source.member), None)
