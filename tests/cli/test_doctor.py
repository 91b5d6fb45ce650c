"""``tingqing doctor`` names what is wrong and the command that mends it, in both languages."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import soundfile

from server.cli import checks
from server.cli.checks import CHECKS
from server.cli.misspelt import misspelt
from server.errors import SettingsError
from tests.cli.conftest import in_process
from tests.tls.making import made


def findings(*arguments: str, **variables: str) -> tuple[int, dict[str, dict[str, Any]]]:
    ran = in_process("doctor", "--json", *arguments, stdin=None, **{"TINGQING_CLAP": "off"} | variables)
    return ran.code, {line["check"]: line for line in ran.lines()}


def test_a_working_installation_fails_nothing(tmp_path: Path) -> None:
    code, found = findings("--data-dir", str(tmp_path))
    assert code == 0
    assert len(found) == len(CHECKS)
    assert all(line["status"] != "fail" and line["zh"] and line["en"] for line in found.values())
    assert found["database"]["command"].startswith("tingqing keys create")


def test_a_damaged_database_fails_and_a_backup_mends_it(tmp_path: Path) -> None:
    (tmp_path / "tingqing.db").write_bytes(b"no database" * 1000)
    code, found = findings("--data-dir", str(tmp_path))
    assert code == 1
    assert found["database"]["status"] == "fail"
    assert found["database"]["command"].startswith("tingqing restore")


def test_a_port_in_use_a_missing_model_and_plain_http_are_warned_of(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        variables = {"TINGQING_PORT": port, "TINGQING_CLAP": "auto", "TINGQING_MODEL_CACHE_DIR": str(tmp_path)}
        code, found = findings(TINGQING_PUBLIC_URL="http://clinic.example", **variables)
    assert code == 0
    for check in ("port", "models", "browser"):
        assert found[check]["status"] == "warn"
        assert found[check]["command"].startswith("tingqing")


def test_a_small_model_that_would_be_used_is_missed(tmp_path: Path) -> None:
    variables = {"TINGQING_CLAP": "off", "TINGQING_MODEL_CACHE_DIR": str(tmp_path)}
    _, found = findings(**variables)
    assert found["models"]["status"] == "warn"
    assert found["models"]["command"] == "tingqing models download gtcrn"
    assert "gtcrn" in found["models"]["zh"]
    _, found = findings(TINGQING_DENOISER="false", **variables)
    assert found["models"]["command"] == "tingqing models download segmentation"
    _, found = findings(TINGQING_DENOISER="false", TINGQING_VOICES="false", **variables)
    assert found["models"]["status"] == "ok"


def test_a_certificate_that_cannot_be_read_fails(tmp_path: Path) -> None:
    code, found = findings(TINGQING_TLS_CERT=str(tmp_path / "none.crt"), TINGQING_TLS_KEY=str(tmp_path / "none.key"))
    assert code == 1
    assert found["tls"]["command"] == "tingqing cert"


def test_a_python_that_nobody_tested_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "TESTED", ((3, 1),))
    assert found_in("python", "warn") == "make PYTHON=python3.11 setup"


def test_a_codec_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    formats = {name: text for name, text in soundfile.available_formats().items() if name != "MP3"}
    monkeypatch.setattr(soundfile, "available_formats", lambda: formats)
    assert found_in("codecs", "warn", says="MP3") == "pip install --upgrade soundfile"


def test_a_model_of_a_dependency_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "files", lambda _: [])
    assert found_in("models", "fail", says="DNSMOS") == "pip install --force-reinstall speechmos"


def test_a_gpu_that_is_asked_for_and_not_there_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from server.model.clap import devices

    def none(_: str) -> None:
        raise SettingsError("There is no device cuda.", param="device")

    monkeypatch.setattr(devices, "choose_device", none)
    assert found_in("gpu", "fail", TINGQING_DEVICE="cuda") in {"nvidia-smi", "pip install 'tingqing[clap]'"}


def test_a_clock_before_this_version_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "EARLIEST", datetime.now(UTC) + timedelta(days=1))
    assert found_in("clock", "fail") == "timedatectl set-ntp true"


def test_a_disk_that_is_nearly_full_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE", 1 << 80)
    assert found_in("disk", "warn", TINGQING_DATA_DIR=str(tmp_path)).startswith("df -h ")


def test_a_server_without_a_data_folder_is_told_that_it_has_no_keys() -> None:
    assert found_in("database", "warn") == "tingqing serve --data-dir DIR"


def test_a_certificate_that_soon_ends_is_warned_of(tmp_path: Path) -> None:
    certificate, key = made(tmp_path, "clinic.lan", at=datetime.now(UTC) - timedelta(days=390))
    assert found_in("tls", "warn", TINGQING_TLS_CERT=str(certificate), TINGQING_TLS_KEY=str(key)) == "tingqing cert"


def test_a_certificate_for_another_name_than_the_public_one_is_warned_of(tmp_path: Path) -> None:
    certificate, key = made(tmp_path, "clinic.lan", at=datetime.now(UTC))
    given = {"TINGQING_TLS_CERT": str(certificate), "TINGQING_TLS_KEY": str(key)}
    assert found_in("tls", "warn", says="other.lan", TINGQING_PUBLIC_URL="https://other.lan:8443", **given)
    assert found_in("tls", "ok", TINGQING_PUBLIC_URL="https://clinic.lan:8443", **given) == ""


def test_whether_browsers_of_other_machines_reach_it_is_told() -> None:
    _, found = findings()
    assert found["browser"]["en"].startswith("Browsers on this machine alone")
    assert found["browser"]["zh"].startswith("只有本机")
    _, found = findings(TINGQING_PUBLIC_URL="https://clinic.example")
    assert found["browser"]["en"].startswith("Browsers would")
    assert found_in("browser", "warn", TINGQING_HOST="0.0.0.0") == "tingqing cert"


def found_in(check: str, status: str, *, says: str = "", **variables: str) -> str:
    """The command that mends what this check finds, in both languages."""
    _, found = findings(**variables)
    line = found[check]
    assert line["status"] == status, line
    assert says in line["zh"]
    assert says in line["en"]
    assert line["zh"] != line["en"]
    command: str = line["command"]
    return command


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def _codecs(_: object) -> None:
        raise OSError("libsndfile is gone")

    monkeypatch.setattr(checks, "CHECKS", (_codecs,))
    code, found = findings()
    assert code == 1
    assert "libsndfile is gone" in found["codecs"]["en"]


def test_text_is_in_the_language_asked_for() -> None:
    assert "Browsers" in in_process("doctor", "--language", "en", TINGQING_CLAP="off").out
    assert "浏览器" in in_process("doctor", "--language", "zh", TINGQING_CLAP="off").out


def test_what_can_be_decoded_is_told_and_how_to_decode_more() -> None:
    _, found = findings()
    assert found["codecs"]["status"] == "ok"
    assert "FFmpeg" in found["codecs"]["en"]
    assert "SILK" in found["codecs"]["zh"]
    _, found = findings(TINGQING_FFMPEG="off")
    assert found["codecs"]["status"] == "warn"
    assert "M4A、AMR" in found["codecs"]["zh"].partition("不能解码")[2]
    assert found["codecs"]["command"] == "pip install 'tingqing[formats]'"


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant() -> None:
    code, found = findings()
    assert (code, found["settings"]["status"]) == (0, "ok")
    given = {
        "TINGQING_MAX_SESSIONS_PER_ADRESS": "4",
        "TINGQING_COLOUR": "blue",
        "TINGQING_SERVICE_HOST": "10.0.0.7",
        "TINGQING_PORT_8000_TCP_ADDR": "10.0.0.7",
        "TINGQING_SHARED": "/shared",
    }
    assert list(misspelt(given)) == [
        ("TINGQING_COLOUR", None),
        ("TINGQING_MAX_SESSIONS_PER_ADRESS", "TINGQING_MAX_SESSIONS_PER_ADDRESS"),
    ]
    _, found = findings(**given)
    assert found["settings"]["status"] == "warn"
    for language in ("zh", "en"):
        assert "TINGQING_MAX_SESSIONS_PER_ADDRESS" in found["settings"][language]
