"""The FastAPI application: which routes, in which order, behind which middleware."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from server.access.crowd import Crowd
from server.access.origins import Outside
from server.api import (
    assess,
    assessments,
    authority,
    batch_list,
    batch_report,
    batches,
    call,
    docs,
    fhir,
    health,
    heard,
    label_sets,
    listing,
    metrics,
    observe,
    pages,
    problems,
    qr_codes,
    reports,
    reviews,
    schema,
    sessions,
    sign_in,
    stats,
    stream,
    tokens,
    transcribe,
    webhooks,
    windows,
)
from server.api.crowd_check import CrowdCheck
from server.api.examples import with_examples
from server.api.forwarded import Forwarded
from server.api.outside_check import OutsideCheck
from server.api.prefix import Prefix
from server.api.requests import HEADER, Requests

DESCRIPTION = (
    "Tells, while a patient speaks, whether a doctor will be able to use the recording. "
    "It judges recordings, not patients. It does not diagnose."
)

CORS_AGE_S = 600
"""For so long a browser need not ask again whether a page of another origin may ask."""

NO_TELEMETRY: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
"""FastAPI's own would begin with an ``OTEL_…`` variable alone, and its spans hold paths and queries."""


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return with_examples(super().openapi())


def build(
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    *,
    version: str,
    outside: Outside,
    crowd: Crowd,
    client: Path,
    trusted: Sequence[str] = (),
    root: str = "",
    hsts_s: int = 0,
) -> FastAPI:
    """The application. ``lifespan`` sets ``app.state.services``; ``client`` is the folder of the web pages.
    ``crowd``: how much each address has open.

    ``trusted``: addresses of proxies whose forwarded headers count. ``root``: the prefix under which a proxy has us.
    ``hsts_s``: as in ``Requests``.
    """
    app = _Application(
        title="Tingqing",
        version=version,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    problems.install(app)
    for part in (
        sessions,
        tokens,
        listing,
        windows,
        transcribe,
        heard,
        sign_in,
        qr_codes,
        assess,
        batches,
        batch_list,
        batch_report,
        assessments,
        reports,
        fhir,
        reviews,
        stats,
        webhooks,
        label_sets,
        health,
        metrics,
        schema,
    ):
        app.include_router(part.router)
    docs.install(app)
    app.include_router(authority.router)
    app.include_router(stream.router)
    app.include_router(observe.router)
    app.include_router(call.router)
    pages.install(app, client)
    app.add_middleware(OutsideCheck, outside=outside)
    if outside.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(outside.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", HEADER],
            expose_headers=[HEADER, "Idempotency-Replayed", "Location", "Retry-After"],
            max_age=CORS_AGE_S,
        )
    if root:
        app.add_middleware(Prefix, root=root)
    app.add_middleware(CrowdCheck, crowd=crowd)
    app.add_middleware(Forwarded, trusted=trusted)
    app.add_middleware(Requests, origins=outside.origins, hsts_s=hsts_s)
    return app
