"""``/v1/reviews``: which recordings are asked about first, and what a hospital gets for its answers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from server.dictionaries import Dictionaries
from server.evaluation.manifest import read_manifest
from server.records.kept import RecordKind
from server.resources import labels_dir
from tests.api.test_records import Clinic, clinic, now  # noqa: F401 - the fixture
from tests.records.builders import id_of


def say(clinic: Clinic, number: int, heard: object, who: str = "viewer") -> Any:  # noqa: F811
    return clinic.ask(who, f"/v1/reviews/{id_of(number)}", "PUT", json={"heard": heard})


def test_the_nearest_to_a_threshold_is_asked_about_first_and_only_once(clinic: Clinic, tmp_path: Path) -> None:  # noqa: F811
    kept = [
        now(600, doubt=0.30, name="clear.wav", kind=RecordKind.FILE),
        now(601, doubt=0.01, name="=near.wav", kind=RecordKind.FILE, labels={"low_background": False, "x": True}),
        now(602, doubt=0.05, reference="case 8", department="ENT", mode="visit"),
        now(603, doubt=None, verdict=None),
    ]
    for one in kept:
        clinic.keep(replace(one, site="counted"))
    found = clinic.get("counted", "/v1/reviews")
    assert [one["id"] for one in found["doubtful"]] == [id_of(number) for number in (601, 602, 600)]
    assert found["doubtful"][0]["failed"] == ["low_background"]
    assert (found["left"], found["reviewed"]) == (3, 0)
    assert say(clinic, 601, True, "counted").status_code == 204
    assert say(clinic, 602, False, "counted").status_code == 204
    assert say(clinic, 600, True, "counted").status_code == 204
    assert say(clinic, 600, None, "counted").status_code == 204, "taken back"
    found = clinic.get("counted", "/v1/reviews")
    assert ([one["id"] for one in found["doubtful"]], found["left"], found["reviewed"]) == ([id_of(600)], 1, 2)
    path = tmp_path / "manifest.csv"
    path.write_text(clinic.ask("counted", "/v1/review-manifest").text, encoding="utf-8")
    labels = Dictionaries.load(labels_dir()).resolve(None).labels
    read = read_manifest(path, labels, None)
    assert not read.faults
    assert {(row.name, row.verdicts, row.condition, row.mode.value) for row in read.rows} == {
        ("./=near.wav", frozenset({"accept"}), "all", "recording"),
        ("case 8", frozenset({"re-record", "unusable"}), "ENT", "visit"),
    }


def test_another_site_is_asked_about_nothing_and_answers_nothing(clinic: Clinic) -> None:  # noqa: F811
    clinic.keep(now(610, doubt=0.01, name="secret.wav"))
    assert "secret" not in clinic.ask("stranger", "/v1/reviews").text
    assert say(clinic, 610, True, "stranger").status_code == 404
    assert say(clinic, 611, True).status_code == 404
    assert say(clinic, 610, True).status_code == 204
    assert "secret" not in clinic.ask("stranger", "/v1/review-manifest").text
    assert "secret" in clinic.ask("viewer", "/v1/review-manifest").text
    assert "record.reviewed" in clinic.acts(id_of(610))


def test_an_answer_that_is_none_is_a_problem(clinic: Clinic) -> None:  # noqa: F811
    clinic.keep(now(612, doubt=0.01))
    assert say(clinic, 612, "perhaps").status_code == 422
    answer = clinic.ask("viewer", f"/v1/reviews/{id_of(612)}", "PUT", content=b"{}")
    assert answer.status_code == 415
