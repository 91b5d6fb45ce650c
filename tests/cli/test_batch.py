"""``tingqing batch`` against a real server, and its client against one that fails."""

import asyncio
import csv
import io
import json
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from server.access.gate import utc_now
from server.batches.batch import Fault, Judgement
from server.cli import batch_sending
from server.client import batch_client
from server.client.batch_client import BatchClient
from server.client.http_client import MOST_OF_ANSWER, HttpClient, RefusedError, server_url
from server.client.multipart import FilePart, Form
from server.errors import ClientError
from server.rendering.results import result_model
from server.wire.common import Verdict
from tests.api.conftest import Served, start
from tests.cli.chinese import is_chinese
from tests.cli.conftest import Ran, in_process
from tests.rendering.builders import result_of
from tests.tls.making import made

FAULT = Fault("undecodable_file", "No decoder reads this.", "无法解码。")


@dataclass
class Desk:
    """A server that takes batches in; ``judge`` settles all that waits: what is named bad is refused."""

    served: Served
    judged: int = 0

    def judge(self) -> None:
        self._wait(self._judge())

    def _wait(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self.served.loop)
        return future.result(60)

    async def _judge(self) -> None:
        desk = self.served.services.batches
        assert desk is not None
        while (file := await desk.store.take()) is not None:
            if "bad" in file.name:
                await desk.store.refused(file, FAULT)
                continue
            self.judged += 1
            plain = result_of({})
            identity = replace(plain.identity, id=f"{file.number:032x}", name=file.name, reference=file.reference)
            verdict: Verdict = "re-record" if "noisy" in file.name else "accept"
            overall = replace(plain.overall, verdict=verdict, passed=verdict == "accept")
            result = replace(plain, identity=identity, overall=overall)
            text = result_model(result).model_dump_json()
            await desk.store.judged(file, Judgement(result, utc_now(), text))

    def run(self, *arguments: str | Path) -> Ran:
        return in_process("batch", *arguments, "--server", self.served.url)

    def listed(self) -> list[dict[str, Any]]:
        return self.run("list", "--format", "json").lines()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    served = start(drain_s=1.0, data_dir=tmp_path_factory.mktemp("data"), batch_processes=0, mos=False)
    yield Desk(served)
    served.stop()


