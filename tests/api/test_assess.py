"""``POST /v1/assess`` over a real socket: results, and a problem for everything else."""

import asyncio
import io
import json
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from starlette.datastructures import FormData

from server.api.uploads import _until_gone as until_gone
from server.dictionaries import Dictionaries
from server.recording.decode import Recording
from server.wire.result import ResultModel
from tests.api.client import http
from tests.api.conftest import Served, start
from tests.recording.encoding import encoded
from tests.visits import material

RNG = np.random.default_rng(11)


def wav(seconds: float = 1.0, rate: int = 16_000) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, RNG.uniform(-0.1, 0.1, int(seconds * rate)), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def post(served: Served, content: bytes = b"", name: str = "x.wav", **fields: str) -> httpx.Response:
    return http.post(f"{served.url}/v1/assess", files={"file": (name, content)}, data=fields, timeout=60)


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["code"] == code, body
    assert body["type"] == f"urn:tingqing:error:{code}"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["detail"]
    return body


def test_a_recording_gives_a_result(served: Served, mixes: Path) -> None:
    path = sorted(mixes.glob("*.flac"))[0]
    answer = post(served, path.read_bytes(), "看病.flac", reference="r-1")
    assert answer.status_code == 200, answer.text
    result = ResultModel.model_validate(answer.json())
    assert result.source.kind == "file"
    assert result.source.name == "看病.flac"
    assert result.reference == "r-1"
    assert result.windows
    assert result.model.shed == 0


def test_the_named_channel_is_judged_and_a_dead_one_is_told(served: Served) -> None:
    buffer = io.BytesIO()
    samples = np.zeros((4 * 16_000, 2))
    samples[:, 1] = RNG.uniform(-0.1, 0.1, 4 * 16_000)
    soundfile.write(buffer, samples, 16_000, format="WAV", subtype="PCM_16")
    left = post(served, buffer.getvalue(), channels="patient=left").json()
    assert left["measures"]["noise_dbfs"] == -120.0
    assert left["notices"] == []
    found = post(served, buffer.getvalue()).json()
    assert found["measures"]["noise_dbfs"] > -40.0
    assert found["notices"][0]["code"] == "dead_channel"
    assert "left channel" in found["notices"][0]["en"]


