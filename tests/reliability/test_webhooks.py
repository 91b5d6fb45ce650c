"""Whatever happens to the server, other systems are told of each session and recording, each time with one id."""

import asyncio
import json
import signal
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Serving, in_process
from tests.notify.receiver import Came, Receiver, receiving
from tests.reliability.caller import RATE, Caller
from tests.reliability.test_restart import PCM, url
from tests.triage import DENIED, EVENT, LABEL, RULE, STATED, triage_folder

CLI = {"TINGQING_WEBHOOK_ALLOW": "127.0.0.1"}

pytestmark = pytest.mark.timeout(300)  # two servers, one after the other, on a busy machine


async def serving(folder: Path, **more: str) -> Serving:
    arguments = ["--data-dir", str(folder), "--no-mos", "--clap", "off"]
    return await asyncio.to_thread(lambda: Serving(arguments, **CLI, **more))


def about(came: list[Came]) -> dict[tuple[str, str], set[str]]:
    """Ids by type and by what it is about."""
    ids: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in came:
        data = one.body["data"]
        ids[one.type, data.get("session_id") or data["id"]].add(one.id)
    return ids


def added(folder: Path, receiver: Receiver, *more: str) -> tuple[str, str]:
    """Its id and secret."""
    ran = in_process("webhooks", "add", receiver.url, "--site", "local", "--data-dir", folder, *more, stdin=None, **CLI)
    assert ran.code == 0, ran.err
    return ran.err.split()[1], ran.out.strip()


async def assessed(server: Serving, recording: bytes, **fields: str) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(
            f"{server.http}/v1/assess", files={"file": recording}, data={"reference": "case 8"} | fields
        )
    result: dict[str, Any] = answer.json()
    assert answer.status_code == 200, result
    return result


async def test_a_killed_server_loses_no_webhook_and_each_has_one_id(tmp_path: Path, mixes: Path) -> None:
    sound = await asyncio.to_thread((mixes / "000_clean_en.flac").read_bytes)
    with receiving() as receiver:
        _, secret = await asyncio.to_thread(added, tmp_path, receiver)
        receiver.hold.clear()  # what is sent is under way when the server is killed
        ended, cut_off = Caller(PCM, reference="case 7", metadata={"bed": 3}), Caller(PCM)
        soon = {"TINGQING_RESUME_TTL_S": "5"}  # who was cut off does not come back
        with await serving(tmp_path, **soon) as first:
            first_id = (await ended.connect(url(first)))["session_id"]
            await ended.result()
            file_id = (await assessed(first, sound))["id"]
            cut_id = (await cut_off.connect(url(first)))["session_id"]
            await cut_off.judged_until(5)
            await asyncio.to_thread(receiver.wait, lambda came: len(came) >= 2)
            first.process.send_signal(signal.SIGKILL)
            await cut_off.closed()
        receiver.hold.set()
        expected = {
            ("session.ended", first_id),
            ("assessment.completed", first_id),
            ("assessment.completed", file_id),
            ("session.ended", cut_id),
            ("assessment.completed", cut_id),
        }
        with await serving(tmp_path, **soon) as second:
            came = await asyncio.to_thread(receiver.wait, lambda came: about(came).keys() >= expected)
            assert second.stop()[0] == 0
        found = about(came)
        assert {one for one in found if one[0] != "assessment.rejected"} == expected
        assert {key: len(ids) for key, ids in found.items()} == dict.fromkeys(found, 1), "each with one id"
        assert all(one.signed_with(secret) for one in came)
        whole = "".join(one.text for one in came)
        assert "bed" not in whole, "metadata stays here"
        told = next(
            one.body["data"]
            for one in came
            if one.type == "session.ended" and one.body["data"]["session_id"] == first_id
        )
        assert (told["reference"], told["assessed"]) == ("case 7", True)


async def test_a_label_that_changes_sides_is_told_to_who_asked_for_it(tmp_path: Path, mixes: Path) -> None:
    quiet = bytes(2 * 12 * RATE)
    with receiving() as receiver:
        await asyncio.to_thread(added, tmp_path, receiver, "--events", "label.changed")
        with await serving(tmp_path) as server:
            caller = Caller(quiet + PCM + PCM)
            session_id = (await caller.connect(url(server)))["session_id"]
            await caller.result()
            (came, *_) = await asyncio.to_thread(receiver.wait, lambda came: len(came) >= 1)
    assert came.type == "label.changed"
    data = came.body["data"]
    assert data["session_id"] == session_id
    assert data["labels"]
    assert {type(one["passed"]) for one in data["labels"].values()} == {bool}


