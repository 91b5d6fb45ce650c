"""A whole run's log at its loudest: nothing in it opens a session, names a patient or repeats a word."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.api.client import faults_until_close, pcm_of, until
from tests.cli.conftest import Serving, in_process

PLANTED = {
    "reference": "case-MERIDIAN-4711",
    "metadata": "zhangsan-of-bed-12",
    "label": "a patient called Penelope speaks",
    "filename": "penelope-stomach-ache.wav",
    "request": "chief complaint is heartburn",
    "path": "tq_pathpathpath0123456789",
    "first": "token-in-the-first-message-0123",
    "resume": "resume-token-of-somebody-4567",
    "later": "what-she-said-to-the-nurse",
    "title": "Penelope's-own-label",
    "observer": "note-of-doctor-quill",
    "wrong": "eyJhbGciOiJIUzI1NiJ9.c29tZWJvZHk.d3Jvbmc",  # pragma: allowlist secret
    "query": "dGhlIHF1ZXJ5IHRva2Vu",
}


async def one_visit(serving: Serving, key: str, recording: Path) -> set[str]:
    """Everything that an integrator, a patient and a doctor do, and some faults. Returns what came into being."""
    headers = {"Authorization": f"Bearer {key}"}
    terms = {
        "reference": PLANTED["reference"],
        "metadata": {"who": PLANTED["metadata"]},
        "labels": f"low_background,{PLANTED['label']}",
    }
    async with httpx.AsyncClient(base_url=serving.http, headers=headers, timeout=60) as backend:
        announced = (await backend.post("/v1/sessions", json=terms)).raise_for_status().json()
        publish = [Subprotocol("tingqing.v1"), Subprotocol(f"bearer.{announced['publish_token']}")]
        observe = [Subprotocol("tingqing.v1"), Subprotocol(f"bearer.{announced['observe_token']}")]
        pcm, rate = pcm_of(recording)
        resume = {"session_id": announced["id"], "resume_token": PLANTED["resume"]}
        begin: dict[str, Any] = {"type": "session.start", "audio": {"encoding": "pcm_s16le", "sample_rate": rate}}
        async with connect(f"{serving.ws}/v1/stream", subprotocols=publish) as patient:
            await patient.send(json.dumps(begin | {"pace": "fast"}))
            started = await until(patient, "session.started")
            watching = f"{serving.ws}/v1/sessions/{announced['id']}/observe"
            async with connect(watching, subprotocols=observe, max_size=None) as doctor:
                await doctor.send(json.dumps({"type": "prompt.send", "id": PLANTED["observer"]}))
                await patient.send('{"type":"far_end","speaking":true}')
                await patient.send(json.dumps({"type": PLANTED["request"]}))
                segment = {"id": "1", "text": PLANTED["later"], "start_s": 0, "end_s": 1, "final": True}
                await patient.send(json.dumps({"type": "transcript", "segments": [segment]}))
                await patient.send(json.dumps({"type": "labels.update", "labels": PLANTED["title"]}))
                await patient.send(pcm[:64_000])
                await until(patient, "error")
                await patient.send('{"type":"session.end"}')
                await until(patient, "session.ended")
        async with connect(f"{serving.ws}/v1/stream?token={announced['publish_token']}", subprotocols=publish) as again:
            await again.send(json.dumps(begin))
            await faults_until_close(again)
        for further in ({"token": PLANTED["first"]}, {"resume": resume}):
            async with connect(f"{serving.ws}/v1/stream", additional_headers=headers) as refused:
                await refused.send(json.dumps(begin | further))
                await faults_until_close(refused)
        wrong = [Subprotocol("tingqing.v1"), Subprotocol(f"bearer.{PLANTED['wrong']}")]
        for url in (f"{serving.ws}/v1/stream?access_token={PLANTED['query']}", watching):
            async with connect(url, subprotocols=wrong) as stranger:
                await faults_until_close(stranger)
        form = {"reference": PLANTED["reference"], "labels": PLANTED["label"]}
        for content in (pcm, PLANTED["request"].encode()):
            await backend.post("/v1/assess", data=form, files={"file": (PLANTED["filename"], content)})
        await backend.post("/v1/assess", headers={"Authorization": f"Bearer {key[:-4]}AAAA"})
        await backend.get(f"/{PLANTED['path']}?key={key}&session={announced['id']}")
        await backend.get(f"/doctor?session={announced['id']}")
    return {
        key,
        announced["publish_token"],
        announced["observe_token"],
        announced["id"],
        started["resume_token"],
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_that_is_private_is_in_a_whole_runs_log(form: str, tmp_path: Path, mixes: Path) -> None:
    data = str(tmp_path / "data")
    key = in_process("keys", "create", "--site", "ward-3", "--role", "admin", "--data-dir", data).out.strip()
    arguments = ["--data-dir", data, "--log-level", "debug", "--log-format", form, "--drain-s", "0", "--no-mos"]
    with Serving(arguments) as serving:
        made = asyncio.run(one_visit(serving, key, mixes / "000_clean_en.flac"))
        code, log = serving.stop()
    assert code == 0
    session = next(one for one in made if len(one) == 32 and one.isalnum())
    assert session[:8] in log, "the lines of a session can be found"
    assert "/v1/assess" in log
    leaked = {secret for secret in made | set(PLANTED.values()) if secret in log}
    assert not leaked
    if form == "json":
        lines = [json.loads(line) for line in log.splitlines() if line != "Stopped."]
        of_socket = [line for line in lines if line.get("path") == "/v1/stream" and line["status"] == 1000]
        assert [line["session_id"] for line in of_socket] == [session[:8]]
