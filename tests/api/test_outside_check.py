"""Host and Origin: what a page of another site can and cannot do."""

import pytest

from server.access.origins import Outside
from server.errors import ForbiddenError, SettingsError
from server.loopback import is_loopback
from server.settings import Settings, check_exposure, load_settings, outside

ALONE = Outside()


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "127.8.8.8", "[::1]:8000", "LOCALHOST"]
)
def test_names_of_this_machine_are_admitted(host: str) -> None:
    ALONE.check_host(host, keyed=False)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "10.0.0.5",
     "[::1", "127.0.0.1@evil.example:80", "evil.example/localhost", "[2001:db8::1]"],
)  # fmt: skip
def test_a_rebound_name_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenError):
        ALONE.check_host(host, keyed=False)


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
    ALONE.check_origin([origin], host)


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
        ALONE.check_origin([origin], host)


def test_a_client_without_an_origin_header_is_admitted() -> None:
    ALONE.check_origin([], "localhost:8000")


def test_of_two_origins_both_must_be_right() -> None:
    with pytest.raises(ForbiddenError):
        ALONE.check_origin(["http://localhost:8000", "http://evil.example"], "localhost:8000")


def test_a_page_that_came_in_the_clear_may_not_ask_over_tls() -> None:
    ALONE.check_origin(["http://clinic.example"], "clinic.example")
    ALONE.check_origin(["https://clinic.example"], "clinic.example", secure=True)
    for origin in ("http://clinic.example", "http://clinic.example:443"):
        with pytest.raises(ForbiddenError):
            ALONE.check_origin([origin], "clinic.example", secure=True)
    Outside(origins=frozenset({"http://clinic.example"})).check_origin(
        ["http://clinic.example"], "clinic.example", secure=True
    )


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


CLINIC = Outside(frozenset({"https://portal.example"}), frozenset({"clinic.example"}))


@pytest.mark.parametrize("host", ["10.0.0.5:8000", "[2001:db8::1]:8000", "localhost"])
def test_an_insecure_server_answers_to_its_address_which_cannot_be_rebound(host: str) -> None:
    Outside(insecure=True).check_host(host, keyed=False)
    Outside(hosts=frozenset({"tingqing"}), insecure=True).check_host(host, keyed=False)


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.5.evil.example", "", "tingqing"])
def test_an_insecure_server_answers_to_no_name_that_its_operator_did_not_list(host: str) -> None:
    with pytest.raises(ForbiddenError, match="--allow-host"):
        Outside(insecure=True).check_host(host, keyed=False)
    Outside(hosts=frozenset({"tingqing"}), insecure=True).check_host("Tingqing:8000", keyed=False)


def test_with_keys_every_name_will_do_until_some_are_listed() -> None:
    ALONE.check_host("evil.example", keyed=True)
    CLINIC.check_host("clinic.example", keyed=True)
    CLINIC.check_host("127.0.0.1:8000", keyed=True)
    for host in ("evil.example", "10.0.0.5"):
        with pytest.raises(ForbiddenError, match="--allow-host"):
            CLINIC.check_host(host, keyed=True)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://portal.example", True),
        ("http://portal.example", False),
        ("https://portal.example:8443", False),
        ("https://portal.example.evil.example", False),
        ("https://a.portal.example", False),
        ("null", False),
    ],
)
def test_an_allowed_origin_is_that_origin_and_no_other(origin: str, allowed: bool) -> None:
    if allowed:
        CLINIC.check_origin([origin], "clinic.example")
    else:
        with pytest.raises(ForbiddenError, match="--allow-origin"):
            CLINIC.check_origin([origin], "clinic.example")


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (["https://Portal.Example/", "http://[::1]:3000"], ("https://portal.example", "http://[::1]:3000")),
        ("https://a.example:443, http://b.example:80 https://c.example:8443",
         ("https://a.example", "http://b.example", "https://c.example:8443")),
    ],
)  # fmt: skip
def test_origins_are_compared_as_browsers_write_them(given: object, plain: tuple[str, ...]) -> None:
    assert load_settings(allow_origin=given).allow_origin == plain


@pytest.mark.parametrize(
    "origin", ["*", "portal.example", "https://", "https://a.example/path", "https://u@a.example", "null",
               "ftp://a.example", "https://门诊.example", "https://a.example:port", "https://*.a.example"]
)  # fmt: skip
def test_what_is_no_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(SettingsError, match="--allow-origin"):
        load_settings(allow_origin=[origin])


@pytest.mark.parametrize("name", ["https://a.example", "a.example:8000", "a.example/x", "", "u@a.example", "*"])
def test_what_is_no_host_name_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(SettingsError, match="--allow-host"):
        load_settings(allow_host=[name])


def test_several_origins_and_hosts_fit_into_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGQING_ALLOW_ORIGIN", "https://a.example,https://b.example")
    monkeypatch.setenv("TINGQING_ALLOW_HOST", "Clinic.example 2001:db8::1")
    assert outside(load_settings()) == Outside(
        frozenset({"https://a.example", "https://b.example"}), frozenset({"clinic.example", "2001:db8::1"})
    )


def test_the_public_address_is_a_name_of_an_insecure_server() -> None:
    outside(load_settings(insecure=True, public_url="https://clinic.example/tq")).check_host(
        "clinic.example", keyed=False
    )