def test_an_mp3_with_cover_art_needs_no_name(served: Served) -> None:
    """As FormData sends a Blob: the name says nothing, nor does the type. The tag claims less than it has."""
    audio = io.BytesIO()
    soundfile.write(audio, RNG.uniform(-0.1, 0.1, 2 * 16_000), 16_000, format="MP3")
    picture = b"APIC" + bytes((0, 3, 0, 0)) + b"\0\0\0image/jpeg\0\3\0\xff\xd8" + RNG.bytes(49_136)
    file = b"ID3\4\0\0" + bytes((0, 1, 0, 0)) + picture + audio.getvalue()
    sent = {"file": ("blob", file, "application/octet-stream")}
    answer = http.post(f"{served.url}/v1/assess", files=sent, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["source"]["duration_s"] == pytest.approx(2.0, abs=0.1)


def test_a_wav_written_into_a_pipe_is_judged_to_its_end(served: Served) -> None:
    file = bytearray(wav(3.0))
    file[4:8] = file[40:44] = bytes(4)
    assert post(served, bytes(file), "piped.wav").json()["source"]["duration_s"] == 3.0


def test_a_recorded_call_is_judged_as_one_if_it_is_said_to_be(served: Served, mixes: Path) -> None:
    call = material.wav(material.over_the_telephone(material.spoken(mixes, seconds=5)), 8_000)
    passed = [
        post(served, call, labels="full_bandwidth", **source).json()["labels"]["full_bandwidth"]["passed"]
        for source in ({}, {"source": "telephone"})
    ]
    assert passed == [False, True]
    problem_of(post(served, call, source="microphone"), 422, "invalid_config")


def test_flat_is_titles_scores_and_one_sentence(served: Served) -> None:
    flat = post(served, wav(4), labels="low_background,无明显混响", format="flat").json()
    assert list(flat) == ["无背景强干扰", "无明显混响", "综合建议"]
    english = post(served, wav(4), labels="low_background", format="flat", language="en").json()
    assert list(english) == ["No strong background noise", "Overall advice"]


def test_mode_is_repeated_and_a_recording_unless_said(served: Served) -> None:
    assert post(served, wav()).json()["mode"] == "recording"
    assert post(served, wav(), mode="visit").json()["mode"] == "visit"


def test_labels_may_be_an_array_with_thresholds(served: Served) -> None:
    labels = json.dumps([{"label": "low_background", "threshold": 0.5}])
    assert post(served, wav(4), labels=labels).json()["labels"]["low_background"]["threshold"] == 0.5


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_recording_that_is_too_short_gets_a_result_not_an_error(served: Served, seconds: float) -> None:
    answer = post(served, wav(seconds))
    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert result["overall"]["verdict"] == "unusable"
    assert result["windows"] == []


def test_a_truncated_file_is_assessed_and_the_result_says_where_it_ends(served: Served, tmp_path: Path) -> None:
    whole = encoded(tmp_path / "a.m4a", "-movflags", "+faststart").read_bytes()
    result = post(served, whole[: len(whole) * 3 // 4], "voice.mp3").json()
    assert 2 < result["source"]["duration_s"] < 4.9
    assert result["unusable_spans"][-1]["why"] == "undecodable"
    assert "cut_short" in [notice["code"] for notice in result["notices"]]


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty_file"), (b"no audio at all", "undecodable_file"), (bytes(5_000), None)]
)
def test_an_undecodable_file_is_415_with_words_in_both_languages(
    served: Served, content: bytes, code: str | None
) -> None:
    problem = problem_of(post(served, content), 415, code or "undecodable_file")
    assert problem["param"] == "file"
    assert re.search("[一-鿿]", problem["detail_zh"])


def test_whose_recording_is_protected_is_shown_where_to_record(served: Served) -> None:
    problem = problem_of(post(served, b"CTENFDAM" + bytes(500)), 415, "protected_file")
    assert problem["record_url"] == f"{served.url}/"


def test_sound_without_a_header_is_judged_as_its_owner_says(served: Served) -> None:
    pcm = wav(4)[44:]
    assert post(served, pcm, raw="s16le:16000:1").json()["source"]["duration_s"] == 4.0
    assert post(served, pcm, raw="alaw:8000:2").json()["source"] | {"name": ""} == {
        "kind": "file", "name": "", "duration_s": 8.0, "speech_s": 0.0, "sample_rate": 8000,
    }  # fmt: skip
    assert problem_of(post(served, pcm, raw="mp3"), 422, "invalid_config")["param"] == "raw"


def test_a_body_that_is_not_multipart_is_415(served: Served) -> None:
    problem_of(http.post(f"{served.url}/v1/assess", content=wav()), 415, "unsupported_media_type")
    problem_of(http.post(f"{served.url}/v1/assess", data={"labels": "x"}), 415, "unsupported_media_type")


def test_a_broken_or_empty_form_is_400(served: Served) -> None:
    url = f"{served.url}/v1/assess"
    problem_of(http.post(url, files={"other": b"x"}), 400, "malformed_message")
    problem_of(http.post(url, files={"labels": (None, "low_background")}), 400, "malformed_message")
    problem_of(http.post(url, files=[("file", b"a"), ("file", b"b")]), 400, "malformed_message")
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        problem_of(http.post(url, content=b"garbage\r\n", headers={"Content-Type": kind}), 400, "malformed_message")


SAID = '{"text":"我肚子疼","start_s":0.2,"end_s":1.5,"speaker":"patient"}\n'


@pytest.mark.parametrize("as_file", [True, False])
def test_what_was_said_comes_as_a_second_part_and_is_judged_but_not_repeated(served: Served, as_file: bool) -> None:
    transcript = ("said.jsonl", SAID.encode()) if as_file else (None, SAID)
    answer = http.post(
        f"{served.url}/v1/assess", files=[("file", ("x.wav", wav(2))), ("transcript", transcript)], timeout=60
    )
    assert answer.status_code == 200, answer.text
    label = answer.json()["labels"]["pain_location"]
    assert (label["state"], label["heard_at_s"]) == ("stated", 0.2)
    assert "transcript" in answer.json()["model"]["scorers"]
    assert "肚子疼" not in answer.text


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([("transcript", "not JSON")], 422, "invalid_transcript"),
        ([("transcript", SAID), ("transcript", SAID)], 400, "malformed_message"),
        ([("transcript", '{"text":"%s"}' % ("疼" * 50_001))], 413, "payload_too_large"),
        ([("transcript", " " * 1_000_001)], 413, "payload_too_large"),
    ],
)
def test_a_transcript_that_cannot_be_taken_is_named_and_not_repeated(
    served: Served, parts: list[tuple[str, str]], status: int, code: str
) -> None:
    files: list[tuple[str, tuple[str | None, bytes]]] = [("file", ("x.wav", wav()))]
    files += [(name, ("said.jsonl" if len(parts) == 1 else None, text.encode())) for name, text in parts]
    body = problem_of(http.post(f"{served.url}/v1/assess", files=files, timeout=60), status, code)
    assert body["param"] == "transcript"
    assert "疼" not in str(body)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"format": "xml"}, "invalid_config", "format"),
        ({"shout": "1"}, "invalid_config", "shout"),
        ({"language": "zh CN"}, "invalid_config", "language"),
        ({"mode": "interview"}, "invalid_config", "mode"),
        ({"reference": "x" * 201}, "invalid_config", "reference"),
        ({"channels": "right"}, "invalid_config", "channels"),
        ({"channels": "patient=right"}, "invalid_config", "channels"),
        ({"labels": "[{}]"}, "invalid_labels", "labels.0.label"),
        ({"labels": "[1"}, "invalid_labels", "labels"),
        ({"labels": '{"label": "low_background"}'}, "invalid_labels", "labels"),
        ({"labels": '[{"label": "low_background", "threshold": true}]'}, "invalid_labels", "labels.0.threshold"),
        ({"labels": ",,"}, "invalid_labels", "labels"),
    ],
)
def test_a_wrong_field_is_422_and_named(served: Served, fields: dict[str, str], code: str, param: str) -> None:
    assert problem_of(post(served, wav(), **fields), 422, code)["param"] == param


