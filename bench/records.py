"""How long a list, figures and the dashboard take with many results in SQLite: ``python bench/records.py [COUNT]``.

Fills a folder of its own with COUNT results (1,000,000) of a year, of three departments and two dictionaries, each with
a result of 1 kB, and asks a real server as the pages do. The first 20,000 are written as a server writes them; the
others are copies of these rows, a minute later each: what is asked does not depend on how many a sum stands for. CPU
time of the server is beside the time that passed, which a busy machine stretches. 2 GB of temporary space.
"""

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

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.records.kept import KeptRecord, RecordKind, local_day
from server.records.making import packed
from server.settings import Settings
from server.store import record_rows
from server.store.database import open_database
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


async def fill(folder: Path, count: int) -> str:
    async with open_keys(Settings(data_dir=folder)) as keys:
        key = (await create_key(keys, "ward-3", Role.VIEWER, utc_now()))[0]
    async with open_database(folder) as database:
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
    await asyncio.to_thread(copy, folder, count // WRITTEN)
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


def main(count: int) -> None:
    year = (datetime.now(UTC) - timedelta(days=364)).date().isoformat()
    middle = (datetime.now(UTC) - timedelta(days=180)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with tempfile.TemporaryDirectory(prefix="tingqing-records-") as name:
        since = time.perf_counter()
        key = asyncio.run(fill(Path(name), count))
        size = sum(path.stat().st_size for path in Path(name).glob("tingqing.db*")) / 1e6
        print(f"{count} results in {size:.0f} MB, written in {time.perf_counter() - since:.0f} s", flush=True)
        command = [sys.executable, "-m", "server", "serve", "--port", "0", "--data-dir", name, "--retain-days", "3650"]
        command += ["--no-mos", "--log-level", "warning"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
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
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
