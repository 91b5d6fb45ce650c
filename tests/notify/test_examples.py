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
from server.notify.endpoints import Endpoint, new_endpoint, new_secret
from server.notify.events import BY_DEFAULT, Event, EventType, event
from server.notify.reach import Reach
from server.notify.sending import Sender
from tests.notify.robot import Robot, talking
from tests.repo.markdown import ROOT, read

EXAMPLES = ROOT / "docs" / "examples" / "webhooks"
PROMPT = {"id": "move_somewhere_quieter", "zh": "周围有点吵。", "en": "It is noisy."}


@contextmanager
def running(*command: str | Path, secret: str, **more: str) -> Iterator[tuple[int, IO[str]]]:
    """Its port, and what it prints. ``more``: of its environment."""
    environment = {"TINGQING_WEBHOOK_SECRET": secret, "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin", **more}
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
        async with httpx.AsyncClient(timeout=60) as stranger:
            assert (await stranger.post(f"http://127.0.0.1:{port}/", content=b"{}")).status_code == 401
        assert said.readline() == f"SMS for case 7: {PROMPT['zh']}\n"
        assert said.readline() == "session.ended b\n", "the first was acted upon once"


@contextmanager
def in_group() -> Iterator[tuple[Robot, Endpoint, IO[str]]]:
    """The robot of a group, the endpoint that tells it, and what the receiver prints."""
    secret = new_secret()
    with (
        talking() as robot,
        running(sys.executable, EXAMPLES / "wecom.py", secret=secret, WECOM_ROBOT_URL=robot.url) as (port, said),
    ):
        yield (
            robot,
            replace(new_endpoint("ward", f"http://127.0.0.1:{port}/", BY_DEFAULT, utc_now()), secret=secret),
            said,
        )


def rejected(number: int, **more: object) -> Event:
    data = {"id": f"{number:032x}", "reference": f"case {number}", "verdict": "re-record", "prompts": [PROMPT], **more}
    return event(EventType.ASSESSMENT_REJECTED, "ward", f"{number:032x}", utc_now(), data)


SENDER = Sender(Reach.of(["127.0.0.1"]), "1", utc_now)


async def test_the_robot_of_a_group_says_once_which_recording_must_be_made_again() -> None:
    with in_group() as (robot, to, _):
        for one in (rejected(7), rejected(8, reference=None, verdict="unusable", prompts=[]), rejected(7)):
            assert (await SENDER.send(one, to)).delivered
        twice = rejected(9)
        for _ in range(2):
            assert (await SENDER.send(twice, to)).delivered
        ended = event(EventType.SESSION_ENDED, "ward", "b", utc_now(), {"session_id": "b", "reference": "case 7"})
        assert (await SENDER.send(ended, to)).delivered
        assert (await SENDER.send(twice, replace(to, secret=new_secret()))).tried.status == 401
        assert robot.said == [
            f"【听清】录音需要重录\n编号：case 7\n请告诉患者：{PROMPT['zh']}",
            f"【听清】录音无法使用，需要重录\n编号：{8:032x}",
            f"【听清】录音需要重录\n编号：case 7\n请告诉患者：{PROMPT['zh']}",
            f"【听清】录音需要重录\n编号：case 9\n请告诉患者：{PROMPT['zh']}",
        ], "two events about one recording are two, one that comes twice is one"


async def test_what_the_robot_refuses_is_sent_again_and_said_once() -> None:
    with in_group() as (robot, to, said):
        robot.errcodes = [45009, -1]
        again = rejected(7)
        assert [(await SENDER.send(again, to)).tried.status for _ in range(4)] == [502, 502, 204, 204]
        assert len(robot.said) == 1
        assert [said.readline() for _ in range(3)] == ["errcode 45009\n", "errcode -1\n", "told\n"]
        assert (await SENDER.send(rejected(8, prompts=[PROMPT | {"zh": "周" * 2000}]), to)).delivered
        assert robot.said[-1].endswith("周"), "cut between characters, where the robot would refuse it"


async def test_no_more_is_said_in_a_minute_than_the_robot_takes() -> None:
    with in_group() as (robot, to, _):
        answers = [await SENDER.send(rejected(number), to) for number in range(21)]
        assert [one.delivered for one in answers] == [True] * 20 + [False]
        assert answers[-1].tried.status == 503
        assert 1 <= (answers[-1].retry_after_s or 0) <= 60
        assert robot.asked == 20


async def test_a_robot_that_is_gone_is_told_of_later_and_its_key_is_not_printed() -> None:
    with in_group() as (robot, to, said):
        pass
    secret = new_secret()
    with running(sys.executable, EXAMPLES / "wecom.py", secret=secret, WECOM_ROBOT_URL=robot.url) as (port, said):
        here = replace(to, url=f"http://127.0.0.1:{port}/", secret=secret)
        assert (await SENDER.send(rejected(7), here)).tried.status == 502
        assert said.readline() == "no answer: URLError\n"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_file()))
def test_the_document_links_every_example(name: str) -> None:
    assert f"examples/webhooks/{name}" in read("docs/webhooks.md")


@pytest.mark.parametrize("kind", list(EventType))
def test_every_event_is_documented(kind: EventType) -> None:
    assert f"`{kind.value}`" in read("docs/webhooks.md")
