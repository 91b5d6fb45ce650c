"""A service whose home, and with it every cache, can be neither written nor made."""

import sys
from pathlib import Path

import pytest

from tests.reliability.caller import Caller
from tests.reliability.test_restart import PCM, serving, url

READ_ONLY = Path("/sys")
"""Not even root writes there."""


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that root cannot write is known on Linux alone")
async def test_a_home_that_cannot_be_written_costs_no_visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(READ_ONLY))
    with await serving(tmp_path) as server:
        caller = Caller(PCM)
        await caller.connect(url(server))
        assert (await caller.result())["windows"]
        code, said = server.stop()
    assert code == 0
    assert "Traceback" not in said
