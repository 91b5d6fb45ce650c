"""``/docs``: the HTTP API on one page, rendered here. FastAPI's own page loads scripts from a CDN, which an intranet
cannot reach and a strict content security policy forbids.
"""

import base64
import hashlib
import json
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2a2a}"
    "h2{margin-top:2.5rem;border-top:1px solid #cdd6d6;padding-top:1rem}code,pre{background:#f1f5f5;border-radius:4px}"
    "code{padding:.1em .3em}pre{padding:1rem;overflow:auto}th,td{text-align:left;padding:.2rem 1rem .2rem 0;"
    "vertical-align:top}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "frame-ancestors 'self'; form-action 'none'",
    "Cache-Control": "no-store",
}


def install(app: FastAPI) -> None:
    """Add ``/docs``. The page needs no scripts and nothing from other hosts."""

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(page(app.openapi(), request.scope.get("root_path", "")), headers=HEADERS)


def page(openapi: dict[str, Any], root: str = "") -> str:
    """The OpenAPI document as HTML. Its links are relative to ``/docs``; ``root`` is the prefix of all paths."""
    info = openapi["info"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(info['title'])} HTTP API</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('description', ''))}</p>",
        f"<p>All paths begin with <code>{escape(root)}</code>.</p>" if root else "",
        "<p>Sockets: <code>/v1/stream</code>, <code>/v1/sessions/{session_id}/observe</code>, described by ",
        "<a href='v1/schema/asyncapi'>AsyncAPI</a>. Machine-readable: <a href='openapi.json'>OpenAPI</a>, ",
        "<a href='v1/schema/all'>JSON Schema</a>.</p>",
    ]
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            parts += _operation(method, path, operation)
    parts.append("<h2>Schemas</h2>")
    for name, schema in openapi.get("components", {}).get("schemas", {}).items():
        parts.append(f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>{_pre(schema)}")
        parts.append("</details>")
    parts.append("</body></html>")
    return "".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    parts = [f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>", _p(operation.get("summary"))]
    parts.append(_p(operation.get("description")))
    parameters = operation.get("parameters", [])
    if parameters:
        rows = [(item["name"], item.get("in", ""), item.get("description", "")) for item in parameters]
        parts.append(_table(rows))
    if "requestBody" in operation:
        for media_type, body in operation["requestBody"]["content"].items():
            parts.append(f"<h3>Body, <code>{escape(media_type)}</code></h3>")
            fields = body["schema"].get("properties", {})
            rows = [(name, str(field.get("type", "")), field.get("description", "")) for name, field in fields.items()]
            parts.append(_table(rows) if rows else _pre(body["schema"]))
            parts += _examples(body)
    rows = [
        (status, ", ".join(answer.get("content", {})), answer["description"])
        for status, answer in operation.get("responses", {}).items()
    ]
    parts += ["<h3>Answers</h3>", _table(rows)]
    for answer in operation.get("responses", {}).values():
        for content in answer.get("content", {}).values():
            parts += _examples(content)
    return parts


def _examples(content: dict[str, Any]) -> list[str]:
    named = [one["value"] for one in content.get("examples", {}).values()]
    given = named or ([content["example"]] if "example" in content else [])
    return [f"<details><summary>Example</summary>{_pre(one)}</details>" for one in given]


def _p(text: str | None) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _pre(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, ensure_ascii=False, indent=2))}</pre>"


def _table(rows: list[tuple[str, str, str]]) -> str:
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"
