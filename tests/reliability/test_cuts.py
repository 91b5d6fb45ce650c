"""The benchmark of random cuts, with a handful of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment
from tests.repo.markdown import ROOT


@pytest.mark.timeout(600)
def test_results_after_random_cuts_and_a_sigkill_are_the_unbroken_ones(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    command = [sys.executable, "bench/cuts.py", "--cuts", "5", "--killed", "1", "--patients", "2", "--json", str(told)]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, timeout=500, check=False, encoding="utf-8"
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(told.read_text(encoding="utf-8"))
    assert seen["cuts"] >= 5
    assert seen["killed"] >= 1
    assert seen["failed"] == 0
    assert seen["largest_difference"] <= 1e-6
