"""``tingqing serve`` as an operator starts, meets and stops it."""

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import TINGQING, Serving, environment, in_process, tingqing


def test_addresses_in_the_banner_can_be_opened(served: Serving) -> None:
    assert f"{served.http}/doctor?session=" in served.banner
    assert f"{served.ws}/v1/stream" in served.banner
    assert "basic mode" in served.banner
    assert "does not diagnose" in served.banner
    for path in ("/", "/docs", "/healthz", "/readyz"):
        assert f"{served.http}/" in served.banner
        assert httpx.get(f"{served.http}{path}", timeout=30).status_code == 200


def test_a_port_in_use_is_reported_with_a_remedy(served: Serving) -> None:
    ran = in_process("serve", "--port", str(served.port))
    assert ran.code == 2
    assert f"port {served.port}" in ran.err
    assert "--port" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_an_address_that_others_can_reach_needs_insecure(host: str) -> None:
    ran = in_process("serve", "--host", host, "--port", "0")
    assert ran.code == 2
    assert "--insecure" in ran.err
    assert ran.out == ""


def test_an_address_of_another_machine_is_told() -> None:
    ran = in_process("serve", "--host", "192.0.2.7", "--port", "0", "--insecure")
    assert ran.code == 2
    assert "192.0.2.7" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        (["--max-sessions", "0"], {}, "--max-sessions"),
        (["--vad", "ear"], {}, "--vad"),
        ([], {"TINGQING_PORT": "door"}, "TINGQING_PORT"),
        ([], {"TINGQING_MAX_AUDIO_S": "-1"}, "TINGQING_MAX_AUDIO_S"),
    ],
)
def test_a_wrong_setting_is_named(arguments: list[str], variables: dict[str, Any], named: str) -> None:
    ran = in_process("serve", *arguments, **variables)
    assert ran.code == 2
    assert named in ran.err
    assert "Traceback" not in ran.err


def test_a_fault_in_a_label_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "telemedicine.toml").write_text("[dictionary\n", encoding="utf-8")
    ran = tingqing("serve", "--port", "0", TINGQING_LABELS_DIR=str(tmp_path))
    assert ran.code == 2
    assert "telemedicine.toml:1" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_by_signal_drains_and_exits_with_0(how: signal.Signals) -> None:
    with Serving() as serving:
        code, said = serving.stop(how)
    assert code == 0
    assert "Stopped." in said
    assert "Traceback" not in said
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", serving.port)) != 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_under_nohup_a_terminal_that_is_closed_stops_nothing(workers: str) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does before it starts a program
    try:
        serving = Serving(["--workers", workers])
    finally:
        signal.signal(signal.SIGHUP, before)
    with serving:
        serving.process.send_signal(signal.SIGHUP)
        assert httpx.get(f"{serving.http}/readyz", timeout=30).status_code == 200
        code, said = serving.stop(signal.SIGTERM)
    assert (code, "Stopped." in said) == (0, True)


def test_flag_wins_over_variable_and_variable_over_default(mixes: Path) -> None:
    with Serving(["--vad", "webrtc"], TINGQING_VAD="silero", TINGQING_INSECURE="true") as serving:
        assert "VAD webrtc" in serving.banner
        assert "WARNING" in serving.banner
        assert httpx.get(f"{serving.http}/readyz", timeout=30).json()["vad"] == "webrtc"
        stream = in_process(
            "stream", mixes / "000_clean_en.flac", "--url", serving.ws, "--pace", "fast", "--format", "jsonl"
        )
        assert json.loads(stream.out.splitlines()[0])["config"]["vad"] == "webrtc"


def test_a_session_is_let_go_before_the_server_stops(mixes: Path) -> None:
    command = [str(TINGQING), "stream", str(mixes / "000_clean_en.flac"), "--format", "jsonl", "--url"]
    with (
        Serving(["--drain-s", "1"]) as serving,
        subprocess.Popen(
            [*command, serving.ws],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            encoding="utf-8",
        ) as client,
    ):
        assert client.stdout is not None
        assert client.stderr is not None
        kinds = []
        for line in client.stdout:
            kinds.append(json.loads(line)["type"])
            if kinds[-1] == "quality.update" and kinds.count("quality.update") == 1:
                serving.process.send_signal(signal.SIGTERM)
        said = client.stderr.read()
        code, _ = serving.stop(None)
    assert code == 0
    assert "go_away" in kinds
    assert kinds[-1] == "session.ended"
    assert client.returncode == 2
    assert "drain" in said


def test_the_banner_says_how_the_outside_calls_it_and_warns_where_no_key_keeps_it_out() -> None:
    with Serving(["--public-url", "https://clinic.example/", "--root-path", "/tingqing"]) as serving:
        assert "https://clinic.example/tingqing/" in serving.banner
        assert "WARNING         no keys" in serving.banner
        assert httpx.get(f"{serving.http}/tingqing/doctor", timeout=30).status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_misspelt_limit_is_told_at_the_start(workers: str) -> None:
    with Serving(["--workers", workers], TINGQING_MAX_SESSIONS_PER_ADRESS="4") as serving:
        _, said = serving.stop(signal.SIGTERM)
    assert said.count("TINGQING_MAX_SESSIONS_PER_ADRESS is not a setting and does nothing; did you mean") == 1
    assert said.count("TINGQING_MAX_SESSIONS_PER_ADDRESS?") == 1
