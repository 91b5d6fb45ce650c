"""Examples in ``/openapi.json``: of each body and answer that is JSON, as a real server gave them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

JSON = "application/json"


@cache
def examples() -> dict[str, dict[str, Any]]:
    """By method and path, as ``POST /v1/assess``: ``body`` and ``answer``, where there are such."""
    read: dict[str, dict[str, Any]] = json.loads((files("server.api") / "examples.json").read_text(encoding="utf-8"))
    return read


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The same OpenAPI ``document``, with an example wherever it has none."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            given = examples().get(f"{method.upper()} {path}", {})
            if "body" in given:
                operation["requestBody"]["content"][JSON].setdefault("example", given["body"])
            if "answer" in given:
                answers = [one for status, one in operation["responses"].items() if status.startswith("2")]
                for content in (one["content"][JSON] for one in answers if JSON in one.get("content", {})):
                    if "examples" not in content:
                        content.setdefault("example", given["answer"])
    return document
