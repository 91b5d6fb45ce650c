"""OpenTelemetry spans, exported only where the operator's own setting says so.

Nothing global is registered and no ``OTEL_…`` variable switches anything on. A span holds routes, codes, times and the
first digits of a session's id; never a path, a query, a name or a word.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import NoOpTracer, Tracer

from server.errors import SettingsError

NAME = "tingqing"
STOP_S = 3.0


@contextmanager
def open_tracing(endpoint: str | None, version: str) -> Iterator[Tracer]:
    """A tracer whose spans go to ``endpoint`` (OTLP over HTTP, in batches, on a thread of its own); ``None``: nowhere.

    Spans that cannot be sent are dropped; nothing waits for them. Raises SettingsError without the extra ``otel``.
    """
    if endpoint is None:
        yield NoOpTracer()
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra
    except ImportError:
        raise SettingsError(
            "TINGQING_OTLP_ENDPOINT needs packages that are not installed. Run: pip install 'tingqing[otel]'",
            param="TINGQING_OTLP_ENDPOINT",
        ) from None
    resource = Resource.create({"service.name": NAME, "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=5)))
    try:
        yield provider.get_tracer(NAME, version)
    finally:
        # It is more patient with a collector that does not answer than who waits for the server to stop.
        stopping = threading.Thread(target=provider.shutdown, name="otlp-stop", daemon=True)
        stopping.start()
        stopping.join(STOP_S)
