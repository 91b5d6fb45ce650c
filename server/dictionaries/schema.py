"""The JSON Schemas of label files and of the file of sounds, for editors: ``labels/schema.json`` and
``labels/sounds/schema.json``, which the files name in their first line."""

import json
from typing import Any

from server.dictionaries.entries import FileModel
from server.dictionaries.files import DictionaryFile
from server.dictionaries.sounds import SoundsFile

FILE_NAME = "schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, tuple[type[FileModel], str]] = {
    "labels": (DictionaryFile, "Tingqing label dictionary"),
    "sounds": (SoundsFile, "Tingqing sounds"),
}


def schema_document(kind: str = "labels") -> dict[str, Any]:
    """JSON Schema 2020-12 of a file of ``labels`` or ``sounds``. Rules that span several keys (``clear`` at or above
    ``threshold``) are checked only by the loader and ``tingqing labels lint``.
    """
    model, title = _MODELS[kind]
    document = model.model_json_schema()
    document["title"] = title
    return {"$schema": DIALECT, "$id": f"urn:tingqing:{kind}", **document}


def render(kind: str = "labels") -> str:
    """The schema as UTF-8 JSON text with a final line break, as printed by ``tingqing schema labels|sounds``."""
    return json.dumps(schema_document(kind), ensure_ascii=False, indent=2) + "\n"
