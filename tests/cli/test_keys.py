"""``tingqing keys`` as an operator uses it."""

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Serving, in_process


def test_a_key_is_printed_once_alone_and_never_kept(tmp_path: Path) -> None:
    made = in_process(
        "keys", "create", "--site", "ward-3", "--role", "viewer", "--expires", "90d", "--data-dir", tmp_path
    )
    assert made.code == 0
    assert re.fullmatch(r"tq_[A-Za-z0-9_-]{43}\n", made.out)
    assert "ward-3" in made.err
    listed = in_process("keys", "list", "--format", "json", TINGQING_DATA_DIR=str(tmp_path))
    (row,) = json.loads(listed.out)
    assert (row["site"], row["role"], row["state"]) == ("ward-3", "viewer", "valid")
    key = made.out.strip()
    assert key not in listed.out
    assert not [path for path in tmp_path.iterdir() if key.encode() in path.read_bytes()]
    assert row["id"] in in_process("keys", "list", "--data-dir", tmp_path).out


def test_a_revoked_key_is_listed_as_such(tmp_path: Path) -> None:
    in_process("keys", "create", "--site", "a", "--role", "admin", "--data-dir", tmp_path)
    (row,) = json.loads(in_process("keys", "list", "--format", "json", "--data-dir", tmp_path).out)
    assert in_process("keys", "revoke", row["id"], "--data-dir", tmp_path).code == 0
    (row,) = json.loads(in_process("keys", "list", "--format", "json", "--data-dir", tmp_path).out)
    assert row["state"] == "revoked"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["create", "--site", "a", "--role", "admin"], "--data-dir"),
        (["create", "--site", "A B", "--role", "admin", "--data-dir", "{}"], "--site"),
        (["create", "--site", "a", "--role", "admin", "--expires", "soon", "--data-dir", "{}"], "--expires"),
        (["create", "--site", "a", "--role", "admin", "--expires", "9999999d", "--data-dir", "{}"], "--expires"),
        (["create", "--site", "a", "--role", "chief", "--data-dir", "{}"], "--role"),
        (["revoke", "nothing", "--data-dir", "{}"], "nothing"),
    ],
)
def test_what_cannot_work_is_named(tmp_path: Path, arguments: list[str], named: str) -> None:
    ran = in_process("keys", *(one.format(tmp_path) for one in arguments))
    assert ran.code == 2
    assert named in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_a_server_with_keys_may_serve_on_every_address(tmp_path: Path) -> None:
    key = in_process("keys", "create", "--site", "a", "--role", "integrator", "--data-dir", tmp_path).out.strip()
    with Serving(["--host", "0.0.0.0", "--data-dir", str(tmp_path)]) as serving:
        assert "with keys only" in serving.banner
        assert httpx.post(f"{serving.http}/v1/assess", timeout=30).status_code == 401
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.post(f"{serving.http}/v1/assess", headers=headers, timeout=30).status_code == 415
        code, said = serving.stop()
    assert code == 0
    assert key not in said