def test_other_addresses_and_methods_are_problems_too(served: Served) -> None:
    problem_of(http.get(f"{served.url}/v1/nothing"), 404, "not_found")
    problem_of(http.get(f"{served.url}/v1/schema/nothing"), 422, "invalid_request")
    problem_of(http.post(f"{served.url}/nothing"), 404, "not_found")
    for method in ("GET", "DELETE", "OPTIONS"):
        answer = http.request(method, f"{served.url}/v1/assess")
        problem_of(answer, 405, "method_not_allowed")
        assert "POST" in answer.headers["allow"]


def test_pages_of_other_sites_cannot_post(served: Served) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
        problem_of(http.post(f"{served.url}/v1/assess", files={"file": wav()}, headers=headers), 403, "forbidden")
    own = {"Origin": served.url}
    assert http.post(f"{served.url}/v1/assess", files={"file": wav()}, headers=own, timeout=60).status_code == 200


@pytest.fixture(scope="module")
def small() -> Any:
    """A server that takes 1 MB, one file at a time, none waiting, and waits for its clients as long as a test takes."""
    running = start(
        max_upload_mb=1, max_assessments=1, max_waiting_uploads=0, upload_timeout_s=600.0, drain_s=0.0, mos=False
    )
    yield running
    running.stop()


