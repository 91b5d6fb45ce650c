"""What is made of a model before it is loaded, such as a graph that takes many frames at a time."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server.errors import ModelFileError
from server.model.small.catalogue import SmallModel, model_of
from server.model.small.keeping import arriving
from server.model.small.store import SmallModels


@dataclass(frozen=True, slots=True)
class Derivation:
    """``convert``: from the model's bytes to those that are loaded; takes what it takes, once per cache.

    ``name``: of what is made, lower-case letters, digits and hyphens. It changes with every change of ``convert``: what
    was kept under another name is not used.
    """

    name: str
    convert: Callable[[bytes], bytes]

    def __post_init__(self) -> None:
        assert self.name.replace("-", "").isalnum(), self.name
        assert self.name == self.name.lower()


def derive(store: SmallModels, model_id: str, step: Derivation) -> bytes | None:
    """What ``step`` makes of an intact model; ``None`` if the model is absent or damaged.

    It is kept beside the original as ``<original>-<step>-<SHA-256 of what was made>``: the name carries both hashes, so
    a damaged one, or one of another original, is made again. Where the cache cannot be written it is made each time.
    Raises what ``convert`` raises; SettingsError for an unknown id.
    """
    original = store.find(model_id)
    if original is None:
        return None
    model = model_of(model_id, store.models)
    kept = f"{model.id}-{model.sha256[:16]}-{step.name}-"
    for path in _found(original.parent, kept):
        with suppress(OSError):
            content = path.read_bytes()
            if path.stem == f"{kept}{hashlib.sha256(content).hexdigest()}":
                return content
            path.unlink()
    made = step.convert(original.read_bytes())
    with suppress(ModelFileError, OSError):
        _keep(store, f"{kept}{hashlib.sha256(made).hexdigest()}{original.suffix}", made)
    return made


def forget_derived(store: SmallModels, model: SmallModel) -> None:
    """Remove whatever was made of a model, by any step: it is made again when it is next opened.

    The original is compared with a pinned hash; what is made of it only with its own name, which whoever can write to
    the cache can choose. Raises OSError where the cache cannot be written.
    """
    if not store.folder.is_dir():
        return
    for path in sorted(store.folder.iterdir()):
        if re.fullmatch(re.escape(f"{model.id}-{model.sha256[:16]}-") + "[a-z0-9-]+-[0-9a-f]{64}", path.stem):
            path.unlink(missing_ok=True)


def _found(folder: Path, kept: str) -> Iterator[Path]:
    name = re.compile(re.escape(kept) + "[0-9a-f]{64}")
    return (path for path in sorted(folder.iterdir()) if name.fullmatch(path.stem))


def _keep(store: SmallModels, name: str, content: bytes) -> None:
    with arriving(store) as folder:
        new = folder / name
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(store.folder / name)
