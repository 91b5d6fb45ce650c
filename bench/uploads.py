"""How long uploads take that come all at once, and how many fail; beside the same through a Gradio page.

    .venv/bin/python bench/uploads.py [--file RECORDING] [--count 42] [--seconds 60] [--clap stand-in]
        [--cheap] [--gradio PYTHON --tokenizer FOLDER]

``RECORDING`` is repeated to ``--seconds``; without one it is the visit of the demo. Each client sends it and waits for
its answer. ``PYTHON``: an interpreter with gradio, torch and transformers (bench/gradio_page.py), and ffmpeg on the
PATH; ``FOLDER``: the published configuration and tokenizer of CLAP. Its page gets the same files in the next minute.
Prints one JSON object on the last line. On a quiet machine only.

The two do not do the same: the page judges one excerpt of ten seconds of each file, Tingqing every second of it.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import soundfile

from server.client.load.running import Running, running
from server.client.sample_visit import RATE, sample_visit

PAGE = Path(__file__).with_name("gradio_page.py")
GRADIO_PORT = 7861
START_S, ANSWER_S = 180.0, 600.0

Send = Callable[[httpx.AsyncClient, Path], Awaitable[bool]]


def recording(file: Path | None, seconds: float, folder: Path) -> Path:
    """A WAV of 16 bits of that length."""
    pcm, rate = (sample_visit(), RATE) if file is None else soundfile.read(file, dtype="float32")
    mono = pcm if pcm.ndim == 1 else pcm[:, 0]
    made = folder / "upload.wav"
    soundfile.write(made, np.resize(mono, round(seconds * rate)), rate, subtype="PCM_16")
    return made


async def to_tingqing(client: httpx.AsyncClient, file: Path) -> bool:
    answer = await client.post("/v1/assess", files={"file": (file.name, await asyncio.to_thread(file.read_bytes))})
    return answer.is_success and bool(answer.json()["labels"])


async def to_gradio(client: httpx.AsyncClient, file: Path) -> bool:
    """Upload, call, and read the events until its result."""
    sent = await client.post(
        "/gradio_api/upload", files={"files": (file.name, await asyncio.to_thread(file.read_bytes))}
    )
    given = {"path": sent.raise_for_status().json()[0], "meta": {"_type": "gradio.FileData"}}
    call = await client.post("/gradio_api/call/judge", json={"data": [given]})
    event = call.raise_for_status().json()["event_id"]
    async with client.stream("GET", f"/gradio_api/call/judge/{event}") as events:
        async for line in events.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
                if name in ("complete", "error"):
                    return name == "complete"
    return False


async def all_at_once(url: str, send: Send, file: Path, count: int) -> dict[str, Any]:
    """Seconds from sending to the answer, of those that got one."""
    limits = httpx.Limits(max_connections=2 * count)
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S, limits=limits, trust_env=False) as client:
        await send(client, file)

        async def one() -> tuple[float, str | None]:
            began = time.perf_counter()
            try:
                told = None if await send(client, file) else "no result"
            except httpx.HTTPError as error:
                told = type(error).__name__
            return time.perf_counter() - began, told

        began = time.perf_counter()
        answers = await asyncio.gather(*(one() for _ in range(count)))
    took = sorted(seconds for seconds, told in answers if told is None)
    return {
        "answered": len(took),
        "errors": [told for _, told in answers if told is not None],
        "p50_s": _percentile(took, 0.5),
        "p95_s": _percentile(took, 0.95),
        "all_s": round(time.perf_counter() - began, 2),
    }


def _percentile(took: Sequence[float], share: float) -> float | None:
    return round(took[int(share * (len(took) - 1))], 2) if took else None


@contextlib.asynccontextmanager
async def gradio_page(python: Path, tokenizer: Path) -> AsyncIterator[str]:
    """Its address."""
    environment = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    process = await asyncio.create_subprocess_exec(
        python, PAGE, "--port", str(GRADIO_PORT), "--tokenizer", tokenizer, env=environment
    )
    url = f"http://127.0.0.1:{GRADIO_PORT}"
    try:
        async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{url}/config")).is_success:
                        break
                await asyncio.sleep(0.5)
        yield url
    finally:
        process.terminate()
        await process.wait()


def http_of(server: Running) -> str:
    return server.url.replace("ws://", "http://").removesuffix("/v1/stream")


async def main(given: argparse.Namespace) -> None:
    told: dict[str, Any] = {"count": given.count, "seconds": given.seconds, "clap": given.clap, "cheap": given.cheap}
    with TemporaryDirectory() as folder:
        file = recording(given.file, given.seconds, Path(folder))
        settings = {"clap": given.clap, "max_waiting_uploads": given.count}
        if given.cheap:
            settings |= {"mos": False, "denoiser": False, "voices": False}
        async with running(None, settings) as server:
            told["tingqing"] = await all_at_once(http_of(server), to_tingqing, file, given.count)
        print(told["tingqing"], file=sys.stderr)
        if given.gradio is not None:
            async with gradio_page(given.gradio, given.tokenizer) as url:
                told["gradio"] = await all_at_once(url, to_gradio, file, given.count)
    print(json.dumps(told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--count", type=int, default=42)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clap", default="off", help="off, or stand-in: random weights")
    parser.add_argument("--cheap", action="store_true", help="without DNSMOS, denoiser and voices")
    parser.add_argument("--gradio", type=Path, metavar="PYTHON")
    parser.add_argument("--tokenizer", type=Path, metavar="FOLDER")
    asyncio.run(main(parser.parse_args()))
