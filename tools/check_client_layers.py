"""Fails if an import of ``web_client`` points up, or to another folder of the same layer.

The folders are layers, ``LAYERS`` from the top. Folders of one line may not import each other. Checks what is loaded
(``import``, ``export … from``, ``import()``) and the types that comments name (``import('…').Name``).
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path("web_client")
EXAMPLES = "examples"
"""Pages of others: they import what they like, and nothing here may import them."""
ROOT_LAYER = "."
"""The modules outside the folders: ``index.js``, the exports for other pages."""
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({ROOT_LAYER, "pages"}),
    frozenset({"elements"}),
    frozenset({"client"}),
    frozenset({"drawing", "audio", "transport"}),
    frozenset({"clock", "language", "meter"}),
    frozenset({"protocol"}),
)
_IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])(?P<target>[^'"]+)\1""")


def layer_of(folder: str) -> int:
    """0 for the top. Raises ValueError for a folder that has no layer."""
    for height, names in enumerate(LAYERS):
        if folder in names:
            return height
    raise ValueError(f"{folder} has no layer in tools/check_client_layers.py")


def folder_of(path: Path, client: Path) -> str:
    """The folder of ``client`` that contains ``path``. Raises ValueError for a path outside it."""
    return path.relative_to(client).parts[0] if path.parent != client else ROOT_LAYER


def faults_of(module: Path, client: Path) -> Iterator[str]:
    """One sentence for each import of ``module`` that is not allowed."""
    own = folder_of(module, client)
    for found in _IMPORT.finditer(module.read_text(encoding="utf-8")):
        name = found["target"]
        target = (module.parent / name).resolve()
        if not name.startswith(".") or not target.is_relative_to(client):
            yield f"{name} lies outside {client.name}/"
        elif not target.is_file():
            yield f"{name} does not exist"
        elif (other := folder_of(target, client)) != own and layer_of(other) <= layer_of(own):
            yield f"{own} may not import {other} ({name})"


def main(folder: Path) -> int:
    """Print the faults and return the exit code. Raises ValueError for a folder that has no layer."""
    client = folder.resolve()
    modules = sorted(path for path in client.rglob("*.js") if folder_of(path, client) != EXAMPLES)
    faults = [f"{module.relative_to(client)}: {fault}" for module in modules for fault in faults_of(module, client)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults or not modules else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER))
