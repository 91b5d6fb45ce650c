"""Tests, benchmarks and training do not import each other: what two of them need is in ``tools/``."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = {"tests": ("bench", "training"), "bench": ("tests",), "training": ("tests", "bench"), "tools": ("tests", "bench")}
"""Each folder, and those that it must not import from."""
LOADERS = {"import_module", "spec_from_file_location"}


def modules_of(folder: str) -> set[str]:
    """The names under which a folder's modules can be imported: scripts see their neighbours by their bare names."""
    return {folder, *(path.stem for path in (ROOT / folder).glob("*.py") if path.stem != "conftest")}


def imported(source: str) -> set[str]:
    """The first parts of the modules that a source imports, and of files that it loads by path."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LOADERS:
            strings = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            names |= {text.partition(".")[0] for text in strings if isinstance(text, str)}
    return names


@pytest.mark.parametrize(("folder", "others"), OWN.items(), ids=OWN)
def test_no_folder_imports_from_one_it_must_not_know(folder: str, others: tuple[str, ...]) -> None:
    banned = set[str]().union(*map(modules_of, others))
    found = {
        str(path.relative_to(ROOT)): sorted(names)
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (names := imported(path.read_text(encoding="utf-8")) & banned)
    }
    assert not found


@pytest.mark.parametrize(
    "breach",
    [
        "import vad",
        "from bench.topics import table",
        "import bench.topics",
        "importlib.util.spec_from_file_location('x', ROOT / 'bench' / 'x.py')",
        "importlib.import_module('bench.topics')",
    ],
)
def test_a_breach_is_seen_however_it_is_written(breach: str) -> None:
    assert imported(breach) & modules_of("bench")
