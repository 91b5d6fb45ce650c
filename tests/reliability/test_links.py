"""A link that was given out before the server was killed."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.cli.conftest import Serving
from tests.reliability.caller import start_message
from tests.reliability.test_restart import serving, url

PROTOCOL = Subprotocol("tingqing.v1")


async def first_message(server: Serving, token: str) -> dict[str, Any]:
    """The answer to who opens the link."""
    offered = [PROTOCOL, Subprotocol(f"bearer.{token}")]
    async with connect(url(server), subprotocols=offered, compression=None, max_size=None, proxy=None) as socket:
        await socket.send(json.dumps(start_message()))
        answer: dict[str, Any] = json.loads(await socket.recv())
    return answer


def announced(server: Serving) -> dict[str, Any]:
    answer = httpx.post(f"{server.http}/v1/sessions", json={"mode": "visit"}, timeout=30)
    assert answer.status_code == 201
    told: dict[str, Any] = answer.json()
    return told


async def test_links_outlive_a_sigkill_and_a_used_one_stays_used(tmp_path: Path) -> None:
    with await serving(tmp_path) as first:
        used, unused = [await asyncio.to_thread(announced, first) for _ in range(2)]
        assert (await first_message(first, used["publish_token"]))["type"] == "session.started"
        first.process.send_signal(signal.SIGKILL)
    with await serving(tmp_path) as second:
        again = await first_message(second, used["publish_token"])
        assert again["error"]["code"] == "token_used"
        started = await first_message(second, unused["publish_token"])
        assert (started["session_id"], started["config"]["mode"]) == (unused["id"], "visit")
