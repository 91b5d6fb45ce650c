"""What an operator may write for the database, and that its password is shown nowhere."""

import pytest

from server.errors import SettingsError
from server.settings import load_settings
from server.store.postgresql.url import DatabaseUrl

GIVEN = "postgresql://tq:s3cret%40@db.example:5433/tingqing?sslmode=require"  # pragma: allowlist secret


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_usual_form_is_the_same_database(scheme: str) -> None:
    assert DatabaseUrl.of(GIVEN.replace("postgresql", scheme)) == DatabaseUrl.of(GIVEN)


def test_a_socket_and_several_hosts_are_addresses_too() -> None:
    assert DatabaseUrl.of("postgresql:///tingqing?host=/run/postgresql").name == "tingqing"
    assert str(DatabaseUrl.of("postgresql://tq@a,b:5433/x")) == "postgresql://tq@a,b:5433/x"
    assert str(DatabaseUrl.of("postgresql://tq@[::1]:5433/x")) == "postgresql://tq@[::1]:5433/x"


@pytest.mark.parametrize(
    ("given", "each"),
    [
        ("tq:p%40w@a,b:5433/x?sslmode=require", ["tq:p%40w@a/x?sslmode=require", "tq:p%40w@b:5433/x?sslmode=require"]),
        ("tq@[::1]:5433,b/x", ["tq@[::1]:5433/x", "tq@b/x"]),
        ("/x?host=a,b&port=1,2", ["/x?host=a&port=1", "/x?host=b&port=2"]),
        ("/x?host=a,b&port=1", ["/x?host=a&port=1", "/x?host=b&port=1"]),
        ("/x?host=a,b,c&port=1,2", ["/x?host=a,b,c&port=1,2"]),
        ("/x?host=%2Frun%2Fpostgresql", ["/x?host=%2Frun%2Fpostgresql"]),
        ("/x", ["/x"]),
    ],
)
def test_each_host_is_an_address_of_its_own_in_their_order(given: str, each: list[str]) -> None:
    found = DatabaseUrl.of(f"postgresql://{given}").each_host()
    assert found == [DatabaseUrl.of(f"postgresql://{one}").dsn for one in each]


@pytest.mark.parametrize(
    ("given", "each"),
    [
        ("tq:p%40w@/x?sslmode=require", ["?host=a&port=1&sslmode=require", "?host=b&port=2&sslmode=require"]),
        ("tq:p%40w@/x?port=5433", ["?host=a&port=5433", "?host=b&port=5433"]),
        ("tq:p%40w@c/x", None),
        ("tq:p%40w@/x?host=%2Frun", None),
    ],
)
def test_several_hosts_in_the_variables_of_libpq_are_addresses_of_their_own_too(
    given: str, each: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the first that does not answer takes the time of all."""
    monkeypatch.setenv("PGHOST", "a,b")
    monkeypatch.setenv("PGPORT", "1,2")
    url = load_settings(database_url=f"postgresql://{given}").kept_at
    assert isinstance(url, DatabaseUrl)
    own = "postgresql://tq:p%40w@/x"  # pragma: allowlist secret
    wanted = [f"postgresql://{given}"] if each is None else [own + one for one in each]
    assert url.each_host() == [DatabaseUrl.of(one).dsn for one in wanted]
    assert "p%40w" not in f"{url}"


def test_one_host_in_the_variables_of_libpq_is_the_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "a")
    assert load_settings(database_url="postgresql://tq@/x").kept_at == DatabaseUrl.of("postgresql://tq@/x")


def test_servers_that_take_no_writes_are_not_asked_for() -> None:
    with pytest.raises(SettingsError, match=r"read-write.*因为服务器要写入"):
        load_settings(database_url=GIVEN + "&target_session_attrs=standby")
    DatabaseUrl.of(GIVEN + "&target_session_attrs=read-write")


def test_what_is_shown_of_it_has_no_password_and_no_option() -> None:
    url = DatabaseUrl.of(GIVEN + "&password=s3cret2")
    assert str(url) == "postgresql://tq@db.example:5433/tingqing"
    settings = load_settings(database_url=GIVEN)
    for shown in (repr(url), f"{url}", repr(settings), str(settings)):
        assert "s3cret" not in shown


@pytest.mark.parametrize(
    "given",
    [
        "sqlite:///s3cret.db",
        "s3cret",
        "postgresql://tq:s3cret/x@db/tingqing",  # pragma: allowlist secret
        "postgresql://tq:s3cret#x@db/tingqing",  # pragma: allowlist secret
        "postgresql://tq:12/s3cret@db/tingqing",  # pragma: allowlist secret
        "postgresql://tq:s3cret@db",  # pragma: allowlist secret
        "postgresql://tq:s3cret@db/",  # pragma: allowlist secret
        "postgresql://tq:s3cret@db:port/x",  # pragma: allowlist secret
        "postgresql://tq:s3cret@db/a/b",  # pragma: allowlist secret
        "mysql://tq:s3cret@db/x",  # pragma: allowlist secret
    ],
)
def test_what_is_none_is_refused_in_both_languages_and_not_repeated(given: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(database_url=given)
    assert refused.value.message.startswith("--database-url: ")
    assert "postgresql://USER@HOST:5432/NAME" in refused.value.message
    assert "请写成" in refused.value.message
    assert "s3cret" not in refused.value.message


def test_processes_of_this_server_get_it_with_its_password() -> None:
    """And the secret of the TURN servers, without which a worker's calls find no relay."""
    settings = load_settings(database_url=GIVEN, turn_secret="t0p")
    handed = settings.model_dump(mode="json", exclude={"key"})
    again = load_settings(**handed)
    assert again.kept_at == settings.kept_at
    assert again.turn_secret == settings.turn_secret


def test_the_database_comes_before_the_folder() -> None:
    settings = load_settings(database_url=GIVEN, data_dir="/srv/tq")
    assert settings.kept_at == DatabaseUrl.of(GIVEN)
    assert load_settings(data_dir="/srv/tq").kept_at == settings.data_dir
