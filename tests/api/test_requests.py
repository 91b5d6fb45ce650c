"""A bug has an answer, an id and a line in the log; nothing of the peer's is in that line."""

import logging

import httpx
import pytest
from fastapi import FastAPI

from server.api import problems
from server.api.requests import Requests


def app_with_bug() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(Requests)

    @app.get("/things/{secret}")
    async def things(secret: str) -> None:
        raise ValueError("as the test asked")

    return app


async def test_a_bug_is_a_problem_under_the_id_that_the_log_has(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    transport = httpx.ASGITransport(app_with_bug())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/things/sesame", headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["code"] == "internal"
    assert answer.json()["request_id"] == "abc-1"
    assert "as the test asked" in caplog.text
    assert "sesame" not in " ".join(record.getMessage() for record in caplog.records if record.name == "server.access")
    assert "GET /things/{secret} 500" in caplog.text


@pytest.mark.parametrize(("wait_s", "told"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.2, "2"), (29.5, "30")])
def test_who_comes_again_when_told_is_never_too_early(wait_s: float, told: str) -> None:
    assert problems.problem(429, "too_many_requests", "wait", retry_after_s=wait_s).headers["Retry-After"] == told
