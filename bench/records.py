"""How long a list, figures and the dashboard take with many results: ``python bench/records.py [COUNT] [URL]``.

Without URL in SQLite; with the URL of an empty PostgreSQL database there. It puts COUNT results (1,000,000) of a year
there, of three departments and two dictionaries, each with a result of 1 kB, and asks a real server as the pages do.
The first 20,000 are written as a server writes them; the others are copies of these rows, a minute later each: what is
asked does not depend on how many a sum stands for. CPU time is the server's, without PostgreSQL's; the time that passed
a busy machine stretches. 2 GB of temporary space.
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import text

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.records.kept import KeptRecord, RecordKind, local_day
from server.records.making import packed
from server.store import record_rows
from server.store.database import Where, open_database
from server.store.opening import open_access
from server.store.postgresql.url import DatabaseUrl
from server.store.sqlite import FILE

COUNT = 1_000_000
WRITTEN = 20_000
AT_ONCE = 2_000
TIMES = 9
LABELS = [f"label_{number}" for number in range(14)]
VERDICTS = ["accept"] * 7 + ["re-record"] * 2 + ["unusable"]


def made(count: int) -> Iterator[KeptRecord]:
    draw = random.Random(1)
    body = packed(json.dumps({"windows": [draw.random() for _ in range(100)]}))
    begin = datetime.now(UTC) - timedelta(days=365)
    former = ""
    for number in range(count):
        ended = begin + timedelta(days=365) * (number / count)
        record_id = f"ffff{draw.getrandbits(112):028x}"
        verdict = draw.choice(VERDICTS)
        yield KeptRecord(
            id=record_id, site="ward-3", kind=draw.choice(list(RecordKind)), started_at=ended, ended_at=ended,
            day=local_day(ended), reference=f"case {number}", label_set=draw.choice(["telemedicine", "cardiology"]),
            department=draw.choice(["A", "B", "C"]), verdict=verdict, grade="usable", score=draw.random(),
            duration_s=30.0, speech_s=20.0, prompts_raised=1, prompts_followed=draw.randrange(2),
            first_usable_s=draw.choice([3.0, 4.0, 9.0, None]), doubt=draw.random(), attempt_of=former or None,
            labels={label: draw.random() < 0.9 for label in LABELS}, body=body,
        )  # fmt: skip
        former = record_id if verdict != "accept" else ""


def copy(folder: Path, times: int) -> None:
    with closing(sqlite3.connect(folder / FILE)) as plain:
        for table in ("assessments", "assessment_results"):
            names = [name for _, name, *_ in plain.execute(f"PRAGMA table_info({table})")]
            for number in range(1, times):
                new = {name: name for name in names}
                new |= {"id": f"'{number:04x}' || substr(id, 5)"}
                if table == "assessments":
                    new |= {
                        "chain": new["id"],
                        "ended_at": f"strftime('%Y-%m-%d %H:%M:%f000', ended_at, '+{number} minutes')",
                    }
                plain.execute(
                    f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(new.values())} FROM {table} "
                    f"WHERE rowid <= {WRITTEN}"
                )
                plain.commit()


async def copy_in_postgresql(url: DatabaseUrl, times: int) -> None:
    async with open_database(url) as database:
        for table in ("assessments", "assessment_results"):
            async with database.writing() as connection:
                columns = "SELECT column_name FROM information_schema.columns WHERE table_name = :t ORDER BY 1"
                names = [row[0] for row in await connection.execute(text(columns), {"t": table})]
            for number in range(1, times):
                new = {name: name for name in names}
                new |= {"id": f"'{number:04x}' || substr(id, 5)"}
                if table == "assessments":
                    new |= {"chain": new["id"], "ended_at": f"ended_at + interval '{number} minutes'"}
                async with database.writing() as connection:
                    await connection.execute(
                        text(
                            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(new.values())} FROM {table} "
                            "WHERE id LIKE 'ffff%'"
                        )
                    )


async def fill(where: Where, count: int) -> str:
    async with open_access(where) as access:
        key = (await create_key(access.keys, "ward-3", Role.VIEWER, utc_now()))[0]
    async with open_database(where) as database:
        batch: list[KeptRecord] = []
        for record in made(min(count, WRITTEN)):
            batch.append(record)
            if len(batch) == AT_ONCE:
                async with database.writing() as connection:
                    await record_rows.add(connection, batch)
                batch = []
        if batch:
            async with database.writing() as connection:
                await record_rows.add(connection, batch)
    if isinstance(where, Path):
        await asyncio.to_thread(copy, where, count // WRITTEN)
    else:
        await copy_in_postgresql(where, count // WRITTEN)
    return key


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(client: httpx.Client, pid: int, path: str) -> None:
    took, spent = [], []
    for _ in range(TIMES):
        cpu, since = cpu_s(pid), time.perf_counter()
        answer = client.get(path)
        took.append(1000 * (time.perf_counter() - since))
        spent.append(1000 * (cpu_s(pid) - cpu))
        answer.raise_for_status()
    told = f"{statistics.median(took):7.0f} ms median {max(took):7.0f} ms worst {statistics.median(spent):7.0f} ms CPU"
    print(f"{told}  {len(answer.content):8d} bytes  {path}", flush=True)


def size_of(where: Where) -> float:
    """Bytes."""
    if isinstance(where, Path):
        return sum(path.stat().st_size for path in where.glob(f"{FILE}*"))

    async def asked() -> int:
        async with open_database(where) as database, database.reading() as connection:
            return int((await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one())

    return asyncio.run(asked())


def main(count: int, url: str | None) -> None:
    year = (datetime.now(UTC) - timedelta(days=364)).date().isoformat()
    middle = (datetime.now(UTC) - timedelta(days=180)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with tempfile.TemporaryDirectory(prefix="tingqing-records-") as name:
        since = time.perf_counter()
        where = Path(name) if url is None else DatabaseUrl.of(url)
        key = asyncio.run(fill(where, count))
        print(
            f"{count} results in {size_of(where) / 1e6:.0f} MB, written in {time.perf_counter() - since:.0f} s",
            flush=True,
        )
        command = [sys.executable, "-m", "server", "serve", "--port", "0", "--data-dir", name, "--retain-days", "3650"]
        command += ["--no-mos", "--log-level", "warning"]
        told = dict(os.environ) if url is None else {**os.environ, "TINGQING_DATABASE_URL": url}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=told) as server:
            assert server.stdout is not None
            line = next(line for line in server.stdout if "http://127.0.0.1:" in line)
            port = line.split("http://127.0.0.1:")[1].split("/")[0].split()[0]
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
                for path in (
                    "/v1/sessions?limit=200",
                    "/v1/assessments?limit=200",
                    f"/v1/assessments?limit=200&to={middle}",
                    "/v1/assessments?verdict=unusable&department=C&labels=cardiology&kind=file",
                    "/v1/assessments?department=nowhere",
                    "/v1/assessments?reference=case%20500",
                    "/v1/stats",
                    f"/v1/stats?from={year}",
                    f"/v1/stats?from={year}&department=A",
                    "/dashboard",
                    "/v1/reviews",
                ):
                    ask(client, server.pid, path)
            server.terminate()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("count", nargs="?", type=int, default=COUNT)
    arguments.add_argument("url", nargs="?", help="postgresql://USER@HOST/NAME, an empty database")
    given = arguments.parse_args()
    main(given.count, given.url)
