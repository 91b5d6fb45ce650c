"""The folders of the web client are layers, and a planted import that points up is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.markdown import ROOT, read

TOOL = ROOT / "tools" / "check_client_layers.py"
BREACHES = {
    "protocol/breach.js": ("import { Meter } from '../meter/meter.js';", "protocol may not import meter"),
    "meter/breach.js": ("export { dictionary } from '../language/dictionary.js';", "meter may not import language"),
    "audio/breach.js": ("const { h } = await import('../drawing/dom.js');", "audio may not import drawing"),
    "drawing/breach.js": ("import '../pages/page.js';", "drawing may not import pages"),
    "language/breach.js": (
        "/** @type {import('../elements/doctor-view.js').DoctorModel} */",
        "language may not import elements",
    ),
    "elements/breach.js": ("import { Meter } from '../index.js';", "elements may not import ."),
    "pages/breach.js": ("import { render } from 'lit';", "lit lies outside web_client/"),
    "transport/breach.js": ("import { gone } from './gone.js';", "./gone.js does not exist"),
}


@pytest.fixture
def client(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "web_client", tmp_path / "web_client")


def check(client: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, str(TOOL), str(client)], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_imports_of_the_web_client_point_down() -> None:
    assert check(ROOT / "web_client") == (0, "")


@pytest.mark.parametrize("name", BREACHES)
def test_a_planted_import_is_found(client: Path, name: str) -> None:
    source, fault = BREACHES[name]
    (client / name).write_text(f"{source}\n", encoding="utf-8")
    code, said = check(client)
    assert code == 1
    assert f"{name}: {fault}" in said


def test_a_folder_without_a_layer_is_refused(client: Path) -> None:
    (client / "helpers").mkdir()
    (client / "helpers" / "breach.js").write_text("import '../protocol/line.js';\n", encoding="utf-8")
    code, said = check(client)
    assert code == 1
    assert "helpers has no layer" in said


def test_nothing_imports_an_example(client: Path) -> None:
    (client / "pages" / "breach.js").write_text("import '../examples/pages/visit.js';\n", encoding="utf-8")
    code, said = check(client)
    assert code == 1
    assert "examples has no layer" in said


def test_an_empty_client_does_not_pass(tmp_path: Path) -> None:
    assert check(tmp_path)[0] == 1


def test_every_folder_is_explained_in_the_document() -> None:
    document = read("docs/web-client.md")
    folders = [path.name for path in (ROOT / "web_client").iterdir() if path.is_dir()]
    assert folders
    assert not [name for name in folders if f"`{name}/`" not in document]