def test_the_limit_counts_received_bytes_not_the_declared_length(small: Served) -> None:
    boundary = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\n"

    def endless() -> Any:
        yield boundary
        for _ in range(30):
            yield bytes(100_000)

    answer = http.post(
        f"{small.url}/v1/assess", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    problem_of(answer, 413, "payload_too_large")
    problem_of(post(small, bytes(1_100_000)), 413, "payload_too_large")
    assert post(small, wav(10)).status_code == 200


def test_a_small_file_of_hours_is_answered_shortly_or_refused_with_what_to_do(small: Served) -> None:
    half_an_hour, tones = io.BytesIO(), io.BytesIO()
    soundfile.write(half_an_hour, np.zeros(700 * 16_000, np.int16), 16_000, format="FLAC")
    assert len(half_an_hour.getvalue()) < 100_000
    answer = post(small, half_an_hour.getvalue())
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["windows"]) <= 600
    assert len(answer.content) < 2**21
    assert answer.json()["notices"][-1]["code"] == "windows_thinned"
    assert post(small, half_an_hour.getvalue(), windows="none").json()["windows"] == []
    everything = post(small, half_an_hour.getvalue(), windows="all").json()
    assert len(everything["windows"]) == 698
    soundfile.write(tones, np.resize(np.array([900, -900], np.int16), 600 * 16_000), 16_000, format="FLAC")
    costly = start(max_upload_cpu_s=0.1, mos=False)
    try:
        body = problem_of(post(costly, tones.getvalue()), 413, "too_costly")
    finally:
        costly.stop()
    assert "in parts" in body["detail"]
    assert body["retryable"] is False


def test_a_declared_length_over_the_limit_is_refused_at_once(small: Served) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as line:
        head = (
            f"POST /v1/assess HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nContent-Length: 9000000000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        line.sendall(head.encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 413")


def stalled(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=60)
    line.sendall(
        f"POST /v1/assess HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 90000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n".encode()
    )
    return line


@pytest.fixture
def impatient(small: Served) -> Iterator[Served]:
    """The small server, while it waits for nobody."""
    app, services = small.server.config.app, small.services
    assert isinstance(app, FastAPI)
    app.state.services = replace(services, uploads=replace(services.uploads, timeout_s=0.5))
    yield small
    app.state.services = services


def test_a_stalled_upload_is_408_and_makes_room(impatient: Served) -> None:
    with stalled(impatient.port) as line:
        assert line.recv(4096).startswith(b"HTTP/1.1 408")
    wait_until(lambda: impatient.services.slots.free == 1)


def test_an_upload_beyond_the_waiting_limit_is_503_with_retry_after(small: Served) -> None:
    with stalled(small.port):
        wait_until(lambda: small.services.slots.free == 0)
        busy = post(small, wav())
        assert problem_of(busy, 503, "at_capacity")["retryable"] is True
        assert int(busy.headers["retry-after"]) >= 1
    wait_until(lambda: small.services.slots.free == 1)


def test_an_upload_byte_by_byte_is_408_and_makes_room(impatient: Served) -> None:
    with stalled(impatient.port) as line:
        line.settimeout(0.1)
        answer = b""
        for _ in range(600):  # never silent for as long as the server waits
            line.sendall(b"x")
            try:
                answer = line.recv(4096)
                break
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408")
    wait_until(lambda: impatient.services.slots.free == 1)


def uploading(port: int, content: bytes) -> socket.socket:
    """A client that has sent all of ``content`` and waits for the answer."""
    body = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\n" + content + b"\r\n--b--\r\n"
    line = socket.create_connection(("127.0.0.1", port), timeout=60)
    line.sendall(
        f"POST /v1/assess HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        + body
    )
    return line


