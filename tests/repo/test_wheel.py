"""The wheel, installed in a clean environment, is complete: it serves the page and knows its labels."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.repo.clean_install import CleanEnvironment, build_wheel, get

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    clean = CleanEnvironment(tmp_path_factory.mktemp("clean") / "venv", extras=("clap", "cpu"))
    clean.run(["pip", "install", "--no-deps", "--no-index", str(wheel)], cwd=wheel.parent)
    return clean


def test_wheel_carries_labels_page_and_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("labels", "web_client"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"]
        shipped = {f"server/_data/{path.relative_to(ROOT)}" for path in files}
        assert shipped, f"{folder}/ is empty"
        assert shipped <= names
    for licence in ("LICENSE", "NOTICE", "silero_vad.LICENSE"):
        assert any(name.endswith(licence) and "dist-info/licenses/" in name for name in names)
    assert not [name for name in names if name.startswith(("tests/", "bench/", "tools/", "training/"))]


def test_wheel_carries_the_weights_that_hear_two_people(installed: CleanEnvironment, tmp_path: Path) -> None:
    code = "from server.model.overlap import load_overlap; print(load_overlap().context_samples)"
    assert installed.run(["python", "-c", code], cwd=tmp_path).strip() == "8000"


def test_installed_elsewhere_it_runs_its_own_code(installed: CleanEnvironment, tmp_path: Path) -> None:
    where = installed.run(["python", "-c", "import server; print(server.__file__)"], cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.folder)


def test_installed_elsewhere_it_knows_its_labels(installed: CleanEnvironment, tmp_path: Path) -> None:
    code = "from server.resources import labels_dir as l; print(sorted(p.name for p in l().iterdir()))"
    assert "telemedicine.toml" in installed.run(["python", "-c", code], cwd=tmp_path)


def test_installed_elsewhere_it_serves_the_page(installed: CleanEnvironment, tmp_path: Path) -> None:
    with installed.serve(["tingqing", "serve"], cwd=tmp_path, log=tmp_path / "log") as address:
        status, media_type, page = get(f"{address}/")
        assert (status, media_type) == (200, "text/html")
        assert "<tingqing-patient" in page
        _, _, health = get(f"{address}/healthz")
        assert json.loads(health)


def test_import_of_the_command_line_needs_no_torch(installed: CleanEnvironment, tmp_path: Path) -> None:
    code = "import sys, server.cli.main; print([m for m in ('torch', 'transformers', 'fastapi') if m in sys.modules])"
    assert installed.run(["python", "-c", code], cwd=tmp_path).strip() == "[]"
    assert "tingqing" in installed.run(["tingqing", "--version"], cwd=tmp_path)


def test_installed_elsewhere_it_makes_a_database_for_its_keys(installed: CleanEnvironment, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    made = installed.run(
        ["tingqing", "keys", "create", "--site", "a", "--role", "admin", "--data-dir", data], cwd=tmp_path
    )
    assert "tq_" in made
    assert "key.created" in installed.run(["tingqing", "keys", "audit", "--data-dir", data], cwd=tmp_path)
