"""The client's state machines are plain JavaScript without a browser: ``node --test`` runs their claims."""

import shutil
import subprocess
from pathlib import Path

from tests.browser.conftest import require

UNIT = Path(__file__).parent / "unit"


def test_client_state_machines_keep_their_claims() -> None:
    node = require(shutil.which("node"), "node 20 or later (apt-get install nodejs)")
    files = sorted(str(path) for path in UNIT.glob("*.test.mjs"))
    assert files
    run = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
