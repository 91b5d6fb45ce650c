"""The JSON Schema of label files, published for editors."""

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from server.dictionaries import schema

LABELS = Path(__file__).resolve().parents[2] / "labels"
FILES = sorted(LABELS.glob("*.toml"))
VALIDATOR = Draft202012Validator(schema.schema_document())


def test_published_schema_is_that_of_the_models() -> None:
    assert (LABELS / schema.FILE_NAME).read_text(encoding="utf-8") == schema.render(), "run: make docs"


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema.schema_document())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_file_names_the_schema_and_fits_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"#:schema ./{schema.FILE_NAME}\n")
    assert not list(VALIDATOR.iter_errors(tomllib.loads(text)))


@pytest.mark.parametrize(("old", "new"), [('kind = "content"', 'kind = "words"'), ("title", "titel")])
def test_schema_finds_a_slip_in_the_editor(old: str, new: str) -> None:
    text = (LABELS / "cardiology.toml").read_text(encoding="utf-8")
    assert list(VALIDATOR.iter_errors(tomllib.loads(text.replace(old, new))))


def test_every_key_has_a_description_or_a_type_that_has_one() -> None:
    properties = schema.schema_document()["$defs"]["LabelEntry"]["properties"]
    assert all("description" in entry for name, entry in properties.items() if name in ("id", "title", "kind", "clear"))
