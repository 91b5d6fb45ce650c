"""``/openapi.json`` stands alone, and what an address takes is told in full."""

from typing import Any

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
