"""Runs in a network namespace of its own (``test_no_calls.py``): a server's whole life, and what left the machine.

Every packet to another address, or the question who has it, would leave by the device ``d0``, which counts and leads
nowhere. Writes one JSON object to standard output.
"""

import json
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from tests.cli.conftest import TINGQING, Serving, environment

DEVICES = Path("/proc/self/net/dev")
PACKETS_SENT = 9


def sent() -> int:
    lines = DEVICES.read_text(encoding="ascii").splitlines()
    (counts,) = (line.split(":")[1].split() for line in lines if line.strip().startswith("d0:"))
    return int(counts[PACKETS_SENT])


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def main(recording: str, hook: str, asked: str) -> None:
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1", encoding="ascii")
    ip("link", "set", "lo", "up")
    ip("link", "add", "d0", "type", "veth", "peer", "name", "d1")
    ip("addr", "add", "192.0.2.1/24", "dev", "d0")
    for device in ("d0", "d1"):
        ip("link", "set", device, "up")
    ip("route", "add", "default", "dev", "d0")
    before = sent()
    # Variables that switch exporters on elsewhere must switch nothing on here.
    variables = {
        "PYTHONPATH": f"{hook}:{Path.cwd()}",
        "ASKED": asked,
        "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://192.0.2.9:4318",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider",
        "ORT_DISABLE_TELEMETRY": "0",
    }
    with Serving(["--drain-s", "0"], **variables) as serving:
        httpx.get(f"{serving.http}/readyz", timeout=60).raise_for_status()
        stream = [str(TINGQING), "stream", recording, "--url", serving.ws, "--pace", "fast", "--format", "jsonl"]
        streamed = subprocess.run(stream, capture_output=True, env=environment(), check=False)
        with Path(recording).open("rb") as file:
            httpx.post(f"{serving.http}/v1/assess", files={"file": file}, timeout=100).raise_for_status()
        code, said = serving.stop()
    during = sent() - before
    with suppress(OSError):
        socket.getaddrinfo("telemetry.example", 443)
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"x", ("192.0.2.9", 9))
    control = sent() - before - during
    found = {"during": during, "control": control, "code": code, "streamed": streamed.returncode, "log": said}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
