"""``/v1/batches`` of a real server: what it takes in, refuses, tells and deletes, and one that is judged."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from starlette.responses import StreamingResponse

from server.access.gate import utc_now
from server.api import batch_exports, batch_parts, batch_watches
from server.batches.batch import Batch, Judgement, NewFile, Options
from server.errors import StoreError
from server.store.batches import StoredBatches
from server.store.database import open_database
from server.store.processes import ProcessLock
from tests.api.client import http
from tests.api.conftest import Served, start
from tests.archives import Entry, packed_bytes
from tests.rendering.builders import result_of

SOUND = "audio/wav"
SAID = '{"text":"我肚子疼","start_s":0.2,"end_s":1.5,"speaker":"patient"}\n'.encode()


def wav(seconds: float = 1.0) -> bytes:
    written = io.BytesIO()
    rng = np.random.default_rng(7)
    soundfile.write(written, rng.normal(0, 0.05, round(16_000 * seconds)), 16_000, format="WAV")
    return written.getvalue()


def packed(*entries: tuple[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return written.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def idle(folder: Path) -> Iterator[Served]:
    """It takes batches in, and no process judges them."""
    running = start(drain_s=1.0, data_dir=folder, batch_processes=0, mos=False, max_batch_files=20, max_queued_files=60)
    yield running
    running.stop()


def post(
    served: Served, *files: tuple[str, bytes], headers: dict[str, str] | None = None, **fields: str
) -> httpx.Response:
    parts: list[Any] = [("file", (name, data, SOUND)) for name, data in files]
    if "manifest" in fields:
        parts.append(("manifest", ("m.csv", fields.pop("manifest").encode(), "text/csv")))
    return http.post(f"{served.url}/v1/batches", files=parts, data=fields, headers=headers, timeout=60)


def deleted(served: Served, batch_id: str) -> None:
    assert http.delete(f"{served.url}/v1/batches/{batch_id}").status_code == 204


def test_files_and_archives_come_in_with_what_the_manifest_says_of_them(idle: Served, folder: Path) -> None:
    archive = packed(("ward/b.wav", wav()), ("../c.wav", wav()))
    manifest = "file,reference\na.wav,case 1\nb.wav,=2\nnone.wav,x\n"
    answer = post(
        idle, ("a.wav", wav()), ("all.zip", archive), ("empty.wav", b""), manifest=manifest, reference="March"
    )
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert answer.headers["location"] == f"/v1/batches/{batch['id']}"
    assert (batch["files"], batch["waiting"], batch["refused"], batch["state"]) == (4, 2, 2, "waiting")
    assert (batch["reference"], batch["manifest_unmatched"], batch["left_s"]) == ("March", 1, None)
    assert sorted(path.name for path in (folder / "batches" / batch["id"]).iterdir()) == ["1.audio", "2.audio"]
    assert {path.stat().st_mode & 0o777 for path in (folder / "batches").iterdir() if path.is_dir()} == {0o700}
    page = http.get(f"{idle.url}/v1/batches/{batch['id']}/results", params={"limit": 3}).json()
    assert [(one["file"], one["reference"], one["state"]) for one in page["results"]] == [
        ("a.wav", "case 1", "waiting"),
        ("ward/b.wav", "=2", "waiting"),
        ("../c.wav", None, "refused"),
    ]
    assert page["results"][2]["error"]["code"] == "bad_path"
    last = http.get(f"{idle.url}/v1/batches/{batch['id']}/results", params={"cursor": page["next"]}).json()
    assert [one["error"]["code"] for one in last["results"]] == ["empty_file"]
    assert last["next"] is None
    deleted(idle, batch["id"])
    assert not (folder / "batches" / batch["id"]).exists()
    assert http.get(f"{idle.url}/v1/batches/{batch['id']}").status_code == 404
    assert http.get(f"{idle.url}/v1/batches/{batch['id']}").json()["code"] == "unknown_batch"


def test_an_archive_of_chinese_windows_is_taken_in_but_for_the_names_that_are_damaged(
    idle: Served, folder: Path
) -> None:
    named = [
        Entry(name.encode("gbk"), wav(), marked) for name, marked in (("门诊/张三.wav", False), ("李四.wav", True))
    ]
    said = Entry("门诊/张三.jsonl".encode("gbk"), SAID)
    archive = packed_bytes(*named, said, Entry(b"\xff\xfe.wav", wav(), marked=True))
    manifest = "file,reference\n门诊/张三.wav,case 3\n李四.wav,case 4\n"
    batch = post(idle, ("all.zip", archive), ("b.wav", wav()), manifest=manifest).json()
    assert (batch["files"], batch["waiting"], batch["refused"], batch["manifest_unmatched"]) == (4, 3, 1, 0)
    page = http.get(f"{idle.url}/v1/batches/{batch['id']}/results").json()["results"]
    assert [(one["file"], one["reference"]) for one in page] == [
        ("门诊/张三.wav", "case 3"), ("李四.wav", "case 4"), ("\ufffd\ufffd.wav", None), ("b.wav", None),
    ]  # fmt: skip
    assert page[2]["error"]["code"] == "bad_name"
    waiting = {path.name for path in (folder / "batches" / batch["id"]).iterdir()}
    assert waiting == {"1.said", "1.said.audio", "2.audio", "4.audio"}
    deleted(idle, batch["id"])


@pytest.mark.parametrize(
    ("files", "fields", "status", "code"),
    [
        ((), {}, 400, "malformed_message"),
        ((("a.wav", b"x"),), {"labels": "nothing that there is, 无此标签"}, 202, None),
        ((("a.wav", b"x"),), {"labels": "[]"}, 422, "invalid_labels"),
        ((("a.wav", b"x"),), {"mode": "party"}, 422, "invalid_config"),
        ((("a.wav", b"x"),), {"unknown": "1"}, 422, "invalid_config"),
        ((("a.wav", b"x"),), {"manifest": "a,b\n"}, 422, "invalid_config"),
        ((("a.wav", b"x"),) * 21, {}, 413, "payload_too_large"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_file(
    idle: Served, folder: Path, files: tuple[Any, ...], fields: dict[str, str], status: int, code: str | None
) -> None:
    answer = (
        post(idle, *files, headers=None, **fields)
        if files
        else http.post(f"{idle.url}/v1/batches", files={"manifest": b""})
    )
    assert answer.status_code == status, answer.text
    if code is None:
        deleted(idle, answer.json()["id"])
    else:
        assert answer.json()["code"] == code
    assert [path for path in (folder / "batches").iterdir() if path.is_dir()] == []


def test_each_file_past_the_limit_says_so_and_none_of_its_sound_stays(idle: Served, folder: Path) -> None:
    archive = packed(*((f"{number}.wav", b"x") for number in range(19)))
    batch = post(idle, ("all.zip", archive), ("a.wav", b"x"), ("b.wav", b"x"), ("more.zip", archive)).json()
    assert (batch["files"], batch["waiting"], batch["refused"]) == (22, 20, 2)
    page = http.get(f"{idle.url}/v1/batches/{batch['id']}/results", params={"cursor": "20"}).json()["results"]
    assert [(one["file"], one["error"]["code"]) for one in page] == [
        ("b.wav", "too_many_files"),
        ("more.zip", "too_many_files"),
    ]
    assert len([*(folder / "batches" / batch["id"]).iterdir()]) == 20
    deleted(idle, batch["id"])


def test_a_disk_that_fills_up_while_files_come_in_is_told(
    idle: Served, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fills_up(_folder: Path) -> None:
        nonlocal calls
        calls += 1
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(batch_parts, "room", fills_up)
    answer = post(idle, ("a.wav", bytes(5_000_000)))
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
    assert calls == 1
    assert [path for path in (folder / "batches").iterdir() if path.is_dir()] == []


def test_a_files_own_name_is_kept_without_zero_bytes_and_cut_visibly(tmp_path: Path) -> None:
    parts = batch_parts.Parts(b"b", tmp_path, 2, 100)
    for name in (b"a\0.wav", b"b" * 300 + b".wav"):
        parts.feed(b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\nRIFF\r\n')
    parts.feed(b"--b--\r\n")
    parts.finish()
    assert [one.name for one in parts.files] == ["a\ufffd.wav", f"…{'b' * 195}.wav"]


def test_a_body_that_is_no_form_or_breaks_off_is_refused(idle: Served, folder: Path) -> None:
    url = f"{idle.url}/v1/batches"
    assert http.post(url, content=b"RIFF").status_code == 415
    kind = {"content-type": "multipart/form-data; boundary=b"}
    whole = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n'
    for body in (whole[:-8], b"nonsense", whole.replace(b'name="file"; ', b"")):
        answer = http.post(url, content=body, headers=kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_message"), body
    assert [path for path in (folder / "batches").iterdir() if path.is_dir()] == []


def test_a_site_whose_files_wait_is_asked_to_come_later(idle: Served) -> None:
    ids = [post(idle, *[(f"{n}.wav", b"x") for n in range(20)]).json()["id"] for _ in range(3)]
    answer = post(idle, ("a.wav", b"x"))
    assert (answer.status_code, answer.json()["code"]) == (503, "at_capacity")
    assert int(answer.headers["retry-after"]) > 0
    for batch_id in ids:
        deleted(idle, batch_id)


def test_a_batch_that_is_sent_again_with_its_key_is_one_batch(idle: Served) -> None:
    key = {"Idempotency-Key": "one"}
    first, again = post(idle, ("a.wav", b"x"), headers=key), post(idle, ("a.wav", b"x"), headers=key)
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = post(idle, ("a.wav", b"y"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert post(idle, ("a.wav", b"x"), headers={"Idempotency-Key": "a b"}).status_code == 422
    deleted(idle, first.json()["id"])


def test_a_recording_that_is_sent_again_with_its_key_is_judged_once(idle: Served) -> None:
    def sent(data: bytes, key: str, **fields: str) -> httpx.Response:
        return http.post(
            f"{idle.url}/v1/assess",
            files={"file": ("a.wav", data)},
            data=fields,
            headers={"Idempotency-Key": key},
            timeout=60,
        )

    first, again = sent(wav(), "k"), sent(wav(), "k")
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert sent(wav(), "k", reference="other").status_code == 422
    assert sent(b"no sound", "bad").status_code == 415
    assert sent(wav(), "bad").status_code == 200, "an error is not kept"


def test_a_batch_is_written_down_with_the_answer_to_its_request(idle: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a server that died as soon as the batch was there: the same answer is given again."""
    key = {"Idempotency-Key": "died"}
    repeats = idle.services.repeats
    real = repeats.end

    async def lost(digest: str, kept: object) -> None:
        await real(digest, None)

    with monkeypatch.context() as failing:
        failing.setattr(repeats, "end", lost)
        first = post(idle, ("a.wav", b"x"), ("b.wav", b""), headers=key)
    again = post(idle, ("a.wav", b"x"), ("b.wav", b""), headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    now = http.get(f"{idle.url}/v1/batches/{first.json()['id']}").json()
    assert now | {"manifest_unmatched": 0} == first.json(), "what was answered is what was written"
    deleted(idle, first.json()["id"])


def test_what_was_made_is_not_made_twice_though_its_answer_is_forgotten(
    idle: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"Idempotency-Key": "forgotten"}
    desk, repeats = idle.services.batches, idle.services.repeats
    assert desk is not None
    add, end = desk.store.add, repeats.end

    async def unanswered(*given: Any) -> None:
        await add(*given[:-1])

    async def lost(digest: str, kept: object) -> None:
        await end(digest, None)

    with monkeypatch.context() as failing:
        failing.setattr(desk.store, "add", unanswered)
        failing.setattr(repeats, "end", lost)
        first = post(idle, ("a.wav", b"x"), headers=key)
    again = post(idle, ("a.wav", b"x"), headers=key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert "idempotency-replayed" not in again.headers
    deleted(idle, first.json()["id"])


def test_files_of_a_batch_that_may_be_written_down_stay_whatever_went_wrong_after(
    idle: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that took the batch and then failed: without its files the batch could never be judged."""
    desk = idle.services.batches
    assert desk is not None
    real = desk.store.add

    async def taken_and_failed(*given: Any) -> None:
        await real(*given)
        raise StoreError("the answer was lost")

    key = {"Idempotency-Key": "written"}
    with monkeypatch.context() as failing:
        failing.setattr(desk.store, "add", taken_and_failed)
        assert post(idle, ("a.wav", b"x"), headers=key).status_code == 503
    again = post(idle, ("a.wav", b"x"), headers=key)
    assert again.status_code == 202
    assert [path.read_bytes() for path in desk.folders.of(again.json()["id"]).iterdir()] == [b"x"]
    deleted(idle, again.json()["id"])


def test_without_a_data_folder_batches_are_refused_with_what_to_do(served: Served) -> None:
    answer = post(served, ("a.wav", b"x"))
    assert (answer.status_code, answer.json()["code"]) == (404, "no_batches")
    assert "--data-dir" in answer.json()["detail"]


def test_the_document_tells_of_batches_with_an_example(idle: Served) -> None:
    document = http.get(f"{idle.url}/openapi.json").json()
    post_ = document["paths"]["/v1/batches"]["post"]
    assert {one["name"] for one in post_["parameters"]} == {"Idempotency-Key"}
    assert document["components"]["schemas"]["BatchModel"]["example"]["files"] == 120


def test_so_many_watch_a_batch_and_no_more(idle: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_watches, "MOST_OF_CALLER", 2)
    batch_id = post(idle, ("a.wav", b"x")).json()["id"]
    url = f"{idle.url}/v1/batches/{batch_id}/events"
    lines: list[Iterator[str]] = []
    with ExitStack() as streams:
        for _ in range(2):
            stream = streams.enter_context(http.stream("GET", url, timeout=60))
            assert stream.status_code == 200
            lines.append(stream.iter_lines())  # whoever drops it closes the stream
            assert next(lines[-1]).startswith("retry")
        until_told(url, 503)
        streams.close()
    until_told(url, 200)
    deleted(idle, batch_id)


def until_told(url: str, status: int) -> None:
    """A stream counts from its first line on, until its end is noticed."""
    while True:
        with http.stream("GET", url, timeout=60) as stream:
            if stream.status_code == status:
                return


async def test_a_page_of_results_is_bounded_by_bytes_and_leads_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_exports, "PAGE_BYTES", 2500)
    async with open_database(tmp_path) as database:
        lock = ProcessLock(tmp_path)
        store = StoredBatches(database, lock, keep=False)
        new = Batch("b", "ward", None, utc_now(), Options(), 20)
        await store.add(new, [NewFile(f"{number}.wav", 1, str(number)) for number in range(20)], 99)
        for _ in range(20):
            taken = await store.take()
            assert taken is not None
            result = result_of({})
            result = replace(result, identity=replace(result.identity, id=f"{taken.number:032x}"))
            await store.judged(taken, Judgement(result, utc_now(), json.dumps({"id": "x" * 1000})))
        pages, after = [], 0
        while True:
            answer = await batch_exports.page(store, new, after, 50)
            assert isinstance(answer, StreamingResponse)
            pieces = [bytes(piece) async for piece in answer.body_iterator if isinstance(piece, bytes)]
            read = json.loads(b"".join(pieces))
            pages.append([one["position"] for one in read["results"]])
            if read["next"] is None:
                break
            after = int(read["next"])
        lock.close()
    assert [position for one in pages for position in one] == [*range(1, 21)]
    assert {len(one) for one in pages} == {3, 2}


@pytest.mark.timeout(300)
def test_what_was_said_in_recordings_of_a_batch_is_judged_and_gone(tmp_path: Path) -> None:
    running = start(drain_s=1.0, data_dir=tmp_path, mos=False, clap="off")
    try:
        archive = packed(("ward/b.wav", wav(2)), ("ward/b.wav.jsonl", SAID))
        sent = post(running, ("a.wav", wav(2)), ("a.jsonl", b"not JSON"), ("all.zip", archive), ("c.jsonl", SAID))
        url = f"{running.url}/v1/batches/{sent.json()['id']}"
        assert sent.json()["files"] == 3
        with http.stream("GET", f"{url}/events", timeout=200) as stream:
            assert any(line == "event: done" for line in stream.iter_lines())
        page = http.get(f"{url}/results")
        a, b, c = page.json()["results"]
        assert (a["file"], a["error"]["code"]) == ("a.wav", "invalid_transcript")
        assert "transcript:1" in a["error"]["zh"]
        label = b["result"]["labels"]["pain_location"]
        assert (b["file"], label["state"], label["heard_at_s"]) == ("ward/b.wav", "stated", 0.2)
        assert (c["file"], c["error"]["code"]) == ("c.jsonl", "no_recording")
        assert "肚子疼" not in page.text
        kept = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not any("肚子疼".encode() in path.read_bytes() or path.suffix in (".said", ".audio") for path in kept)
    finally:
        running.stop()


@pytest.mark.timeout(300)
def test_a_batch_is_judged_told_exported_and_its_files_are_gone(tmp_path: Path, mixes: Path) -> None:
    running = start(drain_s=1.0, data_dir=tmp_path, mos=False, clap="off")
    try:
        archive = packed(("ward/b.wav", wav(2)), ("c.txt", b"no sound at all"))
        sound = (mixes / "000_clean_en.flac").read_bytes()
        manifest = "file,reference\na.flac,=1+1\n"
        batch = post(running, ("a.flac", sound), ("all.zip", archive), manifest=manifest).json()
        url = f"{running.url}/v1/batches/{batch['id']}"
        told: list[tuple[str, str, dict[str, Any]]] = []
        with http.stream("GET", f"{url}/events", timeout=200) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            number = name = ""
            for line in stream.iter_lines():
                field, _, value = line.partition(": ")
                number = value if field == "id" else number
                name = value if field == "event" else name
                if field == "data":
                    told.append((name, number, json.loads(value)))
        files = [(number, one["file"], one["state"]) for name, number, one in told if name == "file"]
        assert [number for number, *_ in files] == ["1", "2", "3"]
        assert {(name, state) for _, name, state in files} == {
            ("a.flac", "judged"), ("ward/b.wav", "judged"), ("c.txt", "refused"),
        }  # fmt: skip
        assert told[-1][0] == "done"
        with http.stream("GET", f"{url}/events", headers={"Last-Event-ID": "2"}, timeout=60) as stream:
            assert [line for line in stream.iter_lines() if line.startswith("id: ")] == ["id: 3"]
        state = http.get(url).json()
        assert (state["state"], state["judged"], state["refused"], state["left_s"]) == ("done", 2, 1, 0)
        assert [*(tmp_path / "batches" / batch["id"]).iterdir()] == []
        page = http.get(f"{url}/results").json()["results"]
        alone = http.post(f"{running.url}/v1/assess", files={"file": ("a.flac", sound)}, timeout=60).json()
        assert page[0]["result"]["overall"] == alone["overall"], "as if it were sent alone"
        assert page[0]["result"]["windows"] == []
        assert page[0]["result"]["reference"] == "=1+1"
        assert page[2]["error"]["zh"]
        lines = http.get(f"{url}/results", params={"format": "jsonl"}).text.splitlines()
        assert [json.loads(line) for line in lines] == page
        text = http.get(f"{url}/results", params={"format": "csv"}).content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["file"] for row in rows] == ["a.flac", "ward/b.wav", "c.txt"]
        assert rows[0]["reference"] == "'=1+1", "a spreadsheet computes nothing"
        assert rows[2]["error_zh"] == page[2]["error"]["zh"]
        assert (rows[0]["basis"], rows[2]["basis"]) == (page[0]["result"]["basis"], "")
        assert float(rows[0]["low_background"]) == page[0]["result"]["labels"]["low_background"]["score"]
        sheet = http.get(f"{url}/results", params={"format": "xlsx"}).content
        with zipfile.ZipFile(io.BytesIO(sheet)) as book:
            text = book.read("xl/worksheets/sheet1.xml").decode()
            assert "a.flac" in text
            assert "<f>" not in text
        report = http.get(f"{url}/report?language=en")
        assert report.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
        assert report.text.count('<section class="report"') == 2
        assert "c.txt" in report.text, "with what was refused"
        assert "No waveform was kept" not in report.text
    finally:
        running.stop()
