"""``/openapi.json`` stands alone, and what an address takes is told in full."""

from typing import Any

import jsonschema
import pytest

from tests.api.client import http
from tests.api.conftest import Served


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [one for value in part.values() for one in references(value)]
    return [one for value in part for one in references(value)] if isinstance(part, list) else []


def test_every_reference_of_the_document_leads_somewhere(served: Served) -> None:
    document = http.get(f"{served.url}/openapi.json").json()
    found = references(document)
    assert found
    for reference in found:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize(
    ("address", "methods"),
    [("/v1/sign-in", "GET, POST, DELETE"), ("/v1/assess", "POST"), ("/v1/schema/all", "GET")],
)
def test_a_wrong_method_is_told_all_that_the_address_takes(served: Served, address: str, methods: str) -> None:
    answer = http.request("TRACE", f"{served.url}{address}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == methods
    assert answer.json()["code"] == "method_not_allowed"


def content_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """What goes in and comes out as JSON, where all is well."""
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    parts = [*answers, operation.get("requestBody", {})]
    return [part["content"]["application/json"] for part in parts if "application/json" in part.get("content", {})]


def test_every_body_and_answer_in_json_has_an_example_that_fits_its_schema(served: Served) -> None:
    document = http.get(f"{served.url}/openapi.json").json()
    checked = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for content in content_of(operation):
                if path == "/v1/schema/{kind}":
                    continue  # a schema, whatever it says
                told = [one["value"] for one in content.get("examples", {}).values()] or [content.get("example")]
                for example in told:
                    assert example is not None, f"{method} {path} has no example"
                    schema = content.get("schema", {}) | {"components": document["components"]}
                    jsonschema.validate(example, schema)
                    checked += 1
    assert checked > 25


def test_the_page_of_the_api_shows_the_examples(served: Served) -> None:
    page = http.get(f"{served.url}/docs").text
    assert page.count("<summary>Example</summary>") > 25
    assert "wss://ting.example.org/v1/stream" in page
