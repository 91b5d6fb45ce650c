"""A batch whose server is killed: whether each file is judged once, and each event told with one id.

    .venv/bin/python bench/batch_killed.py [--files FOLDER] [--count 100] [--kills 2] [--seed 1]

The server is killed with SIGKILL after random parts of the batch, and started again on the same folder. Prints one JSON
object; exit code 1 if a file is lost or was judged twice, a judged one changed, or an event is missing or has two ids.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from server.access.principal import LOCAL_SITE
from server.client.load.running import running
from server.notify.delivering import utc_now
from server.notify.endpoints import new_endpoint
from server.store.database import open_database
from server.store.webhooks import WebhookStores

SHARED = Path(__file__).resolve().parents[2] / "shared" / "audio" / "mixes"
LOOK_S = 0.1
TOLD_S = 300.0

Told = dict[tuple[str, str], set[str]]


def receiver(told: Told) -> ThreadingHTTPServer:
    """Takes every event."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told[event["type"], event["data"]["id"]].add(self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


async def state(client: httpx.AsyncClient, batch_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/batches/{batch_id}")).json()
    return found


async def results(client: httpx.AsyncClient, batch_id: str) -> dict[str, str]:
    """Id of the result of each judged file, by position."""
    lines = (await client.get(f"/v1/batches/{batch_id}/results", params={"format": "jsonl"})).text.splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["position"]: row["result"]["id"] for row in rows if row["result"] is not None}


@dataclass
class Run:
    """What is known so far. ``told``: ids of events, by type and by what they are about."""

    told: Told
    batch_id: str = ""
    results: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    faults: list[str] = field(default_factory=list)


async def part(run: Run, settings: dict[str, Any], files: Sequence[Path], until: int) -> None:
    """One server, until so many files are settled; then it is killed, unless these are all."""
    async with running(None, settings) as server:
        base = server.url.replace("ws://", "http://").removesuffix("/v1/stream")
        async with httpx.AsyncClient(base_url=base, timeout=300) as client:
            if not run.batch_id:
                parts = [("file", (one.name, await asyncio.to_thread(one.read_bytes))) for one in files]
                run.batch_id = (await client.post("/v1/batches", files=parts)).raise_for_status().json()["id"]
            now = await results(client, run.batch_id)
            if {position: now.get(position) for position in run.results} != run.results:
                run.faults.append("a judged file changed")
            while (there := await state(client, run.batch_id))["judged"] + there["refused"] < until:  # noqa: ASYNC110 - it is polled
                await asyncio.sleep(LOOK_S)
            run.results, run.refused = await results(client, run.batch_id), there["refused"]
            print(f"{there['judged']} judged, {there['refused']} refused", file=sys.stderr)
            if until < len(files):
                assert server.pid is not None
                os.kill(server.pid, signal.SIGKILL)
                return
            async with asyncio.timeout(TOLD_S):
                while len(run.told) < len(run.results) + 1:  # noqa: ASYNC110 - told by another thread
                    await asyncio.sleep(LOOK_S)


def recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".flac", ".wav", ".mp3"))


async def main(given: argparse.Namespace) -> int:
    found = recordings(given.files)
    files = [found[number % len(found)] for number in range(given.count)]
    kills = sorted(random.Random(given.seed).sample(range(1, given.count - 1), given.kills))
    run = Run(defaultdict(set))
    hooks = receiver(run.told)
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        async with open_database(data) as database:
            url = f"http://127.0.0.1:{hooks.server_address[1]}/"
            wanted = ["assessment.completed", "batch.completed"]
            await WebhookStores.of(database, None).endpoints.add(new_endpoint(LOCAL_SITE, url, wanted, utc_now()))
        settings = {"data_dir": str(data), "clap": "off", "mos": False, "webhook_allow": ["127.0.0.1"]}
        for until in [*kills, given.count]:
            await part(run, settings, files, until)
    hooks.shutdown()
    judge(run, given.count)
    told = {"judged": len(run.results), "events": len(run.told), "faults": run.faults}
    print(json.dumps({"files": given.count, "killed_after": kills} | told))
    return 1 if run.faults else 0


def judge(run: Run, count: int) -> None:
    """Add what is wrong."""
    if len(run.results) + run.refused != count or len(set(run.results.values())) != len(run.results):
        run.faults.append("a file is lost or was judged twice")
    if {one for kind, one in run.told if kind == "assessment.completed"} != set(run.results.values()):
        run.faults.append("an event is missing, or one too many")
    if any(len(ids) != 1 for ids in run.told.values()):
        run.faults.append("an event has two ids")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=Path, default=SHARED)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(main(parser.parse_args())))
