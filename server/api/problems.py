"""Every HTTP error as RFC 9457 ``application/problem+json``."""

import math
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from server.errors import ConfigError, TingqingError
from server.logs import request_id, why
from server.wire.client import MAX_PARAM

MEDIA_TYPE = "application/problem+json"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

CLIENT_GONE = 499
"""Logged as the status when the client has gone before the answer; nginx uses the same number."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "retryable", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "urn:tingqing:error:<code>"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "detail_zh": {"type": "string", "description": "The same in Chinese, where a patient or a doctor may meet it."},
        "record_url": {"type": "string", "description": "The page to record in instead (protected_file)."},
        "code": {"type": "string"},
        "param": {"type": ["string", "null"], "description": "The faulty field."},
        "retryable": {"type": "boolean"},
        "retry_after_s": {"type": ["number", "null"]},
        "request_id": {"type": "string"},
    },
}


def documented(texts: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route for OpenAPI, from status codes and their meaning there."""
    return {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
        for status, text in texts.items()
    }


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    param: str | None = None,
    retryable: bool = False,
    retry_after_s: float | None = None,
    headers: dict[str, str] | None = None,
    **more: str | None,
) -> JSONResponse:
    """A problem response. ``retry_after_s`` is also sent as ``Retry-After``, in whole seconds, rounded up: who comes
    back then is not too early.

    ``more``: members that only some problems have; those that are ``None`` are left out. The log has ``code`` in the
    line of the request.
    """
    why.set(code)
    sent = dict(headers or {})
    if retry_after_s is not None:
        sent["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    body = {
        "type": f"urn:tingqing:error:{code}",
        "title": _phrase(status),
        "status": status,
        "detail": detail,
        "code": code,
        "param": param,
        "retryable": retryable,
        "retry_after_s": retry_after_s,
        "request_id": request_id.get(),
    } | {name: value for name, value in more.items() if value is not None}
    return JSONResponse(body, status_code=status, headers=sent, media_type=MEDIA_TYPE)


def problem_of(error: TingqingError, record_url: str | None = None) -> JSONResponse:
    """The response for an error of the tree. ``record_url``: where the person can record instead."""
    return problem(
        error.http_status,
        error.code,
        error.message,
        param=error.param,
        retryable=error.retryable,
        retry_after_s=error.retry_after_s,
        headers={"WWW-Authenticate": "Bearer"} if error.http_status == HTTPStatus.UNAUTHORIZED else None,
        detail_zh=error.zh or None,
        record_url=record_url,
    )


def install(app: FastAPI) -> None:
    """Answer every error, our own and the framework's, with a problem. For bugs see ``server.api.requests``."""
    app.add_exception_handler(TingqingError, _tingqing)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


async def _tingqing(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TingqingError)
    return problem_of(error)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _phrase(error.status_code).lower().replace(" ", "_").replace("-", "_")
    headers = dict(error.headers) if error.headers else None
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed(request))}
    return problem(error.status_code, code, str(error.detail), headers=headers)


def _allowed(request: Request) -> list[str]:
    """All methods of the address (RFC 9110, 10.2.1); Starlette names those of the first of its routes."""

    def taken(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return [method for method in METHODS if taken(method)]


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return problem(422, "invalid_request", f"{where or 'request'}: {first['msg']}", param=where or None)


def config_error(error: ValidationError) -> ConfigError:
    """What is wrong with the first faulty field, without what the peer wrote there."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:MAX_PARAM]
    return ConfigError(f"{where or 'body'}: {first['msg']}", param=where or None)


def bug() -> JSONResponse:
    """500 without any details, which only the log has."""
    return problem(500, "internal", "Internal error. The server's log has the details under this request_id.")


def client_gone() -> JSONResponse:
    """Nobody reads it: the log has its status."""
    return problem(CLIENT_GONE, "client_gone", "The client closed the connection.")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
