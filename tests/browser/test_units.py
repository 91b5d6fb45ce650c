"""The client's state machines are plain JavaScript without a browser: ``node --test`` runs their claims."""

import re
import shutil
import subprocess
from pathlib import Path

from server.resources import web_client_dir
from tests.browser.conftest import require

UNIT = Path(__file__).parent / "unit"


def test_client_state_machines_keep_their_claims() -> None:
    node = require(shutil.which("node"), "node 20 or later (apt-get install nodejs)")
    files = sorted(str(path) for path in UNIT.glob("*.test.mjs"))
    assert files
    run = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=250, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_client_loads_nothing_from_other_hosts() -> None:
    for path in (path for path in web_client_dir().rglob("*") if path.is_file() and path.suffix != ".pyc"):
        addresses = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org"}, path.name
