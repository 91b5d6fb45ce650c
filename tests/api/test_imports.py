"""What a command does not need it does not load."""

import subprocess
import sys

import pytest

SCORE = """
import asyncio, sys
from server.api.probe import score_once
from server.app import open_engine
from server.settings import Settings
async def main():
    async with open_engine(Settings()) as engine:
        await score_once(engine)
asyncio.run(main())
"""
SERVE = SCORE + "from server.app import make_server; make_server(Settings(port=0)).config.load()\n"


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        (SCORE, ["torch", "transformers", "fastapi", "uvicorn", "librosa"]),
        (SERVE, ["torch", "transformers", "librosa"]),
    ],
    ids=["assess", "serve"],
)
def test_heavy_libraries_wait_until_they_are_needed(code: str, unwanted: list[str]) -> None:
    check = f"print(sorted(set({unwanted!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
