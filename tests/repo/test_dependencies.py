"""Every package that the server imports is declared, and everything declared is pinned."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Imported by the server, but brought along by a package that we declare and that promises it.
BROUGHT = {"starlette": "fastapi", "click": "typer", "annotated-types": "pydantic", "pydantic-core": "pydantic"}
# Declared for its data: the DNSMOS model is read from the package's folder, which nothing imports.
DATA_ONLY = {"speechmos"}
# Declared because the detector or the event loop loads it by name.
BY_NAME = {"uvloop", "websockets", "python-multipart", "silero-vad", "torch", "transformers"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]) for requirement in requirements}


def imported_modules(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.split(".")[0]


def imported_distributions() -> set[str]:
    providers = packages_distributions()
    modules = set(imported_modules(ROOT / "server")) - set(sys.stdlib_module_names) - {"server"}
    return {normal(providers[module][0]) for module in modules}


def test_every_package_the_server_imports_is_a_dependency() -> None:
    # What an extra brings is imported where it is used, and only if it is there.
    extras = [name for extra, names in PROJECT["optional-dependencies"].items() if extra != "dev" for name in names]
    declared = required(PROJECT["dependencies"] + extras)
    for name in imported_distributions():
        assert BROUGHT.get(name, name) in declared, f"server/ imports {name}, which pyproject.toml does not name"


def test_every_dependency_is_used() -> None:
    unused = required(PROJECT["dependencies"]) - imported_distributions() - DATA_ONLY - BY_NAME
    assert not unused, f"pyproject.toml asks for {unused}, which nothing in server/ imports"


def test_every_dependency_is_pinned_without_a_local_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    names = [normal(pin.split("==")[0]) for pin in pins]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins), "no build, index or path"
    assert len(names) == len(set(names))
    extras = [name for extra in PROJECT["optional-dependencies"].values() for name in extra]
    assert required(PROJECT["dependencies"] + extras) <= set(names)
