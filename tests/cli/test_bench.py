"""``tingqing bench live`` and ``soak``, each with a real server and real patients in their own processes."""

import re
import socket
from pathlib import Path

from tests.cli.conftest import Serving, tingqing

FIGURES = {
    "lag_ms",
    "windows",
    "replaced",
    "shed",
    "dropped_sessions",
    "refused",
    "server_cpu_s",
    "client_cpu_s",
    "rss_mb_per_session",
}


def test_a_load_is_told_on_one_last_line_and_in_a_page(tmp_path: Path) -> None:
    page = tmp_path / "load.html"
    ran = tingqing(
        *("bench", "live", "--sessions", "2", "--seconds", "4", "--spread", "0.5", "--observers", "1", "--no-mos"),
        *("--admission", "fixed"),
        *("--json", "--report", page),
    )
    assert ran.code == 0, ran.err
    (told,) = ran.lines()
    assert set(told) >= FIGURES
    assert told["windows"] == told["expected"] == 4
    assert told["observed"] > 0
    assert (told["refused"], told["dropped_sessions"], told["errors"]) == (0, 0, [])
    assert told["lag_ms"]["p95"] > 0
    assert f"<td>{told['lag_ms']['p95']:g}</td>" in page.read_text(encoding="utf-8")


def test_a_running_server_can_be_measured(served: Serving) -> None:
    ran = tingqing(*("bench", "live", "--server", served.http, "--sessions", "1", "--seconds", "4", "--spread", "0"))
    assert ran.code == 0, ran.err
    assert re.search(r"^sessions +1$", ran.out, re.MULTILINE), ran.out
    assert re.search(r"^p95 +[\d.]+$", ran.out, re.MULTILINE), ran.out


def test_a_recording_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = tingqing("bench", "live", "--file", tmp_path / "none.wav")
    assert ran.code == 2
    assert "no such file" in ran.err


def test_sessions_whose_patient_may_come_back_are_found_by_soak() -> None:
    ran = tingqing("bench", "soak", "--sessions", "6", "--at-once", "3", "--seconds", "1", "--settle", "0", "--json")
    (told,) = ran.lines()
    assert ran.code == 1, ran.err
    assert (told["sessions"], told["broken_off"], told["ended"]) == (6, 2, 4)
    assert told["left"]["waiting"] == 2
    assert told["after"]["live"] == 0


def test_a_server_that_does_not_answer_is_told_and_is_no_success() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = tingqing("bench", "live", "--sessions", "1", "--seconds", "4", "--server", f"http://127.0.0.1:{port}")
    assert ran.code == 2, (ran.out, ran.err)
    assert "no Tingqing server answers" in ran.err
    assert ran.out == ""
