"""The exported contract is that of the models, validates what they send, and its committed copy is current."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from server.errors import MalformedMessageError
from server.wire.client import parse_client_message
from server.wire.common import ErrorBody
from server.wire.messages import ALL_CLIENT_MODELS, SERVER_MODELS, type_of
from server.wire.schema import KINDS, SchemaKind, render
from server.wire.server import ErrorMessage, Heartbeat, LabelsUpdated

ROOT = Path(__file__).resolve().parents[2]
START: dict[str, Any] = {"type": "session.start", "audio": {"encoding": "pcm_s16le", "sample_rate": 16000}}


def schema(kind: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(render(kind))
    return loaded


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "asyncapi"])
def test_schemas_are_valid_2020_12(kind: str) -> None:
    Draft202012Validator.check_schema(schema(kind))


CLIENT, SERVER = ([model.__name__ for model in models] for models in (ALL_CLIENT_MODELS, SERVER_MODELS))
ALL = list(dict.fromkeys((*CLIENT, *SERVER, "ResultModel")))


@pytest.mark.parametrize(
    ("kind", "names"),
    [("client", CLIENT), ("server", SERVER), ("result", ["ResultModel"]), ("all", ALL)],
)
def test_a_document_names_itself_and_the_messages_of_its_side(kind: str, names: list[str]) -> None:
    document = schema(kind)
    references = [{"$ref": f"#/$defs/{name}"} for name in names]
    body = {"$ref": references[0]["$ref"]} if kind == "result" else {"oneOf": references}
    assert set(names) <= set(document.pop("$defs"))
    assert document == body | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tingqing:tingqing.v1:{kind}",
        "title": f"tingqing.v1 {kind}",
    }


def test_the_type_of_a_message_is_required_and_has_no_default() -> None:
    document = schema("all")
    for name in (*CLIENT, *SERVER):
        definition = document["$defs"][name]
        assert definition["required"].count("type") == 1
        assert "default" not in definition["properties"]["type"]
    assert {"error", "request_id"} <= set(document["$defs"]["ErrorMessage"]["required"])


def test_what_the_schema_of_the_client_takes_the_server_takes() -> None:
    validator = Draft202012Validator(schema("client"))
    good = [
        START,
        START | {"labels": "low_background", "pace": "fast", "capture": {"source": "file"}},
        START | {"labels": [{"label": "low_background", "threshold": 0.6}], "metadata": {"ward": 3}},
        {"type": "audio.gap", "samples": 160},
        {"type": "far_end", "speaking": True},
        {"type": "keepalive"},
        {"type": "session.end"},
    ]
    for message in good:
        validator.validate(message)
        parse_client_message(json.dumps(message))


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "x"},
        START | {"extra": 1},
        {"type": "audio.gap"},
        {"type": "far_end"},
        {"type": "far_end", "speaking": "yes"},
        {"audio": START["audio"]},
        [],
        "a",
    ],
)
def test_what_the_server_refuses_the_schema_of_the_client_refuses(message: object) -> None:
    assert not Draft202012Validator(schema("client")).is_valid(message)
    with pytest.raises(MalformedMessageError):
        parse_client_message(json.dumps(message))


def test_what_the_server_sends_validates() -> None:
    validator = Draft202012Validator(schema("server"))
    error = ErrorMessage(error=ErrorBody(type="protocol", code="malformed_message", message="m"), request_id="r")
    for message in (Heartbeat(), error):
        validator.validate(json.loads(message.model_dump_json()))
    assert not validator.is_valid({"type": "heartbeat", "extra": 1})


def test_every_message_is_in_the_asyncapi_document() -> None:
    document = schema("asyncapi")
    assert set(document["components"]["messages"]) == {type_of(m) for m in (*ALL_CLIENT_MODELS, *SERVER_MODELS)} | {
        "audio"
    }
    assert references(document) <= anchors(document)


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(references(one) for one in value))
    return set()


def anchors(value: object, path: str = "#") -> set[str]:
    if not isinstance(value, dict):
        return {path}
    return {path}.union(*(anchors(one, f"{path}/{name}") for name, one in value.items()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_that_anybody_may_ask_for_is_written_once(kind: SchemaKind) -> None:
    assert render(kind) is render(kind)


def test_the_committed_asyncapi_document_is_current() -> None:
    committed = (ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8")
    assert committed == render("asyncapi"), "run: tingqing schema asyncapi --output docs/asyncapi.json"


def test_infinite_numbers_in_json_are_refused() -> None:
    with pytest.raises(ValidationError):
        ErrorBody(type="t", code="c", message="m", retry_after_s=float("inf"))


def test_a_notice_of_a_server_that_knew_no_codes_is_read() -> None:
    told = LabelsUpdated.model_validate(
        {"type": "labels.updated", "labels": [], "notices": [{"zh": "说明", "en": "A notice"}]}
    )
    assert told.notices[0].code is None
