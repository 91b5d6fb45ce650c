"""A hospital's server calls nobody: no packet to another machine, no look-up of a name, no exporter by a variable."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HOOK = """
import os, sys
def look(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["ASKED"], "a", encoding="utf-8") as asked:
            asked.write(f"{event} {arguments[-1] if event in ('socket.connect', 'socket.sendto') else arguments[0]}\\n")
if "ASKED" in os.environ:
    sys.addaudithook(look)
"""


def test_a_servers_whole_life_sends_nothing_and_asks_for_no_name(tmp_path: Path, mixes: Path) -> None:
    if shutil.which("unshare") is None or shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("no network namespace: needs root, unshare and ip (Debian: util-linux, iproute2)")
    names = tmp_path / "resolv.conf"
    names.write_text("nameserver 192.0.2.53\noptions timeout:1 attempts:1\n", encoding="ascii")
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    asked = tmp_path / "asked"
    run = [sys.executable, "-m", "tests.cli.isolated_run", str(mixes / "000_clean_en.flac"), str(hook), str(asked)]
    script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
    done = subprocess.run(
        ["unshare", "-n", "-m", "sh", "-c", script, "sh", str(names), *run],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["code"], found["streamed"]) == (0, 0), found["log"]
    assert found["during"] == 0
    assert found["control"] >= 1, "a look-up is counted"
    lines = asked.read_text(encoding="utf-8").splitlines() if asked.exists() else []
    assert not [line for line in lines if "'127.0.0.1'" not in line and "localhost" not in line]