@pytest.fixture
def judging(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """As soon as somebody follows a batch, it is judged."""
    plain = BatchClient.follow

    def follow(self: BatchClient, batch_id: str, told: Callable[[str, dict[str, Any]], None]) -> None:
        desk.judge()
        plain(self, batch_id, told)

    monkeypatch.setattr(BatchClient, "follow", follow)
    return desk


def recordings(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"sound of " + name.encode())
    return [folder / name for name in names]


def test_files_and_archives_come_back_as_results_in_their_order(judging: Desk, tmp_path: Path) -> None:
    a, odd = recordings(tmp_path, "a.wav", 'odd "名".wav')
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("ward/c.wav", b"x")
    manifest = tmp_path / "refs.csv"
    manifest.write_text("file,reference\na.wav,case 1\n", encoding="utf-8")
    ran = judging.run("send", a, odd, archive, "--manifest", manifest, "--format", "jsonl")
    assert (ran.code, [Path(one["source"]["name"]).name for one in ran.lines()]) == (
        0,
        ["a.wav", "odd %22名%22.wav", "c.wav"],
    )
    assert [one["reference"] for one in ran.lines()] == ["case 1", None, None]
    assert "3 recordings" in ran.err


@pytest.mark.parametrize(
    ("names", "code"), [(["a.wav"], 0), (["a.wav", "noisy.wav"], 1), (["bad.wav", "noisy.wav"], 2)]
)
def test_the_exit_code_is_that_of_assess(judging: Desk, tmp_path: Path, names: list[str], code: int) -> None:
    ran = judging.run("send", *recordings(tmp_path, *names), "--language", "zh")
    assert ran.code == code
    assert ("无法解码。" in ran.err) == (code == 2), "in the person's language"


@pytest.mark.parametrize("form", ["jsonl", "csv", "xlsx", "html"])
def test_out_writes_each_form_and_leaves_nothing_beside_it(judging: Desk, tmp_path: Path, form: str) -> None:
    output = tmp_path / f"results.{form}"
    assert judging.run("send", *recordings(tmp_path / "in", "a.wav", "bad.wav"), "--out", output).code == 2
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [output.name]
    data = output.read_bytes()
    if form == "jsonl":
        good, bad = map(json.loads, data.splitlines())
        assert (good["overall"]["verdict"], bad["error"]["code"]) == ("accept", "undecodable_file")
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
        assert [row["error"] for row in rows] == ["", FAULT.en]
    elif form == "xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            assert b"a.wav" in book.read("xl/worksheets/sheet1.xml")
    else:
        assert b"a.wav" in data
        assert b"</html>" in data


def interrupted(*_given: object, **_more: object) -> None:
    raise KeyboardInterrupt


def test_a_run_that_was_interrupted_while_it_waited_goes_on_with_the_same_batch(
    judging: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, output = recordings(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "r.jsonl"
    with monkeypatch.context() as broken:
        broken.setattr(BatchClient, "follow", interrupted)
        ran = judging.run("send", *files, "--out", output)
    assert ran.code == 130
    batch_id = judging.listed()[0]["id"]
    assert f"tingqing batch wait {batch_id}" in ran.err
    ticket = tmp_path / "r.jsonl.batch"
    assert ticket.stat().st_mode & 0o777 == 0o600
    other = judging.run("send", files[0], "--out", output, "--resume")
    assert (other.code, "other files" in other.err) == (2, True)
    before = len(judging.listed())
    again = judging.run("send", *files, "--out", output, "--resume")
    assert (again.code, "at the server already" in again.err) == (0, True)
    assert (len(judging.listed()), ticket.exists()) == (before, False)
    assert [Path(json.loads(line)["source"]["name"]).name for line in output.read_text().splitlines()] == [
        "a.wav",
        "b.wav",
    ]


def test_a_file_that_changed_since_is_not_taken_for_the_one_that_was_sent(
    judging: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,), output = recordings(tmp_path / "in", "a.wav"), tmp_path / "r.jsonl"
    with monkeypatch.context() as broken:
        broken.setattr(BatchClient, "follow", interrupted)
        assert judging.run("send", path, "--out", output).code == 130
    path.write_bytes(b"another sound")
    ran = judging.run("send", path, "--out", output, "--resume")
    assert (ran.code, "other files" in ran.err) == (2, True)
    assert judging.run("send", path, "--out", output).code == 0, "anew, without --resume"


def test_an_upload_whose_answer_was_lost_is_the_same_batch_after_a_resume(
    judging: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, output = recordings(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "r.jsonl"
    plain, before = BatchClient.send, len(judging.listed())

    def lost(self: BatchClient, form: Form, key: str, sent: Callable[[int], None]) -> None:
        plain(self, form, key, sent)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(BatchClient, "send", lost)
        ran = judging.run("send", *files, "--out", output)
    assert (ran.code, "--resume" in ran.err) == (130, True)
    assert judging.run("send", *files, "--out", output, "--resume").code == 0
    assert len(judging.listed()) == before + 1, "sent twice, made once"
    assert len(output.read_text().splitlines()) == 2


def test_a_batch_is_sent_shown_waited_for_and_deleted_by_its_id(judging: Desk, tmp_path: Path) -> None:
    ran = judging.run("send", *recordings(tmp_path, "a.wav", "bad.wav"), "--no-wait", "--reference", "[b]March[/b]")
    batch_id = ran.out.strip()
    assert judging.run("list", "--state", "waiting").out.count(batch_id) == 1
    assert "[b]March[/b]" in judging.run("show", batch_id).out
    done = judging.run("wait", batch_id, "--format", "jsonl")
    assert (done.code, len(done.lines())) == (2, 2)
    shown = judging.run("show", batch_id, "--language", "zh").out
    assert "bad.wav: 无法解码。" in shown
    assert "已完成" in shown
    refused = judging.run("cancel", batch_id)
    assert (refused.code, "is done" in refused.err) == (2, True)
    assert judging.run("delete", batch_id).code == 0
    gone = judging.run("show", batch_id)
    assert (gone.code, "no such batch" in gone.err) == (2, True)


def test_a_batch_is_told_in_chinese_from_its_sending_to_its_end(
    judging: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zh = ("--language", "zh")
    files, output, manifest = recordings(tmp_path / "in", "a.wav", "bad.wav"), tmp_path / "r.csv", tmp_path / "m.csv"
    manifest.write_text("file,reference\nnone.wav,case 1\n")
    command: tuple[str | Path, ...] = ("send", *files, "--manifest", manifest, "--out", output, *zh)
    with monkeypatch.context() as broken:
        broken.setattr(BatchClient, "follow", interrupted)
        sent = judging.run(*command)
    batch_id = judging.listed()[0]["id"]
    assert sent.err.splitlines() == [
        f"批次 {batch_id}：2 个录音。",
        "清单中有 1 行没有对应的文件。",
        f"服务器会继续评估。以后再运行：tingqing batch wait {batch_id}",
    ]
    other = judging.run("send", files[0], "--out", output, "--resume", *zh)
    assert (other.code, "别的文件、选项或服务器" in other.err) == (2, True)
    again = judging.run(*command, "--resume")
    assert again.code == 2
    assert again.err.splitlines()[0] == f"批次 {batch_id} 已在服务器上。"
    assert again.err.splitlines()[1].endswith("bad.wav: 无法解码。")
    cancelled = judging.run("cancel", batch_id, *zh)
    assert (cancelled.code, "没有可取消的" in cancelled.err) == (2, True)
    assert judging.run("delete", batch_id, *zh).err == f"批次 {batch_id} 已删除。\n"
    gone = judging.run("show", batch_id, *zh)
    assert gone.code == 2
    assert all(is_chinese(one.err) for one in (sent, other, again, cancelled, gone)), gone.err
    with monkeypatch.context() as broken:
        broken.setattr(BatchClient, "send", interrupted)
        assert "不会重复发送" in judging.run("send", *files, "--out", output, *zh).err


@pytest.mark.parametrize(
    ("status", "said"), [(401, "本站点的密钥"), (403, "integrator 或 admin 角色"), (404, "服务器返回 HTTP 404")]
)
def test_what_a_server_refuses_is_told_in_chinese_with_what_to_do(tmp_path: Path, status: int, said: str) -> None:
    (path,) = recordings(tmp_path, "a.wav")
    with scripted((status, {}, b"")) as script:
        ran = in_process("batch", "send", path, "--server", script.url, "--language", "zh")
    assert (ran.code, said in ran.err) == (2, True)
    assert is_chinese(ran.err.replace("Not Found", "")), ran.err


def test_how_far_a_batch_is_goes_to_a_log_in_the_readers_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_sending, "TELL_EVERY_S", 0.0)
    for language in ("zh", "en"):
        batch_sending.Lines(9, language)("progress", {"waiting": 4, "left_s": 42.0})
    assert capsys.readouterr().err.splitlines() == ["已完成 5/9。约剩 42 秒", "5 of 9 done. about 42 s left"]


@pytest.mark.parametrize("form", ["text", "csv", "jsonl"])
def test_a_name_drives_nobodys_terminal(judging: Desk, tmp_path: Path, form: str) -> None:
    obeyed = "\x1b[2J\x9b1m"
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for kind in ("good", "bad"):
            file.writestr(f"{kind}{obeyed}.wav", b"x")
    batch_id = judging.run("send", archive, "--no-wait", "--reference", f"case{obeyed}").out.strip()
    waited = judging.run("wait", batch_id, "--format", form)
    shown = judging.run("show", batch_id)
    listed = judging.run("list")
    assert "bad" in waited.err
    assert "case" in listed.out
    told = [waited.err, shown.out, shown.err, listed.out, *([waited.out] if form != "jsonl" else [])]
    assert not [text for text in told if set(text) & set("\x1b\x9b")]
    assert "\x1b" not in waited.out


def test_cancel_stops_a_batch_that_waits(desk: Desk, tmp_path: Path) -> None:
    batch_id = desk.run("send", *recordings(tmp_path, "a.wav"), "--no-wait").out.strip()
    ran = desk.run("cancel", batch_id)
    assert (ran.code, "1 files were not judged" in ran.err) == (0, True)
    assert desk.run("show", batch_id).code == 2
    before = desk.judged
    desk.judge()
    assert desk.judged == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["send", "there-is-none.wav"], "no such file"),
        (["send", "{file}", "--resume"], "--out"),
        (["send", "{file}", "--no-wait", "--out", "r.csv"], "--no-wait"),
        (["send", "{file}", "--format", "xlsx"], "--out"),
        (["send", "{file}", "--labels", "[]"], "labels"),
        (["send", "{file}", "--windows", "some"], "windows"),
        (["wait", "../../etc"], "Not Found"),
    ],
)
def test_what_cannot_be_is_told_with_exit_code_2(desk: Desk, tmp_path: Path, arguments: list[str], said: str) -> None:
    (path,) = recordings(tmp_path, "a.wav")
    ran = desk.run(*(one.replace("{file}", str(path)) for one in arguments))
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://a:b@c", "http://h:99999", "http://h/?q"])
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(ClientError, match="not a server address"):
        server_url(url)


def test_nobody_at_the_address_is_told_after_the_patience_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_client, "PATIENCE_S", -1.0)
    (path,) = recordings(tmp_path, "a.wav")
    ran = in_process("batch", "send", path, "--server", "http://127.0.0.1:9")
    assert (ran.code, "no answer of 127.0.0.1:9" in ran.err, "tingqing serve" in ran.err) == (2, True, True)


Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Scripted:
    """A server that answers ``POST`` and ``GET`` from lists, the last one for ever."""

    answers: list[Answer]
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    reads: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scripted(*answers: Answer, reads: bool = True) -> Iterator[Scripted]:
    script = Scripted(list(answers), reads=reads)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0)) if script.reads else 0
            told = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append((self.path, told, self.rfile.read(length)))
            status, headers, body = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_POST = do_GET  # as the library calls it  # noqa: N815

        def log_message(self, *_given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Clock:
    """Time passes only in pauses."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds


def client_of(script: Scripted, clock: Clock) -> BatchClient:
    return BatchClient(HttpClient(script.url, "tq_x"), lambda pause_s, error: None, now=clock.now, sleep=clock.sleep)


BATCH = json.dumps(
    {"id": "b", "state": "waiting", "created_at": "2026-03-01T00:00:00Z", "files": 1, "waiting": 1, "judged": 0,
     "refused": 0, "accepted": 0, "rejected": 0, "of a later version": 1}
).encode()  # fmt: skip


def form_of(tmp_path: Path, size: int = 10) -> Form:
    path = tmp_path / "a.wav"
    path.write_bytes(b"s" * size)
    return Form([("labels", "x")], [FilePart("file", "a.wav", path, size)])


def test_a_server_that_is_full_is_asked_again_with_the_same_key_and_the_same_bytes(tmp_path: Path) -> None:
    clock = Clock()
    with scripted((503, {"Retry-After": "30"}, b""), (202, {}, BATCH)) as script:
        batch = client_of(script, clock).send(form_of(tmp_path), "key-1", lambda gone: None)
    assert batch.id == "b"
    (first, second) = script.asked
    assert first[2] == second[2] != b""
    assert {first[1]["idempotency-key"], second[1]["idempotency-key"]} == {"key-1"}
    assert second[1]["authorization"] == "Bearer tq_x"
    assert clock.pauses == [30.0], "as the server asked"


def test_patience_has_an_end_and_what_stays_refused_none(tmp_path: Path) -> None:
    clock = Clock()
    with scripted((503, {}, b"")) as script, pytest.raises(RefusedError, match="503"):
        client_of(script, clock).send(form_of(tmp_path), "k", lambda gone: None)
    assert batch_client.PATIENCE_S < clock.now_s < batch_client.PATIENCE_S + 2 * batch_client.LONGEST_PAUSE_S
    clock = Clock()
    problem = json.dumps({"code": "payload_too_large", "detail": "Too large.", "detail_zh": "太大。"}).encode()
    with scripted((413, {}, problem)) as script, pytest.raises(RefusedError, match=r"Too large\.") as refused:
        client_of(script, clock).send(form_of(tmp_path), "k", lambda gone: None)
    assert (refused.value.zh, clock.pauses) == ("太大。", [])


def test_who_asks_one_thing_waits_no_longer_than_people_do() -> None:
    asked: tuple[Callable[[BatchClient], object], ...] = (
        lambda client: client.listed("all", 1),
        lambda client: client.find("b"),
        lambda client: client.delete("b"),
    )
    for ask in asked:
        clock = Clock()
        with scripted((503, {}, b"")) as script, pytest.raises(RefusedError):
            ask(client_of(script, clock))
        assert clock.now_s < 3 * batch_client.BRIEF_S


def test_a_certificate_that_is_not_trusted_is_told_at_once_with_its_remedy(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made(tmp_path, "localhost"))
    clock = Clock()
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        client = HttpClient(f"https://localhost:{server.server_port}", "tq_x")
        with pytest.raises(RefusedError) as refused:
            BatchClient(client, lambda pause_s, error: None, now=clock.now, sleep=clock.sleep).find("b")
        server.shutdown()
        thread.join()
    assert clock.pauses == []
    assert "not trusted" in refused.value.message
    assert "不信任" in refused.value.zh
    assert "SSL_CERT_FILE" in (refused.value.hint or "")


def test_a_refusal_is_read_though_the_server_closes_while_the_body_still_comes(tmp_path: Path) -> None:
    problem = json.dumps({"code": "payload_too_large", "detail": "Too large."}).encode()
    answer = (413, {"Content-Length": str(len(problem))}, problem)
    with scripted(answer, reads=False) as script, pytest.raises(RefusedError) as refused:
        client_of(script, Clock()).send(form_of(tmp_path, 50_000_000), "k", lambda gone: None)
    assert refused.value.refusal.status in (413, None), "a reset may overtake the answer"


def test_a_stream_of_events_that_breaks_goes_on_after_the_last_file(tmp_path: Path) -> None:
    first = b'id: 1\nevent: file\ndata: {"file": "a"}\n\nid: 2\nevent: file\ndata: {"fi'
    second = b': still here\n\nid: 2\nevent: file\ndata: {"file": "b"}\n\nevent: done\ndata: {}\n\n'
    told: list[tuple[str, dict[str, Any]]] = []
    with scripted((200, {}, first), (503, {}, b""), (200, {}, second)) as script:
        client_of(script, Clock()).follow("b", lambda name, data: told.append((name, data)))
    assert told == [("file", {"file": "a"}), ("file", {"file": "b"}), ("done", {})]
    assert [headers.get("last-event-id") for _, headers, _ in script.asked] == [None, "1", "1"]


def test_a_stream_that_opens_and_tells_nothing_is_asked_ever_less_often_and_given_up() -> None:
    """As of a proxy whose server is gone."""
    clock = Clock()
    with scripted((200, {}, b"retry: 3000\n\n<html>\n")) as script, pytest.raises(RefusedError, match="ended"):
        client_of(script, clock).follow("b", lambda name, data: None)
    assert batch_client.PATIENCE_S < clock.now_s < batch_client.PATIENCE_S + 2 * batch_client.LONGEST_PAUSE_S
    assert len(clock.pauses) < 40
    assert clock.pauses[-1] >= batch_client.LONGEST_PAUSE_S / 2


def test_a_stream_that_is_ended_now_and_then_is_followed_for_as_long_as_it_tells_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_client, "PATIENCE_S", 2 * batch_client.AGAIN_S)
    clock = Clock()
    streams: list[Answer] = [
        (200, {}, f'id: {n}\nevent: file\ndata: {{"file": "{n}"}}\n\n'.encode()) for n in range(1, 9)
    ]
    told: list[str] = []
    with scripted(*streams, (200, {}, b"event: done\ndata: {}\n\n")) as script:
        client_of(script, clock).follow("b", lambda name, data: told.append(name))
    assert (told.count("file"), told[-1]) == (8, "done")
    assert set(clock.pauses) == {batch_client.AGAIN_S}


@pytest.mark.parametrize("body", [b"data: " + b"x" * 2_000_000, b"data: x\n" * 700_000, b": " + b"x" * 2_000_000])
def test_an_event_without_an_end_fills_no_memory(body: bytes) -> None:
    with scripted((200, {}, body)) as script, pytest.raises(RefusedError, match="more than 1 MB"):
        client_of(script, Clock()).follow("b", lambda name, data: None)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.find("b"),
        lambda client: client.listed("all", 1),
        lambda client: list(client.rows("b")),
    ],
)
def test_an_answer_without_an_end_fills_no_memory_and_is_told_at_once(
    ask: Callable[[BatchClient], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_client, "MOST_OF_PAGE", MOST_OF_ANSWER)
    clock = Clock()
    with (
        scripted((200, {}, b"[" * (MOST_OF_ANSWER + 1))) as script,
        pytest.raises(RefusedError, match="more than 4 MB"),
    ):
        ask(client_of(script, clock))
    assert clock.pauses == []


def test_a_batch_that_is_deleted_while_it_is_followed_ends_the_waiting() -> None:
    with scripted((200, {}, b": x\n\n"), (404, {}, b"")) as script, pytest.raises(RefusedError, match="404"):
        client_of(script, Clock()).follow("b", lambda name, data: None)


def test_no_redirect_takes_the_key_elsewhere() -> None:
    with (
        scripted((200, {}, BATCH)) as elsewhere,
        scripted((307, {"Location": elsewhere.url + "/"}, b"")) as script,
        pytest.raises(RefusedError, match="307"),
    ):
        client_of(script, Clock()).find("b")
    assert elsewhere.asked == []


@pytest.mark.parametrize("change", [b"more than before", b"less"])
def test_a_file_that_changes_while_it_is_sent_is_told(tmp_path: Path, change: bytes) -> None:
    form = form_of(tmp_path)
    (tmp_path / "a.wav").write_bytes(change)
    with pytest.raises(ClientError, match="changed"):
        list(form.blocks(lambda gone: None))


def test_time_left_is_told_as_people_say_it() -> None:
    assert [batch_sending.left(one, "en") for one in (None, 0, 42.4, 600.0)] == [
        "",
        "",
        "about 42 s left",
        "about 10 min left",
    ]
