"""The FastAPI application: which routes, in which order, behind which middleware."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from fastapi import FastAPI

from server.api import assess, docs, health, label_sets, observe, pages, problems, schema, sessions, stream
from server.api.admission import Admission
from server.api.requests import Requests

DESCRIPTION = (
    "Tells, while a patient speaks, whether a doctor will be able to use the recording. "
    "It judges recordings, not patients. It does not diagnose."
)


def build(
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]], *, version: str, insecure: bool, client: Path
) -> FastAPI:
    """The application. ``lifespan`` sets ``app.state.services``; ``client`` is the folder of the web pages."""
    app = FastAPI(
        title="Tingqing", version=version, description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    problems.install(app)
    for part in (sessions, assess, label_sets, health, schema):
        app.include_router(part.router)
    docs.install(app)
    app.include_router(stream.router)
    app.include_router(observe.router)
    pages.install(app, client)
    app.add_middleware(Admission, insecure=insecure)
    app.add_middleware(Requests)
    return app
