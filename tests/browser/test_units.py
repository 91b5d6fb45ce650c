"""The client's state machines are plain JavaScript without a browser: ``node --test`` runs their claims."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

from server.resources import web_client_dir
from tests.browser.conftest import require
from tests.conftest import ROOT

UNIT = Path(__file__).parent / "unit"
TOOLS = ROOT / "tools" / "js"


def test_client_state_machines_keep_their_claims() -> None:
    node = require(shutil.which("node"), "node 20 or later (apt-get install nodejs)")
    files = sorted(str(path) for path in UNIT.glob("*.test.mjs"))
    assert files
    run = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_release_is_one_classic_script_under_12_kb_with_types(tmp_path: Path) -> None:
    """What a page with an old WebView loads: the whole client, gzipped, minified, with its sentences."""
    node = require(shutil.which("node"), "node 20 or later (apt-get install nodejs)")
    require(str(found) if (found := TOOLS / "node_modules" / "esbuild").exists() else None, "npm --prefix tools/js ci")
    run = subprocess.run(
        [node, str(TOOLS / "release.mjs"), str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    script = (tmp_path / "tingqing-client.js").read_bytes()
    assert len(gzip.compress(script)) <= 12 * 1024
    assert script.startswith((b"var Tingqing", b'"use strict";var Tingqing'))
    assert (tmp_path / "tingqing-worklet.js").exists()
    types = (tmp_path / "types" / "client" / "client.d.ts").read_text(encoding="utf-8")
    assert "export class TingqingClient" in types
    assert "export type ClientOptions" in types


def test_client_loads_nothing_from_other_hosts() -> None:
    for path in (path for path in web_client_dir().rglob("*") if path.is_file() and path.suffix != ".pyc"):
        addresses = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org"}, path.name
