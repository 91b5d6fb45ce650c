"""``tingqing keys`` as an operator uses it."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

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


@pytest.mark.parametrize("act", [["create", "--site", "a", "--role", "admin"], ["revoke", "{key}"], ["rotate"]])
def test_what_cannot_be_written_down_is_not_done(tmp_path: Path, act: list[str]) -> None:
    in_process("keys", "create", "--site", "a", "--role", "admin", "--data-dir", tmp_path)
    in_process("keys", "rotate", "--data-dir", tmp_path)
    database = tmp_path / "tingqing.db"

    def kept() -> list[list[object]]:
        with closing(sqlite3.connect(database)) as connection:
            tables = ("api_keys", "signing_keys", "audit")
            return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no space left'); END")
    before = kept()
    (key,) = json.loads(in_process("keys", "list", "--format", "json", "--data-dir", tmp_path).out)
    ran = in_process("keys", *(one.format(key=key["id"]) for one in act), "--data-dir", tmp_path)
    assert ran.code != 0
    assert ran.out == "", "no key that opens nothing"
    assert kept() == before


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
    in_process("keys", "create", "--site", "a", "--role", "admin", "--data-dir", tmp_path)
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


@pytest.mark.parametrize("act", [["list"], ["revoke", "1f0c9a2e"], ["rotate", "--drop-old"], ["audit"]])
def test_a_folder_that_is_misspelt_is_told_and_nothing_is_made_there(tmp_path: Path, act: list[str]) -> None:
    """After a leak, "Tokens are signed with … from now on" must not be said of a folder that no server uses."""
    in_process("keys", "create", "--site", "a", "--role", "admin", "--data-dir", tmp_path / "tingqing")
    ran = in_process("keys", *act, "--data-dir", tmp_path / "tinqing")
    assert (ran.code, ran.out) == (2, "")
    assert "has no database" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["tingqing"]


def test_rotation_says_which_key_signs_now(tmp_path: Path) -> None:
    in_process("keys", "create", "--site", "a", "--role", "admin", "--data-dir", tmp_path)
    first, second = (in_process("keys", "rotate", "--data-dir", tmp_path) for _ in range(2))
    assert first.code == second.code == 0
    assert re.search(r"signed with [0-9a-f]{8} ", first.err)
    assert first.err != second.err


def test_no_secret_is_in_the_log_of_a_whole_visit(tmp_path: Path, mixes: Path) -> None:
    key = in_process("keys", "create", "--site", "a", "--role", "integrator", "--data-dir", tmp_path).out.strip()
    with Serving(["--data-dir", str(tmp_path), "--log-level", "debug"]) as serving:
        ran = in_process(
            "stream", mixes / "000_clean_en.flac", "--url", serving.ws, "--pace", "fast", "--format", "jsonl",
            TINGQING_KEY=key,
        )  # fmt: skip
        secrets = [key, json.loads(ran.out.splitlines()[0])["resume_token"]]
        headers = {"Authorization": f"Bearer {key}"}
        body = {"reference": "the-planted-reference", "metadata": {"name": "planted-name"}}
        announced = httpx.post(f"{serving.http}/v1/sessions", headers=headers, json=body, timeout=30).json()
        asyncio.run(visit(serving, announced))
        refused = in_process("stream", mixes / "000_clean_en.flac", "--url", serving.ws, "--key", key[:-1] + "x")
        code, said = serving.stop()
    assert ran.code in (0, 1), ran.err
    assert refused.code == 2
    assert code == 0
    assert "/v1/sessions" in said, "the log is there"
    secrets += [announced["publish_token"], announced["observe_token"], announced["id"], *body["metadata"].values()]  # type: ignore[attr-defined]
    # Of a token the signature is what must stay secret, and each of its three parts identifies it.
    parts = [part for secret in secrets for part in secret.split(".")]
    with sqlite3.connect(tmp_path / "tingqing.db") as database:
        parts += [repr(secret)[2:-1] for (secret,) in database.execute("SELECT secret FROM signing_keys")]
        parts += [digest for (digest,) in database.execute("SELECT digest FROM api_keys")]
    database.close()
    assert not [part for part in (*parts, key[:-1], "the-planted-reference") if part in said]


async def visit(serving: Serving, announced: dict[str, str]) -> None:
    """A patient and a doctor by token, and one whose token was altered."""

    def protocols(token: str) -> list[Subprotocol]:
        return [Subprotocol("tingqing.v1"), Subprotocol(f"bearer.{token}")]

    async with connect(f"{serving.ws}/v1/stream", subprotocols=protocols(announced["publish_token"])) as patient:
        await patient.send('{"type":"session.start","audio":{"sample_rate":16000}}')
        await patient.recv()
        watching = f"{serving.ws}/v1/sessions/{announced['id']}/observe"
        for token in (announced["observe_token"], announced["observe_token"][:-1] + "!"):
            async with connect(watching, subprotocols=protocols(token)) as doctor:
                await doctor.recv()


def test_the_audit_prints_no_stranger_s_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    data = ["--data-dir", str(tmp_path)]
    in_process("keys", "create", "--site", "a", "--role", "admin", *data)
    with sqlite3.connect(tmp_path / "tingqing.db") as database:
        database.execute(
            "INSERT INTO audit (at, who, site, act, about, address) VALUES (?, ?, ?, ?, ?, ?)",
            ("2026-03-01 09:30:00.000000", "key 1", "a", "session.observed", "\x1b[2J\x07[bold]x[/bold]", "192.0.2.1"),
        )
    database.close()
    shown = in_process("keys", "audit", *data)
    assert shown.code == 0
    assert "?[2J?[bold]x[/bold]" in shown.out
    assert "\x1b[2J" not in shown.out


def test_on_a_narrow_terminal_the_audit_cuts_no_session_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    data = ["--data-dir", str(tmp_path)]
    in_process("keys", "create", "--site", "a", "--role", "admin", *data)
    with sqlite3.connect(tmp_path / "tingqing.db") as database:
        database.execute(
            "INSERT INTO audit (at, who, site, act, about, address) VALUES (?, ?, ?, ?, ?, ?)",
            ("2026-03-01 09:30:00.000000", "key 1", "a", "session.observed", "0123456789abcdef" * 2, "192.0.2.1"),
        )
    database.close()
    shown = in_process("keys", "audit", *data).out
    assert "…" not in shown


def test_the_audit_shows_what_the_operator_did_and_no_key(tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path)]
    key = in_process("keys", "create", "--site", "ward-3", "--role", "viewer", *data).out.strip()
    (row,) = json.loads(in_process("keys", "list", "--format", "json", *data).out)
    in_process("keys", "revoke", row["id"], *data)
    in_process("keys", "revoke", "nothing", *data)
    in_process("keys", "rotate", *data)
    entries = json.loads(in_process("keys", "audit", "--format", "json", *data).out)
    assert [(entry["act"], entry["who"]) for entry in entries] == [
        ("key.created", "operator"), ("key.revoked", "operator"), ("signing.rotated", "operator")
    ]  # fmt: skip
    assert entries[0]["about"] == entries[1]["about"] == row["id"]
    shown = in_process("keys", "audit", "--last", "1", *data).out
    assert "signing.rotated" in shown
    assert "key.created" not in shown
    assert key not in json.dumps(entries)
