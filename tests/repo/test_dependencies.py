"""Every package that the server imports is declared, and everything declared is pinned."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from server.model.clap.extra import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Imported by the server, but brought along by a package that we declare and that promises it.
BROUGHT = {"starlette": "fastapi", "click": "typer", "annotated-types": "pydantic", "pydantic-core": "pydantic"}
# Declared for its data: the DNSMOS model is read from the package's folder, which nothing imports.
DATA_ONLY = {"speechmos"}
# Declared because the detector, the event loop or the database loads it by name.
BY_NAME = {"uvloop", "websockets", "python-multipart", "aiosqlite"}
# Packages share its name: the others come with an extra and are imported in one place, which is left out below.
NAMESPACES = {"opentelemetry": "opentelemetry-api"}
# Rooms that may import what an extra brings: nobody else imports them before they are needed.
ROOMS = {
    "model/clap": ("clap", "cpu"),
    "evaluation": ("evaluate",),
    "store/postgresql": ("postgresql",),
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]) for requirement in requirements}


def imported_modules(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.split(".")[0]


def imported_distributions(paths: Iterable[Path]) -> set[str]:
    providers = packages_distributions()
    modules = set(imported_modules(paths)) - set(sys.stdlib_module_names) - {"server"}
    return {normal(NAMESPACES.get(module, providers[module][0])) for module in modules}


def sources(room: str = "") -> set[Path]:
    return set((ROOT / "server" / room).rglob("*.py"))


def of_extras(*extras: str) -> set[str]:
    return required([name for extra in extras for name in PROJECT["optional-dependencies"][extra]])


def undeclared(paths: Iterable[Path], declared: set[str]) -> set[str]:
    return {name for name in imported_distributions(paths) if BROUGHT.get(name, name) not in declared}


def test_outside_the_rooms_of_the_extras_only_dependencies_are_imported() -> None:
    elsewhere = sources().difference(*(sources(room) for room in ROOMS))
    # The download's bar is the hub's own: asked for after the extra was.
    elsewhere.remove(ROOT / "server" / "cli" / "models_clap.py")
    # Traces: asked for by a setting, refused in one sentence without the extra.
    elsewhere.remove(ROOT / "server" / "tracing.py")
    # A program of its own, started only where the package is there.
    elsewhere.remove(ROOT / "server" / "recording" / "decoders" / "silk_worker.py")
    assert not undeclared(elsewhere, required(PROJECT["dependencies"]))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_its_extras_bring(room: str) -> None:
    assert not undeclared(sources(room), required(PROJECT["dependencies"]) | of_extras(*ROOMS[room]))


def test_every_dependency_is_used() -> None:
    unused = required(PROJECT["dependencies"]) - imported_distributions(sources()) - DATA_ONLY - BY_NAME
    assert not unused, f"pyproject.toml asks for {unused}, which nothing in server/ imports"


def test_no_process_waits_for_what_scipy_signal_brings() -> None:
    """A filter and a few peaks are not worth 0.6 s and 50 MB of every server, worker and judge of files."""
    rooms = sorted((ROOT / "server" / "model").rglob("*.py"))
    models = [path.relative_to(ROOT).with_suffix("") for path in rooms if path.parent.name != "clap"]
    commands = ["serve", "worker", "stream", "assess", "assess_worker", "batch_worker", "records", "webhooks"]
    modules = ["server.app", *(f"server.cli.{name}" for name in commands), *(".".join(path.parts) for path in models)]
    told = "print(sorted({'scipy.signal', 'scipy.stats', 'scipy.optimize', 'torch', 'pandas'} & set(sys.modules)))"
    script = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n{told}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_extra_clap_is_what_is_looked_for_before_clap_is_used() -> None:
    assert of_extras("clap") == {normal(name) for name in PACKAGES}


def test_every_dependency_is_pinned_without_a_local_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    names = [normal(pin.split("==")[0]) for pin in pins]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins), "no build, index or path"
    assert len(names) == len(set(names))
    extras = [name for extra in PROJECT["optional-dependencies"].values() for name in extra]
    assert required(PROJECT["dependencies"] + extras) <= set(names)