async def test_a_statement_starts_triage_while_the_patient_speaks_once_though_the_server_is_killed(
    tmp_path: Path, mixes: Path
) -> None:
    """With the dictionary of docs/labels.md."""
    sound = await asyncio.to_thread((mixes / "000_clean_en.flac").read_bytes)
    labels = {"TINGQING_LABELS_DIR": str(triage_folder(tmp_path))}
    data = tmp_path / "data"
    with receiving() as receiver, receiving() as others:
        _, secret = await asyncio.to_thread(added, data, receiver, "--events", f"rule.matched:{EVENT}")
        await asyncio.to_thread(added, data, others)
        caller = Caller(PCM, labels="triage", reference="case 7")
        async with AsyncExitStack() as stack:
            first = stack.enter_context(await serving(data, **labels))
            session_id = (await caller.connect(url(first)))["session_id"]
            await caller.hand_over(STATED, 1.0)
            await caller.judged_until(5)
            [live, *_] = await asyncio.to_thread(receiver.wait, lambda came: len(came) >= 1)
            first.process.send_signal(signal.SIGKILL)
            await caller.closed()
            second = stack.enter_context(await serving(data, **labels))
            await caller.connect(url(second))
            await caller.hand_over(DENIED, 6.0)
            result = await caller.result()
            said = json.dumps({"text": STATED, "start_s": 1.0, "end_s": 2.0})
            file = await assessed(second, sound, labels="triage", transcript=said)
            came = await asyncio.to_thread(
                receiver.wait, lambda came: about(came).keys() >= {("rule.matched", file["id"])}
            )
            await asyncio.to_thread(others.wait, lambda came: ("assessment.completed", file["id"]) in about(came))
    assert {key: len(ids) for key, ids in about(came).items()} == {
        ("rule.matched", session_id): 1,
        ("rule.matched", file["id"]): 1,
    }
    told = live.body["data"]
    assert live.signed_with(secret)
    assert (told["event"], told["rule"], told["label"], told["kind"]) == (EVENT, RULE, LABEL, "session")
    assert (told["state"], told["at_s"], told["reference"]) == ("stated", 1.0, "case 7")
    for one in (result, file):
        assert [rule["state"] for rule in one["rules"] if rule["event"] == EVENT] == ["stated"]
    assert came[-1].body["data"]["kind"] == "file"
    assert "疼" not in "".join(one.text for one in came), "no word of the visit"
    assert "rule.matched" not in {one.type for one in others.came}, "nobody is told who did not ask"


@pytest.mark.parametrize("answer", [204, 500])
def test_the_command_tries_an_endpoint_and_says_how_it_went(tmp_path: Path, answer: int) -> None:
    with receiving() as receiver:
        endpoint_id, secret = added(tmp_path, receiver)
        receiver.answers.append(answer)
        ran = in_process("webhooks", "test", endpoint_id, "--data-dir", tmp_path, stdin=None, **CLI)
        assert ran.code == (0 if answer == 204 else 1)
        assert str(answer) in ran.out
        assert receiver.came[0].signed_with(secret)
        refused = in_process("webhooks", "test", endpoint_id, "--data-dir", tmp_path)
        assert refused.code == 1
        assert "address not allowed" in refused.out
        assert len(receiver.came) == 1


def test_the_commands_list_rotate_pause_and_remove_without_showing_a_secret(tmp_path: Path) -> None:
    with receiving() as receiver:
        endpoint_id, secret = added(tmp_path, receiver)

        def run(*arguments: str) -> str:
            ran = in_process("webhooks", *arguments, "--data-dir", str(tmp_path), stdin=None, **CLI)
            assert ran.code == 0, ran.err
            return ran.out

        (listed,) = json.loads(run("list", "--format", "json"))
        assert (listed["id"], listed["state"], listed["url"]) == (endpoint_id, "told", receiver.url)
        new = run("rotate", endpoint_id).strip()
        assert new.startswith("whsec_")
        run("test", endpoint_id)
        assert receiver.came[0].signed_with(secret)
        assert receiver.came[0].signed_with(new)
        assert secret not in run("list") + run("list", "--format", "json")
        assert json.loads(run("deliveries", "--format", "json")) == []
        run("resume", endpoint_id)
        run("remove", endpoint_id)
        assert in_process("webhooks", "remove", endpoint_id, "--data-dir", str(tmp_path)).code == 2
        assert in_process("webhooks", "replay", "--data-dir", str(tmp_path)).code == 2
        assert in_process("webhooks", "list").code == 2, "no folder"
