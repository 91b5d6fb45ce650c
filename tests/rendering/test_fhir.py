"""A result as FHIR: valid by the library that knows the standard, in step with the document, and without what a record
system must not have.

The library has R4B (4.3.0); the resources that we write, and their elements, are those of R4 (4.0.1): FHIR changed none
of them between the two. What it leaves open, the codes of required value sets, is listed here.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import soundfile
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.codesystem import CodeSystem
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pydantic import ValidationError
from typer.testing import CliRunner

from server.cli.main import app
from server.rendering.fhir import NO_DIAGNOSIS, When, bundle_of, outcome_of
from server.rendering.fhir_codes import ABSENT, CODES, REASONS, WORDS
from server.values.notices import NoticeCode
from server.values.scores import Why
from server.wire.common import Grade, NoticeModel, Verdict
from server.wire.result import ResultModel
from tests.repo.markdown import read
from tools.fhir_examples import FOLDER, RESULT, WHEN, files

Json = dict[str, Any]

# Required bindings of R4 (hl7.org/fhir/R4/valueset-….html).
REQUIRED = {
    ("Bundle", "type"): {"document", "message", "transaction", "transaction-response", "batch", "batch-response",
                         "history", "searchset", "collection"},
    ("DocumentReference", "status"): {"current", "superseded", "entered-in-error"},
    ("DocumentReference", "docStatus"): {"preliminary", "final", "amended", "entered-in-error"},
    ("Observation", "status"): {"registered", "preliminary", "final", "amended", "corrected", "cancelled",
                                "entered-in-error", "unknown"},
    ("CodeSystem", "status"): {"draft", "active", "retired", "unknown"},
    ("CodeSystem", "content"): {"not-present", "example", "fragment", "complete", "supplement"},
}  # fmt: skip
RELATES_TO = {"replaces", "transforms", "signs", "appends"}
DATA_ABSENT = {"unknown", "asked-unknown", "temp-unknown", "not-asked", "asked-declined", "masked", "not-applicable",
               "unsupported", "as-text", "error", "not-a-number", "negative-infinity", "positive-infinity",
               "not-performed", "not-permitted"}  # fmt: skip


def parts(value: Any) -> Iterator[Json]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(one)


def check(bundle: Json) -> tuple[Json, Json]:
    """Asserts that it is FHIR; its two resources."""
    Bundle.model_validate_json(json.dumps(bundle))
    for one in parts(bundle):
        assert all(value not in (None, "", [], {}) for value in one.values()), "FHIR knows nothing empty"
        for (kind, name), allowed in REQUIRED.items():
            assert one.get("resourceType") != kind or one.get(name, next(iter(allowed))) in allowed
        assert one.get("system") != ABSENT or one["code"] in DATA_ABSENT
        assert one.get("system") != CODES or one["code"] in WORDS
        assert "valueQuantity" not in one or "dataAbsentReason" not in one, "obs-6"
    document, observation = (entry["resource"] for entry in bundle["entry"])
    assert {one["code"] for one in document.get("relatesTo", [])} <= RELATES_TO
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == 2, "bdl-7"
    assert [one["reference"] for one in observation["derivedFrom"]] == [bundle["entry"][0]["fullUrl"]]
    return document, observation


def of(**changed: Any) -> tuple[Json, Json]:
    return check(bundle_of(RESULT.model_copy(update=changed), WHEN))


@pytest.mark.parametrize("name", sorted(files()))
def test_the_examples_are_written_by_the_code(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name], "python -m tools.fhir_examples"


def test_the_examples_are_fhir() -> None:
    check(json.loads(files()["bundle.json"]))
    system = json.loads(files()["codesystem.json"])
    CodeSystem.model_validate(system)
    assert {one["code"] for one in system["concept"]} == set(WORDS)
    assert not [one for one in parts(system) if None in one.values()]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("entry", 1, "resource", "status"), None),
        (("entry", 1, "resource", "code"), None),
        (("entry", 0, "resource", "content"), None),
        (("entry", 1, "resource", "valueQuantity", "value"), "much"),
        (("entry", 1, "resource", "valueString"), "two values"),
        (("entry", 0, "resource", "verdict"), "no element of FHIR"),
        (("timestamp",), "yesterday"),
    ],
)
def test_what_is_not_fhir_is_found(path: tuple[Any, ...], value: object) -> None:
    bundle = bundle_of(RESULT, WHEN)
    at: Any = bundle
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    if value is None:
        del at[path[-1]]
    with pytest.raises(ValidationError):
        check(bundle)


def test_a_recording_is_a_document_without_its_sound() -> None:
    document, _ = of()
    assert (document["status"], document["docStatus"]) == ("current", "preliminary")
    assert document["subject"]["identifier"]["value"] == "case 7"
    assert document["context"]["period"] == {"start": "2026-03-01T09:31:02.117Z", "end": "2026-03-01T09:31:40.530Z"}
    assert document["context"]["practiceSetting"] == {"text": "心内科"}
    assert document["relatesTo"][0]["target"]["identifier"]["value"] == RESULT.attempt_of
    assert not {"data", "url", "size", "hash"} & set(document["content"][0]["attachment"])
    accepted = RESULT.overall.model_copy(update={"verdict": "accept", "passed": True})
    assert of(overall=accepted)[0]["docStatus"] == "final"


def test_its_quality_is_an_observation_of_the_document_and_no_diagnosis() -> None:
    document, observation = of()
    assert observation["valueQuantity"] == {
        "value": 0.61, "unit": "0..1", "system": "http://unitsofmeasure.org", "code": "1",
    }  # fmt: skip
    assert [one["coding"][0]["code"] for one in observation["interpretation"]] == ["usable", "re-record"]
    assert observation["focus"] == observation["derivedFrom"]
    assert observation["subject"] == document["subject"]
    assert NO_DIAGNOSIS in [one["text"] for one in observation["note"]]
    assert "category" not in observation, "by which clinical systems list what they take for findings"
    (device,) = observation["contained"]
    assert observation["device"]["reference"] == f"#{device['id']}"
    background, clear, allergies = observation["component"]
    assert background["valueQuantity"]["value"] == 0.31
    assert background["referenceRange"][0]["low"]["value"] == 0.5
    assert background["interpretation"][0]["coding"][0]["code"] == "failed"
    assert "valueQuantity" not in clear
    assert [one["code"] for one in clear["dataAbsentReason"]["coding"]] == ["unsupported", "needs_clap"]
    assert [one["coding"][0]["code"] for one in allergies["interpretation"]] == ["passed", "denied"]


def test_what_limits_the_labels_goes_along_and_other_notices_do_not() -> None:
    """Of a processed microphone "no strong background noise" says nothing of the room."""
    told = [
        NoticeModel(zh="未评估房间环境。", en="The room itself is not judged.", code=NoticeCode.AS_HEARD),
        NoticeModel(zh="部分模型没有结果。", en="Models were left out.", code=NoticeCode.PARTS_LEFT_OUT),
        NoticeModel(zh="说话很少。", en="There is little speech.", code=NoticeCode.LITTLE_SPEECH),
    ]
    notes = [one["text"] for one in of(notices=told)[1]["note"]]
    assert notes[1:3] == ["未评估房间环境。 The room itself is not judged.", "部分模型没有结果。 Models were left out."]
    assert not any("little speech" in note for note in notes)
    assert "little speech" not in str(of()[1]["note"])
    assert len(of()[1]["note"]) == 2


def test_what_a_record_system_must_not_have_is_not_in_it() -> None:
    text = json.dumps(bundle_of(RESULT, WHEN), ensure_ascii=False)
    assert "bed" not in text
    assert "12.4" not in text
    assert "windows" not in text


def test_a_result_without_a_score_says_why() -> None:
    nothing = RESULT.overall.model_copy(update={"score": None, "grade": "nodata", "verdict": None, "passed": False})
    document, observation = of(overall=nothing, labels={}, reference=None, site=None, metadata=None, attempt_of=None)
    assert "valueQuantity" not in observation
    assert observation["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert [one["coding"][0]["code"] for one in observation["interpretation"]] == ["nodata"]
    assert "component" not in observation
    assert not {"subject", "custodian", "relatesTo"} & set(document)


def test_nothing_is_said_of_when_a_file_was_recorded() -> None:
    document, observation = check(bundle_of(RESULT, When(datetime(2026, 3, 1, tzinfo=UTC))))
    assert "period" not in document["context"]
    assert "effectivePeriod" not in observation


@pytest.mark.parametrize("given", ["", " \n", "\x00", "a\x07b", "\ud800", "x" * 5000, "<b>&"])
def test_whatever_a_reference_is_it_is_a_string_of_fhir(given: str) -> None:
    named = RESULT.source.model_copy(update={"name": given})
    document, _ = of(reference=given, site=given, metadata={"department": given}, source=named, attempt_of=given)
    subject = document.get("subject")
    assert (subject is None) == (not given.replace("\x00", "").strip())
    OperationOutcome.model_validate(outcome_of(given, given or "?"))


def test_the_same_result_has_the_same_ids_and_another_result_others() -> None:
    one, again = bundle_of(RESULT, WHEN), bundle_of(RESULT, WHEN)
    assert one == again
    other = bundle_of(RESULT.model_copy(update={"id": "0" * 32}), WHEN)
    urls = [entry["fullUrl"] for bundle in (one, other) for entry in bundle["entry"]]
    assert len(set(urls)) == 4


def test_every_word_of_a_result_has_a_code_that_the_document_lists() -> None:
    document = read("docs/fhir.md")
    words = {str(why) for why in Why} | set(get_args(Grade)) | set(get_args(Verdict))
    assert words <= set(WORDS)
    assert {str(why) for why in Why} == set(REASONS)
    assert set(REASONS.values()) <= DATA_ABSENT
    assert not [code for code in WORDS if f"`{code}`" not in document]


def test_assess_writes_a_bundle_per_recording_and_an_outcome_for_what_is_none(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.05 * np.random.default_rng(0).standard_normal(4 * 16_000), 16_000)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    done = CliRunner().invoke(app, ["assess", "--no-mos", "--format", "fhir", str(tmp_path)])
    bundle, outcome = map(json.loads, done.stdout.splitlines())
    document, _ = check(bundle)
    assert document["content"][0]["attachment"]["title"].endswith("a.wav")
    OperationOutcome.model_validate(outcome)
    assert outcome["issue"][0]["diagnostics"].endswith("b.wav")


def test_a_result_that_was_kept_reads_back() -> None:
    assert ResultModel.model_validate_json(RESULT.model_dump_json()) == RESULT