@pytest.mark.parametrize("charset", ["idna", "punycode", "undefined", "unicode_escape", "utf-7", "x" * 60_000])
def test_only_utf_8_is_a_charset(served: Served, charset: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="reference"\r\n\r\n\xe5\xa5\xbd\r\n--x--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    answer = http.post(f"{served.url}/v1/assess", content=body, headers=headers)
    problem_of(answer, 415, "unsupported_media_type")
    headers["Content-Type"] = "multipart/form-data; boundary=x; charset=UTF-8"
    problem_of(http.post(f"{served.url}/v1/assess", content=body, headers=headers), 400, "malformed_message")


def test_labels_of_a_recording_are_resolved_beside_the_loop(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, threads = Dictionaries.resolve, []

    def noted(self: Dictionaries, *asked: Any) -> Any:
        threads.append(threading.get_ident())
        return resolve(self, *asked)

    monkeypatch.setattr(Dictionaries, "resolve", noted)
    assert post(served, wav(), labels="low_background").status_code == 200
    assert threads
    assert served.thread.ident not in threads


def test_a_client_that_leaves_stops_the_work(small: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    started, stopped = threading.Event(), threading.Event()

    async def endless(_engine: Any, recording: Recording, *_labels: Any, **_options: Any) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            recording.close()
            stopped.set()

    monkeypatch.setattr("server.api.assess.assess_recording", endless)
    with uploading(small.port, wav()):
        assert started.wait(60)
    assert stopped.wait(60)
    wait_until(lambda: small.services.slots.free == 1)
    monkeypatch.undo()
    assert post(small, wav()).status_code == 200


@pytest.mark.parametrize("reads", ["header", "block"])
def test_a_client_that_leaves_closes_no_file_under_the_thread_that_reads_it(
    small: Served, monkeypatch: pytest.MonkeyPatch, reads: str
) -> None:
    reading, left, closed = threading.Event(), threading.Event(), threading.Event()
    closed_while_read: list[bool] = []

    def held() -> None:
        """Reads until well after the client has left."""
        reading.set()
        assert left.wait(60)
        closed_while_read.append(closed.wait(0.5))

    class Held(Recording):
        """A real recording whose header, or whose first block, takes as long as ``held``."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            if reads == "header":
                held()

        def _read_block(self, frames_so_far: int) -> Any:
            if reads == "block" and not reading.is_set():
                held()
            return super()._read_block(frames_so_far)

    close = FormData.close

    async def noticed(form: FormData) -> None:
        closed.set()
        await close(form)

    async def gone(receive: Any) -> None:
        await until_gone(receive)
        left.set()

    monkeypatch.setattr("server.recording.decode.Recording", Held)
    monkeypatch.setattr("server.api.uploads._until_gone", gone)
    monkeypatch.setattr(FormData, "close", noticed)
    with uploading(small.port, wav()):
        assert reading.wait(60)
    assert closed.wait(60)
    assert closed_while_read == [False]
    wait_until(lambda: small.services.slots.free == 1)


def wait_until(condition: Any, within_s: float = 60.0) -> None:
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.01)


async def test_odd_files_of_every_kind_end_in_a_result_or_a_problem(small: Served, shared: Path) -> None:
    """The two smallest of each kind, and one that is too large; ``tests/recording`` assesses all."""
    files = sorted((shared / "audio" / "odd_formats").iterdir(), key=lambda path: path.stat().st_size)
    kinds: dict[str, list[Path]] = {}
    for path in files:
        kinds.setdefault(path.suffix.lower(), []).append(path)
    seen = set()
    async with httpx.AsyncClient(base_url=small.url, timeout=60) as client:
        for path in [*(path for kind in kinds.values() for path in kind[:2]), files[-1]]:
            content = await asyncio.to_thread(path.read_bytes)
            answer = await client.post("/v1/assess", files={"file": (path.name, content)})
            assert answer.status_code in ({413} if len(content) > 999_000 else {200, 415}), (path.name, answer.text)
            seen.add(answer.status_code)
            if answer.status_code == 200:
                ResultModel.model_validate(answer.json())
    assert seen == {200, 413, 415}


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No temporary file can be made; the folder is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))


@pytest.mark.usefixtures("nowhere")
def test_an_upload_for_which_there_is_no_room_is_507_and_may_be_sent_again(served: Served) -> None:
    answer = post(served, wav(60.0))
    body = problem_of(answer, 507, "no_room")
    assert body["retryable"]
    assert int(answer.headers["retry-after"]) > 0
    assert post(served, wav(0.2)).status_code == 200, "what fits into memory needs no room"


@pytest.mark.usefixtures("nowhere")
def test_an_mp3_that_cannot_be_copied_is_not_called_undecodable(served: Served) -> None:
    problem_of(post(served, b"\xff\xfb\x90\x00" + bytes(2_000), "x.mp3"), 507, "no_room")
