"""The receivers of docs/webhooks.md take what is signed, refuse what is not, and act once on what comes twice."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import httpx
import pytest

from server.notify.delivering import utc_now
from server.notify.endpoints import new_endpoint, new_secret
from server.notify.events import BY_DEFAULT, EventType, event
from server.notify.reach import Reach
from server.notify.sending import Sender
from tests.repo.markdown import ROOT, read

EXAMPLES = ROOT / "docs" / "examples" / "webhooks"
PROMPT = {"id": "move_somewhere_quieter", "zh": "周围有点吵。", "en": "It is noisy."}


@contextmanager
def running(*command: str | Path, secret: str) -> Iterator[tuple[int, IO[str]]]:
    """Its port, and what it prints."""
    environment = {"TINGQING_WEBHOOK_SECRET": secret, "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, env=environment, encoding="utf-8")
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        yield int(line.split()[-1]), process.stdout
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["receiver.py", "receiver.mjs"])
async def test_an_example_verifies_acts_once_and_refuses_a_stranger(name: str) -> None:
    program = sys.executable if name.endswith(".py") else shutil.which("node")
    if program is None:
        pytest.skip("no node: Debian has it in the package nodejs")
    secret = new_secret()
    with running(program, EXAMPLES / name, secret=secret) as (port, said):
        to = replace(new_endpoint("ward", f"http://127.0.0.1:{port}/", BY_DEFAULT, utc_now()), secret=secret)
        sender = Sender(Reach.of(["127.0.0.1"]), "1", utc_now)
        rejected = event(
            EventType.ASSESSMENT_REJECTED,
            "ward",
            "a",
            utc_now(),
            {"id": "a", "reference": "case 7", "prompts": [PROMPT]},
        )
        for one in (rejected, rejected):
            assert (await sender.send(one, to)).delivered
        assert (await sender.send(rejected, replace(to, secret=new_secret()))).tried.status == 401
        rotated = replace(to, secret=new_secret(), former_secret=secret, former_until=utc_now().replace(year=9999))
        last = event(EventType.SESSION_ENDED, "ward", "b", utc_now(), {"session_id": "b"})
        assert (await sender.send(last, rotated)).delivered
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.post(f"http://127.0.0.1:{port}/", content=b"{}")).status_code == 401
        assert said.readline() == f"SMS for case 7: {PROMPT['zh']}\n"
        assert said.readline() == "session.ended b\n", "the first was acted upon once"


def test_the_document_links_both_examples() -> None:
    text = read("docs/webhooks.md")
    assert "examples/webhooks/receiver.py" in text
    assert "examples/webhooks/receiver.mjs" in text


@pytest.mark.parametrize("kind", list(EventType))
def test_every_event_is_documented(kind: EventType) -> None:
    assert f"`{kind.value}`" in read("docs/webhooks.md")
