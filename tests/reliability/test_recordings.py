"""A recording with an Idempotency-Key survives its server: judged once, told once, answered as it was."""

import asyncio
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg
import httpx
import pytest

from server.store.database import Where
from server.store.postgresql.url import DatabaseUrl
from tests.cli.conftest import Serving, in_process
from tests.notify.receiver import receiving
from tests.reliability.test_batches import short
from tests.reliability.test_webhooks import CLI, about

pytestmark = pytest.mark.timeout(900)  # three servers, one after the other, on a busy machine

REFUSED = "as the test asked"
HELD = {
    "sqlite": [
        "CREATE TRIGGER held BEFORE UPDATE OF answer ON idempotency_keys WHEN NEW.answer IS NOT NULL "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    ],
    "postgresql": [
        f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$",
        "CREATE TRIGGER held BEFORE UPDATE OF answer ON idempotency_keys FOR EACH ROW "
        "WHEN (NEW.answer IS NOT NULL) EXECUTE FUNCTION refuse()",
    ],
}
"""The database takes everything of a recording but what is answered again: the last statement of the transaction."""

FREE = {"sqlite": ["DROP TRIGGER held"], "postgresql": ["DROP TRIGGER held ON idempotency_keys"]}


def flags(where: Where, folder: Path) -> list[str]:
    return ["--data-dir", str(folder), *(["--database-url", where.dsn] if isinstance(where, DatabaseUrl) else [])]


def done(where: Where, statements: dict[str, list[str]], *queries: str) -> list[int]:
    """Beside the server. What each of ``queries`` counts."""
    if isinstance(where, Path):
        with closing(sqlite3.connect(where / "tingqing.db", isolation_level=None, timeout=30)) as plain:
            for statement in statements.get("sqlite", []):
                plain.execute(statement)
            return [plain.execute(query).fetchone()[0] for query in queries]

    async def on_postgresql() -> list[int]:
        connection = await asyncpg.connect(where.dsn)
        try:
            for statement in statements.get("postgresql", []):
                await connection.execute(statement)
            return [await connection.fetchval(query) for query in queries]
        finally:
            await connection.close()

    return asyncio.run(on_postgresql())


COUNTS = "SELECT count(*) FROM assessments", "SELECT count(*) FROM webhook_deliveries"


def sent(server: Serving, key: str) -> httpx.Response:
    return httpx.post(
        f"{server.http}/v1/assess", files={"file": ("a.wav", short(7))}, headers={"Idempotency-Key": key}, timeout=100
    )


def taken_up(server: Serving, key: str) -> httpx.Response:
    """As a client does: 409 until the server is sure that who had begun is dead, which a busy database delays."""
    deadline, pause = monotonic() + 120, threading.Event()
    while (answer := sent(server, key)).status_code == 409 and monotonic() < deadline:
        pause.wait(1)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_server_that_is_killed_between_a_result_and_its_answer_repeats_nothing_and_loses_nothing(
    where: Where, tmp_path: Path
) -> None:
    folder = where if isinstance(where, Path) else tmp_path / "files"
    arguments = [*flags(where, folder), "--no-mos", "--clap", "off"]
    with receiving() as receiver:
        add = ("webhooks", "add", receiver.url, "--site", "local", "--events", "assessment.completed")
        ran = in_process(*add, *flags(where, folder), stdin=None, **CLI)
        assert ran.code == 0, ran.err
        done(where, HELD)
        with Serving(arguments, **CLI) as server:
            first = sent(server, "held").json()
            assert sent(server, "held").status_code == 409, "its result is not written yet"
            server.process.send_signal(signal.SIGKILL)
        assert done(where, FREE, *COUNTS) == [0, 0], "neither without the answer"
        with Serving(arguments, **CLI) as server:
            again, other = taken_up(server, "held"), sent(server, "written")
            server.process.send_signal(signal.SIGKILL)
        with Serving(arguments, **CLI) as server:
            replayed = [taken_up(server, key) for key in ("held", "written")]
            ids: list[Any] = [again.json()["id"], other.json()["id"]]
            came = about(receiver.wait(lambda came: {one for _, one in about(came)} >= set(ids)))
            assert done(where, {}, COUNTS[0]) == [2]
    assert again.json()["id"] == first["id"], "the same recording"
    assert [one.content for one in replayed] == [again.content, other.content]
    assert [one.headers["idempotency-replayed"] for one in replayed] == ["true", "true"]
    assert {key: len(told) for key, told in came.items()} == {("assessment.completed", one): 1 for one in ids}
