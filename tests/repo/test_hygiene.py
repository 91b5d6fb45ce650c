"""Nothing in the repository names a machine, a registry or a page from elsewhere; the checks are what they say."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written in two halves, so that this file passes its own test.
REGISTRY_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "deb." + "debian.org"]
REGISTRY_HOSTS += ["download." + "pytorch.org", "npm" + "mirror.com", "tuna.tsing" + "hua.edu.cn"]
# Who has no graphics card must be told where the CPU builds of torch are: in what people read, not in what runs.
TOLD_TO_READERS = "download." + "pytorch.org"
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|root|home/\w+|Users/\w+|opt/\w+)/")


# A network of others that the server cannot do without, and that no package brings alone (decision 0012).
SILERO = ROOT / "server" / "model" / "silero_vad_16k.onnx"
SILERO_SHA256 = "7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87"


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_path_of_one_machine() -> None:
    assert not [(path, MACHINE_PATH.findall(text)) for path, text in texts() if MACHINE_PATH.search(text)]


def test_no_file_names_the_host_of_a_registry() -> None:
    named = [(path, host) for path, text in texts() for host in REGISTRY_HOSTS if host in text]
    assert not [(path, host) for path, host in named if path.suffix != ".md" or host != TOLD_TO_READERS]


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for path, text in texts():
        if path.is_relative_to(ROOT / "web_client"):
            hosts = set(re.findall(r"(?:https?|wss?)://([\w.-]+)", text))
            assert hosts <= {"localhost", "127.0.0.1", "www.w3.org", "json.schemastore.org"}, path


def test_no_recording_is_committed() -> None:
    sound = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".pcm", ".onnx"}
    assert not [path for path in tracked() if path.suffix.lower() in sound and path != SILERO]


def test_no_large_file_is_committed() -> None:
    assert not [(path, path.stat().st_size) for path in tracked() if path.stat().st_size > 1_000_000 and path != SILERO]


def test_silero_is_the_published_file_with_its_licence_beside_it() -> None:
    assert hashlib.sha256(SILERO.read_bytes()).hexdigest() == SILERO_SHA256
    assert "MIT License" in (SILERO.parent / "silero_vad.LICENSE").read_text(encoding="utf-8")


def test_ci_stops_at_the_first_fault_and_excuses_none() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "set -euo pipefail" in script
    assert not re.search(r"\|\|\s*(true|:)", script)
    assert "TINGQING_REQUIRE_SYSTEM=1" in script


@pytest.mark.parametrize(("lines", "code", "says"), [(250, 0, ""), (251, 0, "251 lines"), (301, 1, "301 lines")])
def test_size_check_warns_at_250_lines_and_fails_at_300(tmp_path: Path, lines: int, code: int, says: str) -> None:
    (tmp_path / "module.js").write_text("x;\n" * lines, encoding="utf-8")
    command = [sys.executable, str(ROOT / "tools" / "check_sizes.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert says in done.stdout + done.stderr


def test_size_check_looks_at_server_and_page_by_default() -> None:
    command = [sys.executable, "tools/check_sizes.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
