"""Pages, health and documents: served strictly, from here alone."""

import json
import re

import httpx
import pytest

from server.wire.schema import render
from tests.api.client import http
from tests.api.conftest import Served, start


def get(served: Served, path: str, **headers: str) -> httpx.Response:
    return http.get(served.url + path, headers=headers, timeout=20)


@pytest.mark.parametrize("path", ["/", "/doctor", "/docs", "/healthz", "/readyz", "/openapi.json", "/nothing"])
def test_every_answer_has_the_strict_headers(served: Served, path: str) -> None:
    headers = get(served, path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"]
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/doctor"])
def test_pages_are_html_and_never_cached(served: Served, path: str) -> None:
    answer = get(served, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_scripts_of_the_page_are_served_as_javascript(served: Served) -> None:
    page = get(served, "/").text
    scripts = re.findall(r"""<script[^>]+src=["']?([^"' >]+)""", page)
    assert scripts
    for script in scripts:
        answer = get(served, "/" + script.lstrip("./"))
        assert answer.status_code == 200, script
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    ["/../pyproject.toml", "/%2e%2e/pyproject.toml", "/..%2fserver/app.py", "/%00", "/etc/passwd", "//etc/passwd",
     "/README.md", "/examples/pages/visit.js", f"/{'a' * 300}.js", f"/{'a/' * 3000}x.js"],
)  # fmt: skip
def test_nothing_outside_the_client_is_served(served: Served, path: str) -> None:
    assert get(served, path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/readyz", "/v1/schema/all", "/openapi.json", "/nope"])
def test_head_answers_as_get_does_without_a_body(served: Served, path: str) -> None:
    head = http.head(f"{served.url}{path}")
    assert head.status_code == get(served, path).status_code
    assert head.content == b""
    assert int(head.headers["content-length"]) > 0


def test_docs_load_nothing_from_other_hosts(served: Served) -> None:
    page = get(served, "/docs").text
    assert "POST /v1/assess" in page
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)


def test_the_schema_served_is_the_one_printed(served: Served) -> None:
    for kind in ("all", "result"):
        assert get(served, f"/v1/schema/{kind}").text == render(kind)


def test_the_asyncapi_served_is_the_one_printed_and_names_this_server(served: Served) -> None:
    document = get(served, "/v1/schema/asyncapi").json()
    assert document.pop("servers") == {"this": {"host": f"127.0.0.1:{served.port}", "protocol": "ws"}}
    printed = json.loads(render("asyncapi"))
    del printed["servers"]
    assert document == printed


def test_openapi_describes_the_upload(served: Served) -> None:
    document = get(served, "/openapi.json").json()
    body = document["paths"]["/v1/assess"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(body["properties"]) == {
        "attempt_of",
        "file",
        "metadata",
        "raw",
        "labels",
        "language",
        "format",
        "reference",
        "channels",
        "mode",
        "source",
        "windows",
        "transcript",
    }


def test_readiness_runs_a_score_and_says_what_is_loaded(served: Served) -> None:
    ready = get(served, "/readyz").json()
    assert ready["lanes"][0]["name"] == "acoustic"
    assert ready["lanes"][0]["scored"] >= 1, "the readiness score itself"
    assert ready["lanes"][0]["batch_size"] == 1
    assert ready["windows_replaced"] == 0
    assert ready["ready"] is True
    assert ready["scorers"] == ["acoustic", "names"]
    assert ready["basic_mode"] is True
    assert ready["vad"] == "silero"
    assert ready["score_ms"] > 0
    assert set(ready["sessions"]) == {"live", "waiting", "observers"}


def test_a_rebound_name_gets_no_page_but_probes_answer_any_host(served: Served) -> None:
    assert get(served, "/", Host="evil.example").status_code == 403
    assert get(served, "/healthz", Host="10.1.2.3").status_code == 200
    assert get(served, "/readyz", Host="10.1.2.3").status_code == 200


def test_a_callers_request_id_is_kept_if_it_is_plain(served: Served) -> None:
    assert get(served, "/healthz", **{"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert get(served, "/healthz", **{"X-Request-ID": "a b{c}"}).headers["x-request-id"] != "a b{c}"


def test_an_insecure_server_answers_to_its_address_and_its_names_and_to_no_other_origin() -> None:
    served = start(insecure=True, allow_host=["clinic.example"], mos=False, drain_s=0.0)
    try:
        assert get(served, "/", Host="clinic.example").status_code == 200
        assert get(served, "/", Host="evil.example").status_code == 403
        own = {"Host": "clinic.example", "Origin": "http://clinic.example"}
        other = {"Host": "clinic.example", "Origin": "http://evil.example"}
        assert http.post(f"{served.url}/v1/assess", headers=own, timeout=20).status_code == 415
        assert http.post(f"{served.url}/v1/assess", headers=other, timeout=20).status_code == 403
    finally:
        served.stop()
