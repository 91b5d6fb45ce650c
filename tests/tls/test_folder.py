"""``tingqing cert`` on a folder: the same again changes nothing, and what has to be new is."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.tls.authority import issue
from server.tls.folder import Made, ensure
from tests.tls.making import NOW, authority, write_pair

NAMES = ("tingqing.lan", "localhost")


def files(made: Made) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in made.folder.iterdir()}


def first(tmp_path: Path) -> Made:
    return ensure(tmp_path / "data", NAMES, "pc", NOW)


def test_keys_are_for_their_owner_alone_and_certificates_for_everybody(tmp_path: Path) -> None:
    made = first(tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.folder.iterdir()}
    assert (modes["ca.key"], modes["server.key"]) == (0o600, 0o600)
    assert (modes["ca.crt"], modes["server.crt"]) == (0o644, 0o644)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert (made.new_authority, made.new_certificate) == (True, True)


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1], ()], ids=["same", "other order", "not said"])
def test_the_same_again_changes_nothing(tmp_path: Path, names: tuple[str, ...]) -> None:
    before = files(first(tmp_path))
    again = ensure(tmp_path / "data", names, "pc", NOW + timedelta(days=300))
    assert files(again) == before
    assert (again.new_authority, again.new_certificate) == (False, False)


@pytest.mark.parametrize(
    ("names", "days", "renew"),
    [(("other.lan",), 0, False), (NAMES[:1], 0, False), ((), 368, False), ((), 500, False), (NAMES, 0, True)],
    ids=["other names", "fewer names", "ends soon", "has ended", "asked for"],
)
def test_a_certificate_that_will_not_do_is_made_again_by_the_same_authority(
    tmp_path: Path, names: tuple[str, ...], days: int, renew: bool
) -> None:
    before = files(first(tmp_path))
    again = ensure(tmp_path / "data", names, "pc", NOW + timedelta(days=days), renew=renew)
    after = files(again)
    assert (after["ca.crt"], after["ca.key"]) == (before["ca.crt"], before["ca.key"])
    assert after["server.key"] != before["server.key"]
    assert set(again.pair.names) == set(names or NAMES)
    assert (again.new_authority, again.new_certificate) == (False, True)


def test_a_command_that_was_cut_between_key_and_certificate_is_put_right(tmp_path: Path) -> None:
    made = first(tmp_path)
    made.key_file.write_bytes(issue(authority(), NAMES, NOW).key)
    assert ensure(tmp_path / "data", NAMES, "pc", NOW).new_certificate


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    made = first(tmp_path)
    write_pair(made.folder, issue(authority(), NAMES, NOW))
    assert ensure(tmp_path / "data", NAMES, "pc", NOW).new_certificate


def test_another_authority_is_made_when_asked_for(tmp_path: Path) -> None:
    made = first(tmp_path)
    again = ensure(tmp_path / "data", (), "pc", NOW, anew=True)
    assert (again.new_authority, again.new_certificate) == (True, True)
    assert again.fingerprint != made.fingerprint
    assert again.pair.names == made.pair.names
    again.pair.leaf.verify_directly_issued_by(again.authority)


@pytest.mark.parametrize("gone", ["ca.key", "ca.crt"])
def test_a_lost_or_damaged_authority_is_never_replaced_unasked(tmp_path: Path, gone: str) -> None:
    made = first(tmp_path)
    (made.folder / gone).unlink()
    with pytest.raises(SettingsError, match=r"missing.*backup.*--new-authority"):
        ensure(tmp_path / "data", NAMES, "pc", NOW)
    (made.folder / gone).write_bytes(b"nonsense")
    with pytest.raises(SettingsError, match="--new-authority"):
        ensure(tmp_path / "data", NAMES, "pc", NOW)
    assert ensure(tmp_path / "data", NAMES, "pc", NOW, anew=True).new_authority


def test_an_authority_that_is_over_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first(tmp_path)
    ensure(tmp_path / "data", NAMES, "pc", NOW + timedelta(days=3640))
    assert "--new-authority" in caplog.text
    with pytest.raises(SettingsError, match="expired on"):
        ensure(tmp_path / "data", NAMES, "pc", NOW + timedelta(days=3651))


def test_a_key_that_a_copy_made_readable_is_closed_again(tmp_path: Path) -> None:
    made = first(tmp_path)
    (made.folder / "ca.key").chmod(0o644)
    ensure(tmp_path / "data", NAMES, "pc", NOW)
    assert stat.S_IMODE((made.folder / "ca.key").stat().st_mode) == 0o600


def test_without_names_there_is_nothing_to_make(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--name"):
        ensure(tmp_path / "data", (), "pc", NOW)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be used"):
        ensure(tmp_path / "file", NAMES, "pc", NOW)


def test_two_commands_do_not_write_at_once(tmp_path: Path) -> None:
    import fcntl

    made = first(tmp_path)
    with (made.folder / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SettingsError, match="Another command"):
            ensure(tmp_path / "data", NAMES, "pc", NOW)


def test_a_link_in_place_of_the_lock_is_not_written_through(tmp_path: Path) -> None:
    made = first(tmp_path)
    theirs = tmp_path / "theirs"
    theirs.write_text("kept")
    (made.folder / ".lock").unlink()
    (made.folder / ".lock").symlink_to(theirs)
    with pytest.raises(SettingsError, match="cannot be used"):
        ensure(tmp_path / "data", NAMES, "pc", NOW)
    assert theirs.read_text() == "kept"
