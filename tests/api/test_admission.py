"""Host and Origin: what a page of another site can and cannot do."""

import pytest

from server.api.admission import check_host, check_origin
from server.errors import ForbiddenError, SettingsError
from server.loopback import is_loopback
from server.settings import Settings, check_exposure, load_settings


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "127.8.8.8", "[::1]:8000", "LOCALHOST"]
)
def test_names_of_this_machine_are_admitted(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "10.0.0.5",
     "[::1", "127.0.0.1@evil.example:80", "evil.example/localhost", "[2001:db8::1]"],
)  # fmt: skip
def test_a_rebound_name_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenError):
        check_host(host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("http://LOCALHOST:8000", "localhost:8000"),
        ("http://localhost", "localhost:80"),
        ("https://clinic.example", "clinic.example"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_servers_own_page_may_ask(origin: str, host: str) -> None:
    check_origin([origin], host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "localhost:8000"),
        ("", "localhost:8000"),
        ("http://localhost:3000", "localhost:8000"),
        ("http://127.0.0.1:8000", "localhost:8000"),
        ("http://evil.example", "localhost:8000"),
        ("file://", "localhost:8000"),
        ("http://localhost:99999", "localhost:8000"),
    ],
)
def test_another_page_may_not_ask(origin: str, host: str) -> None:
    with pytest.raises(ForbiddenError):
        check_origin([origin], host)


def test_a_client_without_an_origin_header_is_admitted() -> None:
    check_origin([], "localhost:8000")


def test_of_two_origins_both_must_be_right() -> None:
    with pytest.raises(ForbiddenError):
        check_origin(["http://localhost:8000", "http://evil.example"], "localhost:8000")


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "127.0.0.1", "::1", "localhost."])
def test_loopback_is_recognised(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize("name", ["0.0.0.0", "::", "example.org", "", "localhost.example.org", "192.168.1.1"])
def test_addresses_that_others_can_reach_are_not_loopback(name: str) -> None:
    assert not is_loopback(name)


def test_an_address_others_can_reach_needs_insecure() -> None:
    check_exposure(Settings(host="127.0.0.1"))
    check_exposure(Settings(host="0.0.0.0", insecure=True))
    with pytest.raises(SettingsError, match="--insecure"):
        check_exposure(Settings(host="0.0.0.0"))


def test_a_wrong_setting_is_named_by_flag_or_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="--max-sessions"):
        load_settings(max_sessions=0)
    monkeypatch.setenv("TINGQING_PORT", "many")
    with pytest.raises(SettingsError, match="TINGQING_PORT"):
        load_settings()


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGQING_PORT", "9000")
    assert load_settings().port == 9000
    assert load_settings(port=9001).port == 9001
    assert load_settings(port=None).port == 9000


def test_a_kubernetes_service_link_is_not_taken_for_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGQING_PORT", "tcp://10.96.0.12:80")
    assert load_settings().port == 8000
