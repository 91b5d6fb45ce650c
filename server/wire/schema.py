"""JSON Schema (2020-12) of every message and of the result, generated from the models that the server itself uses."""

import functools
import json
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.wire import asyncapi
from server.wire.base import PROTOCOL
from server.wire.messages import ALL_CLIENT_MODELS, SERVER_MODELS
from server.wire.result import ResultModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SchemaKind = Literal["all", "client", "server", "result", "asyncapi"]
KINDS: tuple[SchemaKind, ...] = get_args(SchemaKind)


def schema_document(kind: Literal["all", "client", "server", "result"] = "all") -> dict[str, Any]:
    """One self-contained document with every model by name under ``$defs``.

    ``client`` and ``server`` validate any one message of that side, ``result`` a result. ``all`` validates any of
    them, and is meant to be referred into: ``#/$defs/SessionStart``, ``#/$defs/ResultModel``.
    """
    roots: dict[str, list[type[BaseModel]]] = {
        "client": list(ALL_CLIENT_MODELS),
        "server": list(SERVER_MODELS),
        "result": [ResultModel],
    }
    roots["all"] = list(dict.fromkeys((*roots["client"], *roots["server"], *roots["result"])))
    definitions = definitions_of(roots[kind])
    document: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:tingqing:{PROTOCOL}:{kind}",
        "title": f"{PROTOCOL} {kind}",
    }
    names = [model.__name__ for model in roots[kind]]
    if len(names) == 1:
        document["$ref"] = f"#/$defs/{names[0]}"
    else:
        document["oneOf"] = [{"$ref": f"#/$defs/{name}"} for name in names]
    document["$defs"] = definitions
    return document


def definitions_of(models: list[type[BaseModel]], ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """The schemas of ``models`` and their parts, by name. A message's ``type`` is always required on the wire."""
    _, document = models_json_schema([(model, "validation") for model in models], ref_template=ref_template)
    definitions: dict[str, Any] = document["$defs"]
    for schema in definitions.values():
        tag = schema.get("properties", {}).get("type", {})
        if "const" in tag:
            tag.pop("default", None)
            schema["required"] = ["type", *(name for name in schema.get("required", []) if name != "type")]
    return definitions


@functools.cache
def render(kind: SchemaKind = "all") -> str:
    """The document as UTF-8 JSON text with a final line break, as printed by ``tingqing schema``."""
    if kind == "asyncapi":
        components = definitions_of(
            list(dict.fromkeys((*ALL_CLIENT_MODELS, *SERVER_MODELS))), "#/components/schemas/{model}"
        )
        document = asyncapi.document(components)
    else:
        document = schema_document(kind)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
