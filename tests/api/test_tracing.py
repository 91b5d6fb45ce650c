"""Spans go where the operator's setting says, and hold nothing that opens or names a session."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import NoOpTracer

from server.errors import SettingsError
from server.settings import load_settings
from server.tracing import open_tracing
from tests.api.client import http, stream_file
from tests.api.conftest import start as serve


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of an OTLP receiver, and the bodies it got. Fake because a real one is a program of its own."""
    got: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_session_and_a_request_leave_spans_without_what_is_private(
    collector: tuple[str, list[bytes]], mixes: Path
) -> None:
    endpoint, got = collector
    served = serve(otlp_endpoint=endpoint, mos=False, drain_s=0.0)
    messages = asyncio.run(stream_file(served.ws, mixes / "000_clean_en.flac", reference="case-MERIDIAN"))
    http.get(f"{served.url}/doctor?session={messages[0]['session_id']}")
    http.get(f"{served.url}/v1/schema/none")
    served.stop()
    spans = [
        span
        for body in got
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    by_name = {span.name: span for span in spans}
    assert {"WS /v1/stream", "judge window", "GET /v1/schema/{kind}"} <= set(by_name)
    (session,) = [span for span in spans if span.name == "WS /v1/stream"]
    windows = [span for span in spans if span.name == "judge window"]
    assert len(windows) == sum(message["type"] == "quality.update" for message in messages)
    assert all(window.trace_id == session.trace_id for window in windows)
    everything = b"".join(got)
    for secret in (messages[0]["session_id"], messages[0]["resume_token"], "MERIDIAN", "?session"):
        assert secret.encode() not in everything
    assert messages[0]["session_id"][:8].encode() in everything


OTEL = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_SERVICE_NAME": "somebody",
    "OTEL_PYTHON_CONFIGURATOR": "configurator",
    "OTEL_BSP_SCHEDULE_DELAY": "1",
    "OTEL_METRIC_EXPORT_INTERVAL": "1",
}


def test_no_variable_of_opentelemetry_switches_anything_on(
    collector: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, got = collector
    for name, value in OTEL.items():
        monkeypatch.setenv(name, value)
    for kind in ("", "_TRACES", "_METRICS", "_LOGS"):
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP{kind}_ENDPOINT", endpoint)
    served = serve(mos=False, drain_s=0.0)
    try:
        http.get(f"{served.url}/doctor?session=1")
        assert isinstance(served.services.engine.tracer, NoOpTracer)
        threads = [thread.name for thread in threading.enumerate() if thread.name.lower().startswith("ot")]
        assert threads == [], "an exporter has one"
    finally:
        served.stop()
    assert got == []


def test_a_collector_that_does_not_answer_delays_no_stop() -> None:
    served = serve(otlp_endpoint="http://127.0.0.1:9/v1/traces", mos=False, drain_s=0.0)
    http.get(f"{served.url}/healthz")
    served.stop()


def test_without_the_extra_the_setting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.resources", None)
    with (
        pytest.raises(SettingsError, match=r"pip install 'tingqing\[otel\]'"),
        open_tracing("http://127.0.0.1:9/", "1"),
    ):
        pass


def test_an_endpoint_that_is_no_address_is_named() -> None:
    with pytest.raises(SettingsError, match="otlp-endpoint"):
        load_settings(otlp_endpoint="collector:4318")
