"""What a scrape finds, who may scrape, and that no label can grow without bound."""

import asyncio
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import make_server, open_keys
from server.loopback import is_loopback
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, http, stream_file
from tests.api.conftest import Served
from tests.api.conftest import start as serve

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(served: Served) -> Samples:
    answer = http.get(f"{served.url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return samples(answer.text)


def grown(before: Samples, after: Samples, name: str, **labels: str) -> float:
    """By how much all series of ``name`` with these labels grew."""
    wanted = set(labels.items())
    return sum(
        value - before.get((found, having), 0.0)
        for (found, having), value in after.items()
        if found == f"tingqing_{name}" and wanted <= having
    )


def scraped_with(served: Served, before: Samples, name: str, **labels: str) -> Samples:
    """A scrape in which ``name`` has grown: a request is counted once it is over, just after its answer is read."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        after = scraped(served)
        if grown(before, after, name, **labels):
            return after
    raise AssertionError(f"{name} {labels} did not grow")


def test_a_session_is_counted_from_its_start_to_its_verdict(served: Served, mixes: Path) -> None:
    before = scraped(served)
    messages = asyncio.run(stream_file(served.ws, mixes / "000_clean_en.flac", mode="visit"))
    after = scraped_with(served, before, "sockets_closed_total", route="/v1/stream", code="1000")
    ended = messages[-1]["result"]
    updates = sum(message["type"] == "quality.update" for message in messages)
    prompts = sum(message["type"] == "prompt.raised" for message in messages)
    assert grown(before, after, "sessions_started_total", mode="visit", pace="fast") == 1
    assert grown(before, after, "sessions_ended_total", reason="client") == 1
    assert grown(before, after, "verdicts_total", kind="session", verdict=ended["overall"]["verdict"]) == 1
    assert grown(before, after, "audio_seconds_total", kind="session") == pytest.approx(ended["source"]["duration_s"])
    assert grown(before, after, "lag_seconds_count", pace="lossless") == updates
    assert grown(before, after, "prompts_raised_total") == prompts
    assert grown(before, after, "results_delivered_total", delivered="yes") == 1
    assert grown(before, after, "sockets_closed_total", route="/v1/stream", code="1000") == 1
    assert grown(before, after, "lane_scored_total", lane="acoustic") >= updates
    assert grown(before, after, "lane_queue_seconds_count", lane="acoustic") >= updates


def test_a_loud_room_is_counted_as_the_prompt_that_it_raised(served: Served, mixes: Path) -> None:
    before = scraped(served)
    noisy = next(mixes.glob("*babble_snr-3*"))
    messages = asyncio.run(stream_file(served.ws, noisy))
    after = scraped(served)
    raised = [message["id"] for message in messages if message["type"] == "prompt.raised"]
    assert raised
    for prompt in set(raised):
        assert grown(before, after, "prompts_raised_total", prompt=prompt) == raised.count(prompt)


def test_a_file_that_cannot_be_read_is_a_decode_failure_and_a_refusal(served: Served) -> None:
    before = scraped(served)
    assert http.post(f"{served.url}/v1/assess", files={"file": b"no sound"}).status_code == 415
    after = scraped_with(served, before, "request_seconds_count", route="/v1/assess", status="415")
    assert grown(before, after, "decode_failures_total", kind="file", code="undecodable_file") == 1
    assert grown(before, after, "refusals_total", via="http", code="undecodable_file") == 1
    assert grown(before, after, "request_seconds_count", method="POST", route="/v1/assess", status="415") == 1


def test_a_code_that_the_peer_chose_is_no_refusal_and_makes_no_series(served: Served) -> None:
    before = scraped(served)

    async def closing(code: int) -> None:
        async with connect(served.ws + "/v1/stream", subprotocols=[PROTOCOL]) as stranger:
            await stranger.close(code)

    for code in (4401, 4599):
        asyncio.run(closing(code))
    after = scraped_with(served, before, "sockets_closed_total", route="/v1/stream", code="other")
    assert grown(before, after, "refusals_total", via="socket") == 0
    for chosen in ("4401", "4599"):
        assert grown(before, after, "sockets_closed_total", code=chosen) == 0


def test_refusals_that_alerts_look_at_are_counted_from_zero_on(served: Served) -> None:
    found = scraped(served)
    for code in ("at_capacity", "store_unavailable"):
        assert ("tingqing_refusals_total", frozenset({("via", "http"), ("code", code)})) in found


def test_a_refused_socket_is_a_refusal_with_its_code(served: Served) -> None:
    before = scraped(served)

    async def refused() -> None:
        async with connect(served.ws + "/v1/stream", origin=Origin("http://evil.example")) as stranger:
            await faults_until_close(stranger)

    asyncio.run(refused())
    after = scraped_with(served, before, "sockets_closed_total", code="4403")
    assert grown(before, after, "refusals_total", via="socket", code="forbidden") == 1
    assert grown(before, after, "sockets_closed_total", code="4403") == 1


def test_what_strangers_invent_makes_no_new_series(served: Served) -> None:
    for n in range(20):
        http.get(f"{served.url}/invented/{n}")
        http.request(f"BREW{n}", f"{served.url}/")

    async def close_with(code: int) -> None:
        async with connect(f"{served.ws}/v1/sessions/{code:032x}/observe", subprotocols=[PROTOCOL]) as peer:
            await peer.close(code)

    for code in range(3000, 3010):
        asyncio.run(close_with(code))
    told = http.get(f"{served.url}/metrics").text
    assert "invented" not in told
    assert "BREW" not in told
    assert not re.search(r'="30\d\d"', told)
    ids = re.compile(r'"[^"]*[0-9a-f]{8}[^"]*"')
    assert not [line for line in told.splitlines() if ids.search(line) and not line.startswith("python_info")]


def test_real_promtool_accepts_what_is_scraped(served: Served) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: Debian has it in the package prometheus")
    told = http.get(f"{served.url}/metrics").text
    done = subprocess.run([promtool, "check", "metrics"], input=told, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Server", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_on_this_machine_does_not_open_the_metrics_to_its_visitors(served: Served, header: str) -> None:
    assert http.get(f"{served.url}/metrics", headers={header: "192.0.2.7"}).status_code == 403


@pytest.mark.parametrize("more", [{"public_url": "http://127.0.0.1:8000"}, {"trust_proxy": ("192.0.2.1",)}])
def test_where_a_proxy_stands_in_front_this_machine_is_anybody(more: dict[str, Any]) -> None:
    served = serve(drain_s=0.0, mos=False, **more)
    try:
        assert http.get(f"{served.url}/metrics").status_code == 403
    finally:
        served.stop()


@pytest.mark.parametrize("host", ["clinic.example:99999", "clinic example", "127.0.0.1:8000, clinic.example", None])
def test_a_host_that_cannot_be_read_is_not_this_machine(served: Served, host: str | None) -> None:
    called = b"" if host is None else f"Host: {host}\r\n".encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as peer:
        peer.sendall(b"GET /metrics HTTP/1.0\r\n" + called + b"\r\n")
        status = peer.makefile("rb").readline().split()[1]
    assert status in (b"400", b"403", b"421")


def test_a_socket_of_both_families_knows_this_machine() -> None:
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("::ffff:192.0.2.7")


def test_with_keys_the_metrics_need_the_key_of_an_admin_also_on_this_machine(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = tmp_path_factory.mktemp("data")

    async def create() -> dict[Role, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            roles = (Role.ADMIN, Role.INTEGRATOR, Role.VIEWER)
            return {role: (await create_key(store, "ward-3", role, utc_now()))[0] for role in roles}

    keys = asyncio.run(create())
    served = serve(drain_s=1.0, data_dir=data, mos=False)
    try:
        for host in ({"Host": "clinic.example"}, {}):
            answers = {
                role: http.get(f"{served.url}/metrics", headers={**host, "Authorization": f"Bearer {key}"})
                for role, key in keys.items()
            }
            assert {role: answer.status_code for role, answer in answers.items()} == {
                Role.ADMIN: 200,
                Role.INTEGRATOR: 403,
                Role.VIEWER: 403,
            }
            assert http.get(f"{served.url}/metrics", headers=host).status_code == 401
    finally:
        served.stop()


def test_every_wrong_key_of_a_guesser_is_counted_also_those_that_are_told_to_wait(tmp_path: Path) -> None:
    """Of these the alert on guessing is made: most answers to a guesser say that they have to wait, not why."""

    async def create() -> str:
        async with open_keys(Settings(data_dir=tmp_path)) as store:
            return (await create_key(store, "ward-3", Role.ADMIN, utc_now(), ends))[0]

    ends = utc_now() + timedelta(days=3)
    headers = {"Authorization": f"Bearer {asyncio.run(create())}"}
    served = serve(drain_s=0.0, data_dir=tmp_path, mos=False)
    try:
        guess = {"Authorization": "Bearer tq_" + "a" * 43}
        answers = [http.get(f"{served.url}/v1/sessions", headers=guess).status_code for _ in range(40)]
        assert answers.count(429) > 10, "the others were let through in the time that they took"

        async def with_a_token() -> None:
            protocols = [PROTOCOL, Subprotocol("bearer.a.b.c")]
            async with connect(served.ws + "/v1/stream", subprotocols=protocols) as stranger:
                await faults_until_close(stranger)

        asyncio.run(with_a_token())
        found = samples(http.get(f"{served.url}/metrics", headers=headers).text)
        assert found["tingqing_wrong_keys_total", frozenset()] == 41
        assert found["tingqing_store_failing", frozenset()] == 0
        assert found["tingqing_key_expires_timestamp_seconds", frozenset()] == pytest.approx(ends.timestamp())
    finally:
        served.stop()


@pytest.fixture
def beside() -> Iterator[tuple[str, str]]:
    """The addresses of a server and of its metrics."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    main, metrics = (f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners)
    server = make_server(Settings(mos=False, drain_s=0.0), metrics_listener=listeners[1])
    thread = threading.Thread(target=server.run, kwargs={"sockets": listeners[:1]}, daemon=True)
    thread.start()
    http.get(f"{main}/healthz", timeout=60).raise_for_status()
    yield main, metrics
    server.should_exit = True
    thread.join(60)
    assert not thread.is_alive()
    for listener in listeners:
        listener.close()


def test_the_port_for_metrics_gives_metrics_and_nothing_else(beside: tuple[str, str]) -> None:
    main, metrics = beside
    other_name = {"Host": "node-7", "X-Forwarded-For": "192.0.2.7"}
    told = http.get(f"{metrics}/metrics", headers=other_name)
    assert told.status_code == 200
    assert ("tingqing_sessions", frozenset({("state", "live")})) in samples(told.text)
    for path in ("/", "/readyz", "/v1/label-sets", "/docs"):
        assert http.get(metrics + path).status_code == 404
    assert http.get(f"{metrics}/metrics", headers={"Origin": "http://evil.example"}).status_code == 403
    assert http.get(f"{main}/readyz").status_code == 200
