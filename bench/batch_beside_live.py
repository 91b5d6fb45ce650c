"""How much later updates of live sessions come while a batch is judged beside them.

    .venv/bin/python bench/batch_beside_live.py [--files FOLDER] [--count 100] [--sessions 10] [--seconds 60]

In each round the same paced patients speak to one server, first alone, then while it judges a batch. Prints one JSON
object: lags of both in ms, and their ratio at p95. Exit code 1 if the batch was done before the patients were, so that
less was measured than asked for. On a quiet machine only: what else runs is measured too.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from server.client.load.measuring import Load, paced, put, warm
from server.client.load.running import Running, running

SHARED = Path(__file__).resolve().parents[2] / "shared" / "audio" / "mixes"
BEGUN_S = 120.0


def http_of(server: Running) -> str:
    return server.url.replace("ws://", "http://").removesuffix("/v1/stream")


async def sent(client: httpx.AsyncClient, files: Sequence[Path], count: int) -> str:
    """Its id, once the first file is judged: then the models are loaded."""
    chosen = [files[number % len(files)] for number in range(count)]
    parts = [("file", (path.name, await asyncio.to_thread(path.read_bytes))) for path in chosen]
    batch_id: str = (await client.post("/v1/batches", files=parts)).raise_for_status().json()["id"]
    async with asyncio.timeout(BEGUN_S):
        while not (await client.get(f"/v1/batches/{batch_id}")).json()["judged"]:  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.2)
    return batch_id


def recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".flac", ".wav", ".mp3"))


async def main(given: argparse.Namespace) -> int:
    files = recordings(given.files)
    load = Load(given.seconds)
    rounds: list[dict[str, Any]] = []
    short = False
    with TemporaryDirectory() as folder:
        settings = {"data_dir": str(Path(folder) / "data"), "clap": "off", "admission": "fixed"}
        job = paced(load, Path(folder))
        async with (
            running(None, settings | {"max_queued_files": 10_000}) as server,
            httpx.AsyncClient(base_url=http_of(server), timeout=300) as client,
        ):
            await warm(job, server)
            for _ in range(given.rounds):
                alone = await put(job, load, given.sessions, server)
                batch_id = await sent(client, files, given.count)
                beside = await put(job, load, given.sessions, server)
                state = (await client.get(f"/v1/batches/{batch_id}")).json()
                short |= state["state"] == "done"
                await client.delete(f"/v1/batches/{batch_id}")
                ratio = beside["lag_ms"]["p95"] / alone["lag_ms"]["p95"]
                rounds.append(
                    {
                        "alone": alone["lag_ms"],
                        "beside": beside["lag_ms"],
                        "p95_ratio": round(ratio, 2),
                        "judged": state["judged"],
                        "replaced": beside["replaced"],
                    }
                )
                print(f"p95 {alone['lag_ms']['p95']} ms alone, {beside['lag_ms']['p95']} ms beside", file=sys.stderr)
    worst = max(one["p95_ratio"] for one in rounds)
    print(json.dumps({"sessions": given.sessions, "files": given.count, "worst_p95_ratio": worst, "rounds": rounds}))
    return 1 if short else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=Path, default=SHARED)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=3)
    sys.exit(asyncio.run(main(parser.parse_args())))
