"""The dashboard shows something: a real Prometheus answers its queries from what a real server counts."""

import asyncio
import itertools
import json
import math
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from server.client.sample_visit import save_sample_visit
from tests.api.client import PROTOCOL, http, pcm_of, start, stream_file, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/tingqing.json").read_text(encoding="utf-8"))
INSTANCE = "tingqing:9464"
SCRAPES = (0, 60)
"""In seconds: two make a rate."""

pytestmark = pytest.mark.timeout(300)

Rows = list[dict[str, Any]]


def plain(expression: str) -> str:
    """With Grafana's variables as it fills them in."""
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


TARGETS = [
    pytest.param(plain(target["expr"]), target.get("legendFormat", ""), id=f"{panel['id']}{target['refId']}")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]


async def live_for_a_window(served: Served, recording: Path) -> None:
    """A session in real time, up to its first update."""
    pcm, rate = pcm_of(recording)
    chunk = rate // 5 * 2
    async with connect(f"{served.ws}/v1/stream", subprotocols=[PROTOCOL], compression=None) as line:
        await line.send(start(rate, pace="realtime"))
        await until(line, "session.started")
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            update = group.create_task(until(line, "quality.update"))
            for number, at in enumerate(range(0, len(pcm), chunk)):
                if update.done():
                    break
                await line.send(pcm[at : at + chunk])
                # A microphone's pace.
                await asyncio.sleep(max(0.0, begun + (number + 1) * 0.2 - time.monotonic()))
        await line.send('{"type":"session.end"}')
        await until(line, "session.ended")


def use(served: Served, recording: Path) -> str:
    """What a day brings, in short; the scrape after it."""

    asyncio.run(live_for_a_window(served, recording))
    asyncio.run(stream_file(served.ws, recording))
    answer = http.post(f"{served.url}/v1/assess", files={"file": ("visit.wav", recording.read_bytes())}, timeout=100)
    assert answer.status_code == 200
    assert http.post(f"{served.url}/v1/assess", files={"file": ("visit.wav", b"no sound")}).status_code == 415
    text: str = http.get(f"{served.url}/metrics").text
    return text


def as_open_metrics(scrapes: list[str], at: list[int]) -> str:
    """With the labels that Prometheus adds, and with times."""
    series: dict[str, list[str]] = {}
    for text, when in zip(scrapes, at, strict=True):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = {"instance": INSTANCE, "job": "tingqing"} | sample.labels
                written = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
                rows = series.setdefault(sample.name, [])
                rows.append(f"{sample.name}{{{written}}} {sample.value} {when}")
    lines = [row for name, rows in series.items() for row in (f"# TYPE {name} unknown", *rows)]
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def prometheus_over(data: Path, configuration: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    configuration.write_text("{}\n", encoding="utf-8")
    options = [f"--config.file={configuration}", f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=10y"]
    command = ["prometheus", *options, f"--web.listen-address={address}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = list(itertools.takewhile(lambda line: "ready to receive web requests" not in line, process.stderr))
            assert process.poll() is None, said
            # Whoever does not read what it says lets it wait when the pipe is full.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield f"http://{address}/api/v1"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Asks a Prometheus that has scraped a server in use: a query to its rows."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        pytest.skip("no prometheus: Debian has it in the package prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    recording = folder / "visit.wav"
    save_sample_visit(recording)
    served = serve(drain_s=1.0, mos=False)
    try:
        scrapes = [use(served, recording) for _ in SCRAPES]
    finally:
        served.stop()
    now = int(time.time())
    at = [now - SCRAPES[-1] + offset for offset in SCRAPES]
    (folder / "scrapes").write_text(as_open_metrics(scrapes, at), encoding="utf-8")
    told = [str(folder / name) for name in ("scrapes", "data")]
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", *told], check=True, capture_output=True)
    with prometheus_over(folder / "data", folder / "prometheus.yml") as api:

        def rows(query: str) -> Rows:
            answer = httpx.get(f"{api}/query", params={"query": query, "time": now}, timeout=60).json()
            assert answer["status"] == "success", answer
            found: Rows = answer["data"]["result"]
            return found

        yield rows


@pytest.mark.parametrize(("query", "legend"), TARGETS)
def test_real_prometheus_has_an_answer_for_every_query_of_the_dashboard(ask: Any, query: str, legend: str) -> None:
    found = ask(query)
    assert any(math.isfinite(float(row["value"][1])) for row in found), (query, found)
    named = set(re.findall(r"{{\s*(\w+)\s*}}", legend))
    assert all(named <= set(row["metric"]) for row in found), f"the legend {legend} names what the answer has not"


def test_the_list_of_servers_of_the_dashboard_is_filled(ask: Any) -> None:
    (variable,) = (one for one in DASHBOARD["templating"]["list"] if one["name"] == "instance")
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
    assert {row["metric"][label] for row in ask(metric)} == {INSTANCE}
