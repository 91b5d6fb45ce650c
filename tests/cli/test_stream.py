"""``tingqing stream`` against a real ``tingqing serve``."""

import asyncio
import json
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from server.wire.server import server_messages
from tests.cli.conftest import TINGQING, Ran, Serving, environment, in_process

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def clean(mixes: Path) -> Path:
    return mixes / "000_clean_en.flac"


@pytest.fixture(scope="module")
def noisy(mixes: Path) -> Path:
    return mixes / "016_noise_babble_snr-3_en.flac"


def result_of(ran: Ran) -> dict[str, Any]:
    ended = ran.lines()[-1]
    assert ended["type"] == "session.ended", ran.err
    result: dict[str, Any] = ended["result"]
    return result


def differences(left: Any, right: Any, where: str = "") -> list[str]:
    """Paths at which two JSON values differ by more than the tolerance."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        return [path for key in left for path in differences(left[key], right[key], f"{where}.{key}")]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [
            path for i, pair in enumerate(zip(left, right, strict=True)) for path in differences(*pair, f"{where}[{i}]")
        ]
    if isinstance(left, float) and isinstance(right, float):
        return [] if abs(left - right) <= TOLERANCE else [f"{where}: {left} != {right}"]
    return [] if left == right else [f"{where}: {left!r} != {right!r}"]


@pytest.mark.parametrize("number", range(5))
def test_fast_stream_equals_assess_window_for_window_on_five_real_files(
    served: Serving, five_files: list[Path], number: int
) -> None:
    """The live path and the file path judge the same."""
    path = five_files[number]
    (expected,) = in_process("assess", "--format", "jsonl", path).lines()
    ran = in_process("stream", path, "--url", served.ws, "--pace", "fast", "--format", "jsonl")
    assert ran.code in (0, 1), ran.err
    got = result_of(ran)
    assert got["windows"]
    assert got["model"]["windows_replaced"] == got["model"]["shed"] == 0
    assert differences(got["windows"], expected["windows"]) == []
    for key in ("labels", "overall", "advice", "prompts", "unusable_spans", "measures"):
        assert differences(got[key], expected[key]) == [], key
    assert ran.code == (0 if expected["overall"]["passed"] else 1)


def test_the_far_end_of_a_sent_recording_is_marked_as_assess_marks_it(
    served: Serving, clean: Path, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(clean, dtype="float32")
    call, rest = tmp_path / "call.wav", np.zeros_like(samples)
    soundfile.write(call, np.stack((np.append(rest, samples), np.append(samples, rest)), axis=1), rate)
    refused = in_process("stream", call, "--url", served.ws, "--pace", "fast")
    assert refused.code == 2
    assert "--channels patient=right,doctor=left" in refused.err
    named = ("--channels", "patient=left,doctor=right", "--format", "jsonl")
    got = result_of(in_process("stream", call, "--url", served.ws, "--pace", "fast", *named))
    (expected,) = in_process("assess", call, *named).lines()
    assert differences(got["windows"], expected["windows"]) == []
    assert 0 < got["source"]["speech_s"] == expected["source"]["speech_s"] < 12


def test_jsonl_is_every_message_of_the_server_and_nothing_else(served: Serving, clean: Path) -> None:
    ran = in_process("stream", clean, "--url", served.ws, "--pace", "fast", "--format", "jsonl")
    assert ran.code == 0
    kinds = [server_messages.validate_json(line).type for line in ran.out.splitlines()]
    assert kinds[0] == "session.started"
    assert kinds[-1] == "session.ended"
    assert {"audio.ack", "level", "quality.update", "speech.started"} <= set(kinds)


def test_updates_of_the_stream_are_the_windows_of_its_result(served: Serving, clean: Path) -> None:
    ran = in_process("stream", clean, "--url", served.ws, "--pace", "fast", "--format", "jsonl")
    updates = [line for line in ran.lines() if line["type"] == "quality.update"]
    windows = result_of(ran)["windows"]
    assert [line["window"]["end_sample"] for line in updates] == [window["end_sample"] for window in windows]
    for update, window in zip(updates, windows, strict=True):
        assert differences(update["labels"], window["labels"]) == []


def test_chunking_changes_nothing(served: Serving, noisy: Path) -> None:
    def windows(chunk_ms: str) -> Any:
        ran = in_process(
            "stream", noisy, "--url", served.ws, "--pace", "fast", "--format", "jsonl", "--chunk-ms", chunk_ms
        )
        return result_of(ran)["windows"]

    assert differences(windows("20"), windows("730")) == []


def test_text_ends_with_verdict_advice_and_failing_labels(served: Serving, noisy: Path) -> None:
    ran = in_process("stream", noisy, "--url", served.ws, "--pace", "fast", "--language", "en")
    assert ran.code == 1
    assert "Hard to hear" in ran.out
    assert "Advice:" in ran.out
    assert "move_somewhere_quieter" in ran.out
    assert "No strong background noise" in ran.out
    assert "\x1b" not in ran.out


def test_labels_language_mode_and_source_reach_the_session(served: Serving, clean: Path) -> None:
    ran = in_process(
        "stream", clean, "--url", served.ws, "--pace", "fast", "--format", "jsonl",
        "--labels", "语速适中", "--language", "zh-CN", "--reference", "visit 7", "--mode", "visit",
        "--source", "telephone",
    )  # fmt: skip
    started = ran.lines()[0]
    assert [label["id"] for label in started["labels"]] == ["moderate_pace"]
    assert started["config"]["language"].startswith("zh")
    assert started["config"]["capture"]["source"] == "telephone"
    assert result_of(ran)["reference"] == "visit 7"
    assert result_of(ran)["mode"] == started["config"]["mode"] == "visit"


def test_a_missing_server_is_reported_with_a_remedy(clean: Path) -> None:
    ran = in_process("stream", clean, "--url", "ws://127.0.0.1:9")
    assert ran.code == 2
    assert "tingqing serve" in ran.err
    assert "Traceback" not in ran.err


def test_a_server_that_is_not_tingqing_is_reported_as_such(clean: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        serving = threading.Thread(target=other.handle_request)
        serving.start()
        ran = in_process("stream", clean, "--url", f"ws://127.0.0.1:{other.server_port}")
        serving.join(60)
    assert ran.code == 2
    assert "Is it a Tingqing server?" in ran.err


def test_a_path_that_the_server_does_not_have_is_told_as_refused(served: Serving, clean: Path) -> None:
    ran = in_process("stream", clean, "--url", f"{served.ws}/nothing/here")
    assert ran.code == 2
    assert "refused" in ran.err
    assert "/v1/stream" in ran.err
    assert ran.out == ""


def test_labels_that_the_server_refuses_are_told_in_its_words(served: Serving, clean: Path) -> None:
    ran = in_process("stream", clean, "--url", served.ws, "--labels", ",,,")
    assert ran.code == 2
    assert "refused" in ran.err


@pytest.mark.parametrize("name", ["missing.wav", ""])
def test_a_file_that_cannot_be_read_is_told(served: Serving, tmp_path: Path, name: str) -> None:
    ran = in_process("stream", tmp_path / name, "--url", served.ws)
    assert ran.code == 2
    assert str(tmp_path / name) in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_breaks_off_is_judged_as_far_as_it_goes_and_told(
    served: Serving, shared: Path, tmp_path: Path
) -> None:
    whole = (shared / "audio" / "mixes" / "000_clean_en.flac").read_bytes()
    path = tmp_path / "broken.flac"
    path.write_bytes(whole[: len(whole) // 2])
    ran = in_process("stream", path, "--url", served.ws, "--pace", "fast", "--format", "jsonl")
    assert ran.code in (0, 1)
    assert "is truncated" in ran.err
    expected = json.loads(in_process("assess", "--format", "json", path).out)
    assert differences(result_of(ran)["windows"], expected["windows"]) == []


def test_interrupting_ends_with_130_and_no_traceback(served: Serving, clean: Path) -> None:
    async def interrupted() -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            TINGQING, "stream", str(clean), "--url", served.ws, "--format", "jsonl",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment(),
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(100):
            await process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, said = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    code, said = asyncio.run(interrupted())
    assert code == 130
    assert "Traceback" not in said


@pytest.mark.parametrize("output", ["jsonl", "text"])
@pytest.mark.parametrize("pace", ["fast", "realtime"])
def test_a_reader_that_goes_away_ends_it_quietly(served: Serving, clean: Path, output: str, pace: str) -> None:
    """``| head`` is not a lost connection."""
    with subprocess.Popen(
        [TINGQING, "stream", clean, "--url", served.ws, "--pace", pace, "--format", output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_full_disk_is_not_taken_for_a_lost_connection(served: Serving, clean: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [TINGQING, "stream", clean, "--url", served.ws, "--pace", "fast", "--format", "jsonl"],
            stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=100, check=False, encoding="utf-8",
        )  # fmt: skip
    assert ran.returncode == 2
    assert "No space left" in ran.stderr
    assert "connection" not in ran.stderr


class CuttingRelay:
    """A TCP relay that cuts the line once, after ``cut_after`` bytes from the client. Fake because a real network
    cannot be told when to fail."""

    def __init__(self, port: int, cut_after: int) -> None:
        self._port = port
        self._left: int | None = cut_after
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> "CuttingRelay":
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(self._pump(far_reader, writer, counted=False))
        await self._pump(reader, far_writer, counted=True)
        for one in (writer, far_writer):
            one.transport.abort()
        await back

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if counted and self._left is not None:
                    self._left -= len(data)
                    if self._left < 0:
                        self._left = None
                        return
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return


def test_a_stream_whose_line_drops_scores_as_the_unbroken_one(served: Serving, noisy: Path) -> None:
    unbroken = in_process("stream", noisy, "--url", served.ws, "--pace", "fast", "--format", "jsonl")

    async def broken() -> tuple[int, str, str, int]:
        async with CuttingRelay(served.port, cut_after=16_000 * 2 * 7) as relay:
            process = await asyncio.create_subprocess_exec(
                TINGQING, "stream", str(noisy), "--url", f"ws://127.0.0.1:{relay.port}", "--pace", "fast",
                "--format", "jsonl", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment(),
            )  # fmt: skip
            async with asyncio.timeout(100):
                out, said = await process.communicate()
            assert process.returncode is not None
            return process.returncode, out.decode(), said.decode(), relay.connections

    code, out, said, connections = asyncio.run(broken())
    assert connections == 2
    assert "reconnecting" in said
    assert code == unbroken.code
    ended = json.loads(out.splitlines()[-1])
    assert ended["type"] == "session.ended"
    assert differences(ended["result"]["windows"], result_of(unbroken)["windows"]) == []
    assert differences(ended["result"]["labels"], result_of(unbroken)["labels"]) == []
