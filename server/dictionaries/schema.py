"""The JSON Schema of label files, for editors: ``labels/schema.json``, which the files name in their first line."""

import json
from typing import Any

from server.dictionaries.files import DictionaryFile

FILE_NAME = "schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_document() -> dict[str, Any]:
    """JSON Schema 2020-12 of a label file. What spans several keys (``clear`` over ``threshold``) only the loader and
    ``tingqing labels lint`` check."""
    document = DictionaryFile.model_json_schema()
    document["title"] = "Tingqing label dictionary"
    return {"$schema": DIALECT, "$id": "urn:tingqing:labels", **document}


def render() -> str:
    """As JSON text, UTF-8, ending in a line break: what ``tingqing schema labels`` prints."""
    return json.dumps(schema_document(), ensure_ascii=False, indent=2) + "\n"
