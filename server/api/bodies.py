"""How OpenAPI describes a body that a route reads itself."""

from typing import Any

from pydantic import BaseModel

_PREFIX = "#/$defs/"


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """``openapi_extra`` of a route whose JSON body is a ``model``.

    The schema stands alone: FastAPI puts it deep into the document, where pydantic's ``#/$defs/…`` would point nowhere.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    return {"requestBody": {"content": {"application/json": {"schema": _standing_alone(schema, definitions)}}}}


def _standing_alone(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_standing_alone(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref", "")
    if reference.startswith(_PREFIX):
        part = definitions[reference.removeprefix(_PREFIX)] | {key: part[key] for key in part if key != "$ref"}
    return {key: _standing_alone(value, definitions) for key, value in part.items()}
