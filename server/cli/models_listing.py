"""``tingqing models list``: every model with its state, licence, source, size and hash, and what it adds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from server.cli.console import indented_json, write_line
from server.rendering.words import Words
from server.values.models import ModelState, OptionalModel
from server.values.text import Text

if TYPE_CHECKING:
    from server.model.clap.cache import ModelCache
    from server.model.small.catalogue import SmallModel
    from server.model.small.store import SmallModels

STATES = {
    ModelState.THERE: Words("已就绪", "there"),
    ModelState.ABSENT: Words("没有", "absent"),
    ModelState.DAMAGED: Words("已损坏", "damaged"),
    ModelState.FAILED: Words("加载失败", "failed to load"),
}
UNUSED = Words("这个版本还不用它", "not used by this version yet")

CLAP_PURPOSE = Text("说出噪声的名称，评自拟标签", "names noises, and scores labels in your own words")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. ``bytes``: of the model's files, ``None`` if the hub alone knows. ``sha256``: ``None`` if a manifest has
    those of several files."""

    id: str
    state: ModelState
    purpose: Text
    licence: str
    source: str
    bytes: int | None
    sha256: str | None
    path: str | None
    used: bool


def entries(store: "SmallModels", cache: "ModelCache") -> list[Entry]:
    """The small models in the catalogue's order, then CLAP: the pinned checkpoint, and any others in the cache."""
    return [*(_of_small(store, model) for model in store.models), *_of_clap(cache)]


def print_json(found: Sequence[Entry]) -> None:
    """One object, for programs."""
    write_line(indented_json({"models": [asdict(entry) for entry in found]}))


def print_text(found: Sequence[Entry], language: str) -> None:
    """A paragraph for each model."""
    width = max(len(entry.id) for entry in found)
    for entry in found:
        size = "0.6 GB" if entry.bytes is None else f"{entry.bytes / 1e6:.1f} MB"
        told = [STATES[entry.state](language), size, entry.licence]
        if not entry.used:
            told.append(UNUSED(language))
        print(f"{entry.id:<{width}}  {' · '.join(told)}")
        print(f"    {entry.purpose.in_language(language)}")
        print(f"    {entry.source}")
        if entry.sha256 is not None:
            print(f"    SHA-256 {entry.sha256}")
        if entry.path is not None and entry.state is not ModelState.ABSENT:
            print(f"    {entry.path}")


def start_lines(models: Sequence[OptionalModel]) -> list[str]:
    """For the first screen of a server: which small models there are, and what it lacks without those it would use."""
    from server.model.small.store import get

    if not models:
        return []
    states = ", ".join(f"{one.id} {one.state}{'' if one.used else ' (not used)'}" for one in models)
    missed = [one for one in models if one.missed]
    lines = [f"  Small models    {states}"]
    lines += [f"                  Without {one.id}: {one.without.en}" for one in missed]
    wanted = [one for one in missed if one.state is not ModelState.FAILED]
    if fetched := " ".join(one.id for one in wanted if one.fetched):
        lines.append(f"                  To get them: {get(fetched)}")
    lines += [f"                  To get {one.id}: {get(one.id)}" for one in wanted if not one.fetched]
    return lines


def _of_small(store: "SmallModels", model: "SmallModel") -> Entry:
    place = store.place(model)
    return Entry(
        id=model.id,
        state=store.state(model),
        purpose=model.purpose,
        licence=model.licence,
        source=f"{model.source.package}: {_inside(model)}",
        bytes=model.bytes,
        sha256=model.sha256,
        path=None if place is None else str(place),
        used=model.used,
    )


def _inside(model: "SmallModel") -> str:
    from server.model.small.catalogue import InRepository

    return model.file_name if isinstance(model.source, InRepository) else model.source.member


def _of_clap(cache: "ModelCache") -> list[Entry]:
    from server.model.clap.cache import CLAP_ID, CLAP_REVISION

    found = [
        _clap_entry(one.name, one.id, ModelState.THERE, _size(one.folder), str(one.folder))
        for one in cache.checkpoints()
    ]
    if not any(one.id == CLAP_ID for one in cache.checkpoints()):
        found.insert(0, _clap_entry(f"{CLAP_ID}@{CLAP_REVISION}", CLAP_ID, ModelState.ABSENT, None, None))
    return found


def _clap_entry(name: str, model_id: str, state: ModelState, size: int | None, path: str | None) -> Entry:
    from server.model.clap.cache import CLAP_ID

    licence = "Apache-2.0" if model_id == CLAP_ID else "unknown licence"
    return Entry(name, state, CLAP_PURPOSE, licence, f"hub (HF_ENDPOINT): {model_id}", size, None, path, used=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
