"""The dashboard is what Grafana takes for one: its own types, of the version in compose.yaml, checked by TypeScript."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.repo.markdown import ROOT

JS = ROOT / "tools" / "js"
TSC = JS / "node_modules" / ".bin" / "tsc"
TYPES = JS / "node_modules" / "@grafana" / "schema" / "package.json"
DASHBOARD = (ROOT / "deploy" / "grafana" / "dashboards" / "tingqing.json").read_text(encoding="utf-8")
OPTIONS = ("--noEmit", "--strict", "--allowImportingTsExtensions", "--skipLibCheck", "--module", "nodenext")

FAULTS = {
    '"mode": "multi"': ('"mode": "many"', '"many"\' is not assignable'),
    '"gridPos"': ('"gridPosition"', "does not exist in type"),
    '"expr"': ('"query"', "does not exist in type"),
    '"refresh": 2': ('"refresh": 7', "'7' is not assignable"),
    '"type": "stat"': ('"type": "stats"', '"stats"\' is not assignable'),
    '"placement": "bottom"': ('"place": "bottom"', "does not exist in type"),
}

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not TYPES.exists() or shutil.which("node") is None,
        reason="npm installed nothing into tools/js: make check does",
    ),
]


def said(folder: Path, **texts: str) -> list[str]:
    """What the type checker says of these dashboards, a line for each fault."""
    folder.joinpath("node_modules").symlink_to(JS / "node_modules")
    shutil.copy(JS / "dashboard.ts", folder)
    for name, text in texts.items():
        source = f"import type {{ Shown }} from './dashboard.ts';\nexport const shown: Shown = {text};\n"
        (folder / f"{name}.ts").write_text(source, encoding="utf-8")
    files = [f"{name}.ts" for name in texts]
    done = subprocess.run([TSC, *OPTIONS, *files], cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_grafanas_own_types_accept_the_dashboard_and_refuse_what_is_planted(tmp_path: Path) -> None:
    planted = {
        f"fault{number}": DASHBOARD.replace(right, wrong, 1)
        for number, (right, (wrong, _)) in enumerate(FAULTS.items())
    }
    lines = said(tmp_path, shown=DASHBOARD, **planted)
    assert not [line for line in lines if line.startswith(("shown.ts", "dashboard.ts"))]
    for number, (_, fault) in enumerate(FAULTS.values()):
        assert any(line.startswith(f"fault{number}.ts(") and fault in line for line in lines), (fault, lines)


def test_the_types_are_those_of_the_grafana_that_compose_starts() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    running = re.fullmatch(r"grafana/grafana:(\d+\.\d+\.\d+)", compose["services"]["grafana"]["image"])
    assert running is not None
    assert json.loads(TYPES.read_text(encoding="utf-8"))["version"] == running[1]
