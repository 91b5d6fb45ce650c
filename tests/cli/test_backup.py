"""Backup and restore as an operator does them, with a server that runs."""

from pathlib import Path

import httpx

from tests.cli.conftest import Serving, in_process


def test_a_running_server_is_backed_up_and_its_keys_open_another(tmp_path: Path) -> None:
    data, again, copy = (str(tmp_path / name) for name in ("data", "again", "copy.db"))
    key = in_process("keys", "create", "--site", "ward-3", "--role", "admin", "--data-dir", data).out.strip()
    headers = {"Authorization": f"Bearer {key}"}
    with Serving(["--data-dir", data, "--no-mos", "--drain-s", "0"]) as serving:
        announced = httpx.post(f"{serving.http}/v1/sessions", headers=headers, timeout=30)
        assert announced.status_code == 201
        ran = in_process("backup", copy, "--data-dir", data)
        assert ran.code == 0
        assert "intact" in ran.err
        refused = in_process("restore", copy, "--force", "--data-dir", data)
        assert refused.code == 2
        assert "Stop the server first" in refused.err
        assert httpx.post(f"{serving.http}/v1/sessions", headers=headers, timeout=30).status_code == 201
    assert in_process("restore", copy, "--data-dir", again).code == 0
    audit = in_process("keys", "audit", "--format", "json", "--data-dir", again).out
    assert "session.announced" in audit
    with Serving(["--data-dir", again, "--no-mos", "--drain-s", "0"]) as serving:
        assert httpx.post(f"{serving.http}/v1/sessions", headers=headers, timeout=30).status_code == 201


def test_without_a_folder_the_way_to_name_one_is_told(tmp_path: Path) -> None:
    ran = in_process("backup", tmp_path / "copy.db")
    assert ran.code == 2
    assert "--data-dir" in ran.err
