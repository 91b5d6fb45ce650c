"""What ``make check`` says of secrets among the files, and of packages with published faults."""

import base64
import hashlib
import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tools import audit

ROOT = Path(__file__).resolve().parents[2]


def scanned(folder: Path, name: str, line: str) -> subprocess.CompletedProcess[str]:
    """A new repository with that line in one file."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / name).write_text(f"{line}\n", encoding="utf-8")
    command = [sys.executable, str(ROOT / "tools" / "scan_secrets.py")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def made(length: int) -> str:
    """Like a secret, and the same every time: of random ones the scanner passes a few."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"planted").digest()).decode()[:length]


@pytest.mark.parametrize(
    "secret",
    [
        f"key = 'tq_{made(43)}'",
        f'password = "{made(22)}"',
        "-----BEGIN RSA PRIV" + "ATE KEY-----",
        f"url = 'https://someone:{made(16)}@example.org/'",
        "aws = 'AKIA" + "IOSFODNN7EXAMPLF'",
    ],
    ids=["own key", "password", "private key", "address", "cloud"],
)
def test_a_planted_secret_fails_the_check_with_its_place(tmp_path: Path, secret: str) -> None:
    done = scanned(tmp_path, "settings.py", secret)
    assert done.returncode == 1
    assert "settings.py:1" in done.stdout + done.stderr


def test_a_line_that_says_it_is_none_and_a_digest_pass(tmp_path: Path) -> None:
    allowed = f"key = 'tq_{secrets.token_urlsafe(32)}'  # pragma: allowlist secret"
    done = scanned(tmp_path, "settings.py", f'{allowed}\nSHA256 = "{secrets.token_hex(32)}"')
    assert done.returncode == 0, done.stdout + done.stderr


def told(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """pip-audit says these things, one after the other."""
    coming = iter(answers)

    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, next(coming), "")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("tools.audit.subprocess.run", run)


SKIPPED = json.dumps({"dependencies": [{"name": "one", "skip_reason": "not found"}], "fixes": []})
KNOWN = {"name": "one", "version": "1.0", "vulns": []}
FAULT = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}


@pytest.mark.parametrize("answer", ["", "no JSON", SKIPPED], ids=["no network", "an error", "no advisories"])
def test_without_advisories_the_audit_is_skipped_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    told(monkeypatch, answer)
    assert audit.main() == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "skipped" in out


def test_a_published_fault_fails_the_check_and_says_which_version_mends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = json.dumps({"dependencies": [KNOWN | {"vulns": [FAULT]}, KNOWN], "fixes": []})
    told(monkeypatch, json.dumps({"dependencies": [KNOWN], "fixes": []}), faulty)
    assert audit.main() == 1
    assert "one 1.0: PYSEC-1, mended in 1.1" in capsys.readouterr().err


def test_the_audit_asks_about_every_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert "fastapi" in {pin.partition("==")[0] for pin in audit.pins()}
    assert all("==" in pin for pin in audit.pins())


def test_checking_looks_for_secrets_and_published_faults() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = makefile[makefile.index("check-python:") : makefile.index("check-js:")]
    assert "tools/scan_secrets.py" in check
    assert "tools/audit.py" in check
