"""What `make image-check` decides without an engine: how pip reaches its index, and what cannot be checked."""

import os
from pathlib import Path

import pytest

from tools.image import check
from tools.image.pip_settings import local, read

LISTING = """\
:env:.cert='/etc/ssl/own.pem'
:env:.default-timeout='180'
:env:.disable-pip-version-check='1'
global.cert='/etc/ssl/system.pem'
global.index-url='https://mirror.example/simple'
global.extra-index-url='file:///srv/packages/simple https://other.example/simple'
global.find-links='\\n/srv/wheels\\nfile:///srv/more%20wheels'
global.user='true'
install.no-index='false'
"""


def test_pip_in_the_build_asks_where_pip_asks_outside() -> None:
    lines = read(LISTING).text.splitlines()
    assert lines[0] == "[global]"
    assert "index-url = https://mirror.example/simple" in lines
    assert "find-links = /srv/wheels file:///srv/more%20wheels" in lines
    assert "no-index = false" in lines


def test_a_variable_of_the_environment_wins_over_a_file_as_pip_has_it() -> None:
    text = read(LISTING).text
    assert "cert = /etc/ssl/own.pem" in text
    assert "timeout = 180" in text
    assert "system.pem" not in text


def test_where_pip_puts_packages_outside_is_not_carried_into_the_build() -> None:
    assert "user" not in read(LISTING).text


def test_all_that_the_settings_name_on_this_disk_is_mounted() -> None:
    mounted = {str(path) for path in read(LISTING).paths}
    assert mounted == {"/etc/ssl/own.pem", "/srv/packages", "/srv/wheels", "/srv/more wheels"}


def test_a_machine_without_settings_mounts_nothing() -> None:
    assert read("") == read("global.user='true'\n")
    assert read("").paths == ()


@pytest.mark.parametrize("word", ["https://mirror.example/simple", "wheels", "http://127.0.0.1:8080/simple"])
def test_what_is_not_on_this_disk_is_not_mounted(word: str) -> None:
    assert local(word) is None


def test_basic_mode_is_asked_for_by_an_empty_list_of_extras() -> None:
    assert check.build_arguments("base", "")["EXTRAS"] == ""
    assert "EXTRAS" not in check.build_arguments("base", None)
    assert check.build_arguments("base", None)["PYTHON_IMAGE"] == "base"


def test_nothing_is_checked_and_nothing_fails_where_podman_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["check"])
    assert check.main() == 0
    assert "podman and mmdebstrap not found" in capsys.readouterr().out


def test_a_user_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root is needed" in str(check.missing(None))
