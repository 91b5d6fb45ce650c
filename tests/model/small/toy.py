"""Small models of a package that exists only here, and an index of files that serves it to a real pip."""

import hashlib
import os
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from server.model.small.catalogue import InWheel, Package, SmallModel
from server.model.small.importing import import_small
from server.model.small.store import SmallModels
from server.values.text import Text

PACKAGE = Package("tingqing-toy-weights", "1.2.3")
CONTENT = {
    "toy_weights/first.onnx": random.Random(1).randbytes(50_000),
    "toy_weights/second.pt": random.Random(2).randbytes(70_000),
}


def _toy(model_id: str, member: str) -> SmallModel:
    content = CONTENT[member]
    return SmallModel(
        id=model_id,
        purpose=Text("试一试", "to try with"),
        without=Text("听得少一些。", f"Less is heard without {model_id}."),
        licence="MIT",
        source=InWheel(PACKAGE, member, 130_000),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        used=True,
        small=True,
    )


FIRST = _toy("first", "toy_weights/first.onnx")
SECOND = replace(_toy("second", "toy_weights/second.pt"), used=False, small=False)
TOYS = (FIRST, SECOND)


def write_wheel(
    folder: Path, content: dict[str, bytes] = CONTENT, package: Package = PACKAGE, tag: str = "py3-none-any"
) -> Path:
    """A wheel that pip accepts. It requires a package that no index has: nobody may look for it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = package.name.replace("-", "_")
    info = f"{name}-{package.version}.dist-info"
    wheel = folder / f"{name}-{package.version}-{tag}.whl"
    metadata = (
        f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.version}\nRequires-Dist: no-such-package\n"
    )
    files = {
        **content,
        f"{info}/METADATA": f"{metadata}Requires-Python: >=3.10,<3.13\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{one},,\n" for one in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(member, data)
    return wheel


def only_this_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """pip knows no index but ``url``, whatever this machine's configuration says."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_INDEX_URL", url)


def bring(store: SmallModels, wheel: Path) -> Path:
    """The first toy, put into the cache without pip."""
    import_small(store, wheel)
    found = store.find("first")
    assert found is not None
    return found


def write_index(folder: Path, *wheels: Path) -> str:
    """The URL of an index (PEP 503) of files that has these wheels."""
    for wheel in wheels:
        project = folder / "simple" / wheel.name.split("-")[0].replace("_", "-")
        project.mkdir(parents=True, exist_ok=True)
        (project / wheel.name).write_bytes(wheel.read_bytes())
        links = "".join(f'<a href="{one.name}">{one.name}</a>' for one in sorted(project.glob("*.whl")))
        (project / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>", encoding="utf-8")
    return f"file://{folder / 'simple'}"
