"""What a decoder's process may not do, whatever a file makes it do."""

import socket
import sys
from pathlib import Path

import pytest

from server.recording.decoders.limits import DecoderLimits
from server.recording.decoders.process import DecoderProcess


def ran(code: str, limits: DecoderLimits | None = None, *arguments: str) -> tuple[str, int]:
    """What Python code writes as a decoder, and how it ends."""
    process = DecoderProcess([sys.executable, "-I", "-c", code, *arguments], limits or DecoderLimits())
    said = b""
    try:
        while part := process.receive_some(65_536):
            said += part
        return said.decode(), process.ended()
    finally:
        process.close()


CALLS = """
import os, socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).close()
    print("reached", os.readlink("/proc/self/ns/net"))
except OSError:
    print("not reached", os.readlink("/proc/self/ns/net"))
"""


def test_a_decoder_reaches_nobody_not_even_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        said, _ = ran(CALLS, None, str(server.getsockname()[1]))
    if Path("/proc/self/ns/net").readlink().name in said:
        pytest.skip("the kernel gives no network namespace here")
    assert said.startswith("not reached")


def test_a_decoder_sees_no_variable_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGQING_KEY", "secret")
    said, _ = ran("import os; print(sorted(os.environ))")
    assert "TINGQING" not in said
    assert "LC_ALL" in said


WRITES = """
import signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open(sys.argv[1], "w") as file:
    file.write("y")
"""


def test_a_decoder_writes_no_file(tmp_path: Path) -> None:
    assert ran(WRITES, None, str(tmp_path / "x"))[1] == 1
    assert (tmp_path / "x").stat().st_size == 0


def test_memory_has_a_limit() -> None:
    assert ran("bytearray(100_000_000)")[1] == 0
    assert ran("bytearray(100_000_000)", DecoderLimits(memory=90_000_000))[1] == 1


def test_cpu_has_a_limit() -> None:
    assert ran("while True: pass", DecoderLimits(cpu_s=1, patience_s=100.0))[1] < 0


def test_silence_has_a_limit_that_grows_with_what_came_out() -> None:
    process = DecoderProcess(
        [sys.executable, "-I", "-c", "import signal; signal.pause()"], DecoderLimits(patience_s=0.1)
    )
    try:
        with pytest.raises(TimeoutError):
            process.receive(1)
        process.sounded(0.1)
        with pytest.raises(TimeoutError):
            process.receive(1)
    finally:
        process.close()
    assert process.process.returncode < 0


def test_remarks_are_kept_up_to_a_limit_and_never_block() -> None:
    code = "import sys; sys.stderr.write('x' * 1_000_000); sys.stderr.flush(); print('done')"
    process = DecoderProcess([sys.executable, "-I", "-c", code], DecoderLimits())
    try:
        assert process.receive(4) == b"done"
        assert len(process.remarks) == 65_536
    finally:
        process.close()
