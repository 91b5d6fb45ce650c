"""``tingqing cert``, and ``tingqing serve`` with what it made, as an operator meets them."""

import contextlib
import io
import json
import os
import pty
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import segno

from server.cli.cert import THIS_MACHINE
from tests.browser.conftest import require
from tests.cli.conftest import TINGQING, Serving, environment, in_process, tingqing
from tests.tls.making import made


def flags(out: str) -> list[str]:
    """The flags of the printed command that name the two files."""
    found = re.search(r"--tls-cert \S+ --tls-key \S+", out)
    assert found
    return found[0].split()


def test_what_it_prints_serves_and_devices_that_trust_it_connect(tmp_path: Path, mixes: Path) -> None:
    data = tmp_path / "data"
    ran = in_process("cert", "--name", "Tingqing.lan", "--name", "192.168.1.20", "--port", "8443", "--data-dir", data)
    assert ran.code == 0
    assert "https://tingqing.lan:8443/ca.crt" in ran.out
    for device in (
        "iPhone",
        "Android",
        "Windows",
        "macOS",
        "Linux, Firefox",
        "WeChat",
        "must never leave this machine",
    ):
        assert device in ran.out
    ca = data / "tls" / "ca.crt"
    trust = ssl.create_default_context(cafile=ca)
    with Serving([*flags(ran.out), "--host", "0.0.0.0", "--insecure"]) as serving:
        assert f"{serving.ws}/v1/stream" in serving.banner
        assert serving.ws.startswith("wss://")
        outside = f"https://tingqing.lan:{serving.port}"
        assert f"From outside    {outside}/" in serving.banner
        assert f"{outside}/ca.crt" in serving.banner
        assert "tingqing.lan, localhost, 192.168.1.20" in serving.banner
        fetched = httpx.get(f"{serving.http}/ca.crt", verify=trust, timeout=30)
        assert fetched.content == ssl.PEM_cert_to_DER_cert(ca.read_text())
        clip = mixes / "000_clean_en.flac"
        ended = tingqing(
            "stream", clip, "--url", serving.http, "--pace", "fast", "--format", "jsonl", SSL_CERT_FILE=str(ca)
        )
        assert json.loads(ended.out.splitlines()[-1])["type"] == "session.ended", ended.err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_its_steps_for_linux_fill_both_stores(tmp_path: Path, language: str) -> None:
    """The file is what a server hands out: DER. The system's store takes PEM alone."""
    system = require(shutil.which("openssl"), "openssl")
    require(shutil.which("certutil"), "certutil (apt-get install libnss3-tools)")
    out = in_process("cert", "--data-dir", tmp_path, "--name", "tingqing.lan", "--language", language).out
    pem = (tmp_path / "tls" / "ca.crt").read_text()
    (tmp_path / "ca.crt").write_bytes(ssl.PEM_cert_to_DER_cert(pem))
    (stored,) = re.findall(r"sudo openssl (x509 -in ca\.crt -out) /usr/local/share/ca-certificates/\S+\.crt && ", out)
    (nss,) = re.findall(r"mkdir -p ~/.*", out)
    for command in (f"{system} {stored} stored.crt", nss):
        subprocess.run(["bash", "-c", command], cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path)}, check=True)
    assert (tmp_path / "stored.crt").read_text() == pem
    listed = ["certutil", "-d", f"sql:{tmp_path}/.pki/nssdb", "-L", "-n", "tingqing", "-a"]
    got = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    assert ssl.PEM_cert_to_DER_cert(got.replace("\r", "")) == ssl.PEM_cert_to_DER_cert(pem)


def test_on_a_terminal_the_address_is_a_code_for_the_camera_of_a_phone(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as seen:
        command: list[str | Path] = [TINGQING, "cert", "--data-dir", tmp_path, "--name", "tingqing.lan"]
        with subprocess.Popen(command, stdout=theirs, env=environment(PYTHONIOENCODING="utf-8")) as process:
            os.close(theirs)
            said = b""
            # Linux reports the end of a terminal as an error of input.
            with contextlib.suppress(OSError):
                while part := seen.read(4096):
                    said += part
        assert process.returncode == 0
    code = io.StringIO()
    segno.make("https://tingqing.lan:8000/ca.crt", micro=False).terminal(code, compact=True, border=2)
    assert code.getvalue().strip() in said.decode().replace("\r\n", "\n")


def test_the_same_again_says_that_nothing_changed(tmp_path: Path) -> None:
    first = in_process("cert", "--data-dir", tmp_path, "--name", "tingqing.lan")
    again = in_process("cert", "--data-dir", tmp_path)
    assert first.out.count("(new)") == 2
    assert again.out.count("(unchanged)") == 2
    assert "tingqing.lan" in again.out
    renewed = in_process("cert", "--data-dir", tmp_path, "--renew", "--language", "zh")
    assert (renewed.out.count("（未变）"), renewed.out.count("（新建）")) == (1, 1)
    assert "证书信任设置" in renewed.out
    replaced = in_process("cert", "--data-dir", tmp_path, "--new-authority")
    assert "must trust it too" in replaced.out


def test_without_names_it_is_for_this_machine(tmp_path: Path) -> None:
    ran = in_process("cert", "--data-dir", tmp_path)
    assert ran.code == 0
    for name in THIS_MACHINE:
        assert name in ran.out


@pytest.mark.parametrize("name", ["https://tingqing.lan", "tingqing.lan:8000", "*.lan", "听清.lan", ""])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    ran = in_process("cert", "--data-dir", tmp_path, "--name", name)
    assert ran.code == 2
    assert "--name" in ran.err
    assert not list(tmp_path.iterdir())


def test_it_needs_a_folder() -> None:
    ran = in_process("cert")
    assert ran.code == 2
    assert "--data-dir" in ran.err


def test_a_pair_that_cannot_be_served_with_stops_serve_in_one_sentence(tmp_path: Path) -> None:
    certificate, key = made(tmp_path)
    key.unlink()
    ran = in_process("serve", "--port", "0", "--tls-cert", certificate, "--tls-key", key)
    assert ran.code == 2
    assert "--tls-key" in ran.err
    alone = in_process("serve", "--port", "0", "--tls-key", key)
    assert alone.code == 2
    assert "--tls-cert" in alone.err


def test_serve_warns_of_a_certificate_that_is_not_for_its_public_name(tmp_path: Path) -> None:
    certificate, key = made(tmp_path, "clinic.lan", "127.0.0.1")
    key.chmod(0o644)
    flags = ["--tls-cert", str(certificate), "--tls-key", str(key), "--public-url", "https://clinic.example"]
    with Serving(flags) as serving:
        assert re.search(r"WARNING .*not for clinic\.example", serving.banner)
        assert re.search(r"WARNING .*can read the key: chmod o-r", serving.banner)
