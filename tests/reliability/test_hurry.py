"""An operator who cannot wait signals twice: the process ends within seconds, and no session is lost."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Serving
from tests.reliability.caller import Caller, same
from tests.reliability.test_restart import PCM, serving, unbroken, url


@pytest.mark.parametrize("second_signal", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_leaves_the_sessions_at_once_and_they_go_on_in_the_next_process(
    tmp_path: Path, second_signal: signal.Signals
) -> None:
    caller = Caller(PCM)
    with await serving(tmp_path, "--drain-s", "600") as first:
        started = await caller.connect(url(first))
        await caller.judged_until(13)
        first.process.send_signal(signal.SIGTERM)
        assert (await caller.expect("go_away"))["resumable"] is True
        first.process.send_signal(second_signal)
        assert await caller.closed() == 1001
        assert caller.got("session.ended") == []
        code, _ = await asyncio.to_thread(first.stop, None)
        assert code == 0
    with await serving(tmp_path) as second:
        again = await caller.connect(url(second))
        assert again["session_id"] == started["session_id"]
        assert same(await caller.result(), await unbroken(second))


async def test_a_second_signal_ends_sessions_with_their_result_where_no_process_can_go_on_with_them() -> None:
    caller = Caller(PCM)
    with await asyncio.to_thread(Serving, ["--no-mos", "--clap", "off", "--drain-s", "600"]) as server:
        await caller.connect(url(server))
        await caller.judged_until(13)
        server.process.send_signal(signal.SIGTERM)
        assert (await caller.expect("go_away"))["resumable"] is False
        server.process.send_signal(signal.SIGTERM)
        ended = await caller.expect("session.ended")
        assert ended["reason"] == "drain"
        assert ended["result"]["windows"]
        assert await caller.closed() == 1001
        code, _ = await asyncio.to_thread(server.stop, None)
        assert code == 0
