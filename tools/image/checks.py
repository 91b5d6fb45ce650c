"""What an image must do, tried on one that runs as ``compose.yaml`` runs it."""

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.image.engine import CheckError, Engine

ROOT = Path(__file__).resolve().parents[2]
USER = "10001"
VOLUMES = {"data": "/var/lib/tingqing", "models": "/var/cache/tingqing"}
GRACE_S = 10
"""After which ``docker stop`` kills."""
READY_WITHIN_S = 300
WITHIN_S = 600
"""For what takes seconds on a machine with nothing else on it."""


@dataclass(frozen=True)
class Subject:
    """A container of the image. ``recording``: a synthetic visit of 27 s."""

    engine: Engine
    image: str
    name: str
    port: int
    recording: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, hardened: bool = True) -> None:
        mounts = [f"--volume={volume}:{VOLUMES[kind]}" for kind, volume in self.volumes.items()]
        self.engine.start(self.name, self.image, f"--env=TINGQING_PORT={self.port}", *mounts, hardened=hardened)

    def remove(self) -> None:
        self.engine.remove(self.name, *self.volumes.values())

    @property
    def volumes(self) -> dict[str, str]:
        return {kind: f"{self.name}-{kind}" for kind in VOLUMES}

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:
            return json.load(answer)

    def stream(self, pace: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "server", "stream", str(self.recording)]
        options = ["--url", self.address.replace("http", "ws"), "--pace", pace, "--format", "jsonl"]
        return subprocess.Popen(
            [*command, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


def expect(claim: object, seen: object) -> None:
    if not claim:
        raise CheckError(f"seen: {seen}")


def says_what_it_is(subject: Subject) -> str:
    config = subject.engine.inspect(subject.image)["Config"]
    expect(config["User"] == USER, config["User"])
    expect(set(config["Volumes"]) == set(VOLUMES.values()), config["Volumes"])
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    expect(labels["version"] and labels["revision"], labels)
    return f"user {USER}, volumes {', '.join(VOLUMES.values())}, version {labels['version']}"


def becomes_healthy(subject: Subject) -> str:
    """By the image's own HEALTHCHECK."""
    begun = time.monotonic()
    while True:
        try:
            subject.engine.run("healthcheck", "run", subject.name)
        except CheckError as failed:
            log = subject.engine.run("logs", "--tail=20", subject.name)
            expect(time.monotonic() - begun < READY_WITHIN_S, f"{failed}\n{log}")
            time.sleep(1)
        else:
            return f"after {time.monotonic() - begun:.0f} s"


def is_confined(subject: Subject) -> str:
    status = subject.engine.exec(subject.name, "cat", "/proc/1/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    expect(fields["Uid"].split() == [USER] * 4, fields["Uid"])
    expect(int(fields["CapEff"], 16) == 0 and fields["NoNewPrivs"] == "1", fields["CapEff"])
    attempt = "import pathlib\ntry: pathlib.Path('/srv/venv/x').touch()\nexcept OSError as e: print(e.strerror)"
    refused = subject.engine.exec(subject.name, "python", "-c", attempt)
    expect(refused == "Read-only file system", refused)
    return f"user {USER}, no capability, a root that it cannot write"


def is_ready(subject: Subject) -> str:
    answer = subject.get("/readyz")
    expect(answer["ready"] and answer["lasting"], answer)
    return f"scorers {', '.join(answer['scorers'])}; running sessions outlive it"


def judges_an_upload(subject: Subject) -> str:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="visit.wav"\r\n\r\n'
    body = head.encode() + subject.recording.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(f"{subject.address}/v1/assess", data=body, headers=kind)
    with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
        result = json.load(answer)
    expect(result["overall"]["verdict"] is not None, result["overall"])
    return f"{result['source']['duration_s']:.0f} s of sound: {result['overall']['verdict']}"


def judges_a_live_session(subject: Subject) -> str:
    client = subject.stream("fast")
    try:
        said, errors = client.communicate(timeout=WITHIN_S)
    finally:
        client.kill()
    expect(client.returncode in (0, 1), errors)
    kinds = [json.loads(line)["type"] for line in said.splitlines()]
    expect(kinds[-1] == "session.ended", kinds[-3:])
    return f"{len(kinds)} messages, the last one session.ended"


def has_a_healthy_doctor(subject: Subject) -> str:
    lines = subject.engine.exec(subject.name, "tingqing", "doctor", "--json", "--language", "en").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return f"{len(found)} lines, none of which fails"


def drains_and_goes_on(subject: Subject) -> str:
    """A patient speaks while the container is stopped; it starts again, and the same session ends with its result."""
    client = subject.stream("realtime")
    assert client.stdout is not None
    try:
        said = [client.stdout.readline() for _ in range(5)]
        begun = time.monotonic()
        subject.engine.run("stop", f"--time={GRACE_S}", subject.name)
        took_s = time.monotonic() - begun
        state = subject.engine.inspect(subject.name)["State"]
        expect(state["ExitCode"] == 0, state)
        expect(took_s < GRACE_S, f"it took {took_s:.1f} s")
        subject.engine.run("start", subject.name)
        rest, errors = client.communicate(timeout=WITHIN_S)
    finally:
        client.kill()
    messages = [json.loads(line) for line in (*said, *rest.splitlines()) if line.strip()]
    expect(messages[-1]["type"] == "session.ended", f"{messages[-1]} {errors}")
    return f"exit 0 after {took_s:.1f} s of {GRACE_S}; started again, the session went on and ended with its result"


def keeps_its_keys(subject: Subject) -> str:
    subject.engine.run("start", subject.name)
    subject.engine.exec(subject.name, "tingqing", "keys", "create", "--site", "ward-3", "--role", "integrator")
    subject.engine.remove(subject.name)
    subject.start()
    becomes_healthy(subject)
    listed = subject.engine.exec(subject.name, "tingqing", "keys", "list")
    expect("ward-3" in listed, listed)
    return "a key that was created is there in a new container with the same volumes"


def complains_of_nothing(subject: Subject) -> str:
    log = subject.engine.run("logs", subject.name)
    lines = log.splitlines()
    bad = [line for line in lines if "Read-only file system" in line or '"traceback"' in line or "Traceback" in line]
    expect(not bad, bad[:3])
    expect(all(json.loads(line) for line in lines if line.startswith("{")), lines[:3])
    return f"{len(lines)} lines of log, no traceback, no write that was refused"


def writes_nothing_elsewhere(subject: Subject) -> str:
    """With a root that it could write, where a read-only one would hide what is tried."""
    subject.remove()
    subject.start(hardened=False)
    before = set(subject.engine.run("diff", subject.name).splitlines())
    becomes_healthy(subject)
    judges_an_upload(subject)
    judges_a_live_session(subject)
    subject.engine.run("stop", f"--time={GRACE_S}", subject.name)
    new = sorted(set(subject.engine.run("diff", subject.name).splitlines()) - before)
    outside = [line for line in new if line.split()[1] != "/tmp" and not line.split()[1].startswith("/tmp/")]
    expect(not outside, outside[:5])
    return "with a writable root it writes to its volumes and /tmp alone"


CHECKS: tuple[Callable[[Subject], str], ...] = (
    says_what_it_is,
    becomes_healthy,
    is_confined,
    is_ready,
    judges_an_upload,
    judges_a_live_session,
    has_a_healthy_doctor,
    drains_and_goes_on,
    keeps_its_keys,
    complains_of_nothing,
    writes_nothing_elsewhere,
)
