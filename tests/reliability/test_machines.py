"""Servers with folders of their own on one PostgreSQL, as on two machines."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from server.store.postgresql.url import DatabaseUrl
from tests.cli.conftest import Serving, in_process
from tests.postgres import PostgresServer
from tests.reliability.test_batches import short

FILES = 3


class Several(Serving):
    """Two servers start on the same cores."""

    start_s = 200.0


def serving(url: DatabaseUrl, *arguments: str) -> Serving:
    return Several(["--no-mos", "--clap", "off", *arguments], TINGQING_DATABASE_URL=url.dsn)


def asked(server: Serving, path: str, bearer: dict[str, str]) -> dict[str, Any]:
    answer = httpx.get(f"{server.http}{path}", headers=bearer, timeout=60)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.timeout(400)
def test_two_servers_on_one_database_know_the_same_keys_batches_and_results(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with postgres.database() as url:
        made = in_process("keys", "create", "--site", "ward", "--role", "integrator", "--database-url", url.dsn)
        bearer = {"Authorization": f"Bearer {made.out.strip()}"}
        with (
            serving(url, "--data-dir", str(tmp_path / "a")) as first,
            serving(url, "--data-dir", str(tmp_path / "b")) as second,
        ):
            assert httpx.get(f"{second.http}/v1/batches", timeout=60).status_code == 401
            parts = [("file", (f"{number}.wav", short(number))) for number in range(FILES)]
            sent = httpx.post(f"{first.http}/v1/batches", files=parts, headers=bearer, timeout=100)
            batch_id = sent.json()["id"]
            events = f"{second.http}/v1/batches/{batch_id}/events"
            with httpx.stream("GET", events, headers=bearer, timeout=200) as told:
                assert "event: done" in told.iter_lines()
            assert asked(second, f"/v1/batches/{batch_id}", bearer)["state"] == "done"
            ids = [
                sorted(one["id"] for one in asked(server, "/v1/assessments", bearer)["assessments"])
                for server in (first, second)
            ]
            assert ids[0] == ids[1]
            assert len(ids[0]) == FILES
            for server in (second, first):
                code, said = server.stop()
                assert code == 0, said
