"""A process that is killed loses no session: the next one goes on with it."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from server.client.sample_visit import sample_visit
from tests.cli.conftest import Serving
from tests.reliability.caller import RATE, Caller, same

PCM = sample_visit()[: 20 * RATE].tobytes()


async def serving(folder: Path, *more: str) -> Serving:
    return await asyncio.to_thread(Serving, ["--data-dir", str(folder), "--no-mos", "--clap", "off", *more])


def url(server: Serving) -> str:
    return f"{server.ws}/v1/stream"


async def unbroken(server: Serving) -> dict[str, Any]:
    caller = Caller(PCM)
    await caller.connect(url(server))
    return await caller.result()


@pytest.mark.parametrize("killed_at_s", [13])
async def test_a_session_goes_on_in_the_next_process_after_a_sigkill(tmp_path: Path, killed_at_s: float) -> None:
    caller = Caller(PCM, reference="case 7", metadata={"bed": 3})
    with await serving(tmp_path) as first:
        started = await caller.connect(url(first))
        await caller.judged_until(killed_at_s)
        first.process.send_signal(signal.SIGKILL)
        await caller.closed()
    with await serving(tmp_path) as second:
        again = await caller.connect(url(second))
        assert again["session_id"] == started["session_id"]
        assert again["resume_token"] == started["resume_token"]
        assert again["next_sample"] <= (killed_at_s - 10) * RATE
        assert killed_at_s * RATE - again["next_sample"] <= 20 * RATE, "no more than a client keeps"
        result = await caller.result()
        assert result.pop("reference") == "case 7"
        assert result.pop("metadata") == {"bed": 3}
        expected = await unbroken(second)
        expected.pop("reference", None), expected.pop("metadata", None)
        assert same(result, expected)
