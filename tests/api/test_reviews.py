"""``/v1/reviews``: which recordings are asked about first, and what a hospital gets for its answers."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from server.access.audit import Act, AuditEntry
from server.access.gate import utc_now
from server.app import open_access
from server.dictionaries import Dictionaries
from server.evaluation.manifest import read_manifest
from server.records.kept import RecordKind
from server.resources import labels_dir
from server.settings import Settings
from tests.api.test_records import Clinic, clinic, now  # noqa: F401 - the fixture
from tests.records.builders import id_of


def say(clinic: Clinic, number: int, heard: object, who: str = "viewer") -> Any:  # noqa: F811
    return clinic.ask(who, f"/v1/reviews/{id_of(number)}", "PUT", json={"heard": heard})


def test_the_nearest_to_a_threshold_is_asked_about_first_and_only_once(clinic: Clinic, tmp_path: Path) -> None:  # noqa: F811
    kept = [
        now(600, doubt=0.30, name="clear.wav", kind=RecordKind.FILE),
        now(601, doubt=0.01, name="=near.wav", kind=RecordKind.FILE, labels={"low_background": False, "x": True}),
        now(602, doubt=0.05, reference="case 8", department="=ENT()", mode="visit"),
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
    path.write_bytes(clinic.ask("counted", "/v1/review-manifest").content)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfpath,"), "by which Excel knows UTF-8"
    labels = Dictionaries.load(labels_dir()).resolve(None).labels
    read = read_manifest(path, labels, None)
    assert not read.faults
    assert {(row.name, row.verdicts, row.condition, row.mode.value) for row in read.rows} == {
        ("./=near.wav", frozenset({"accept"}), "all", "recording"),
        ("case 8", frozenset({"re-record", "unusable"}), "'=ENT()", "visit"),
    }


def said_by(clinic: Clinic, who: str, site: str, session: str, *, clear: bool) -> None:  # noqa: F811
    """As the audit has it of a doctor's click."""

    async def add() -> None:
        act = Act.HEARD_CLEARLY if clear else Act.HEARD_BADLY
        async with open_access(Settings(data_dir=clinic.data)) as stores:
            await stores.audit.add(AuditEntry(utc_now(), who, site, act, session, ""))

    asyncio.run(add())


def test_what_doctors_said_chooses_and_goes_into_the_manifest(clinic: Clinic, tmp_path: Path) -> None:  # noqa: F811
    for number in (700, 701, 702, 703):
        clinic.keep(replace(now(number, doubt=number / 1000, reference=f"case {number}"), site="spoken"))
    for who, session, clear in (
        ("key 1", 701, False), ("key 1", 701, True), ("key 2", 701, True),  # the last word of each
        ("key 1", 702, True), ("key 2", 702, False),
        ("key 1", 703, False),
    ):  # fmt: skip
        said_by(clinic, who, "spoken", id_of(session), clear=clear)
    said_by(clinic, "key 9", "elsewhere", id_of(700), clear=True)
    found = clinic.get("spoken", "/v1/reviews")
    assert [one["doctors"] for one in found["doubtful"]] == [
        {"clear": 0, "unclear": 0}, {"clear": 2, "unclear": 0}, {"clear": 1, "unclear": 1}, {"clear": 0, "unclear": 1},
    ]  # fmt: skip
    chosen = clinic.get("spoken", "/v1/reviews?doctors=said")
    assert [one["id"] for one in chosen["doubtful"]] == [id_of(number) for number in (701, 702, 703)]
    assert (chosen["left"], found["left"]) == (3, 4)
    assert say(clinic, 702, True, "spoken").status_code == 204
    path = tmp_path / "manifest.csv"
    path.write_text(clinic.ask("spoken", "/v1/review-manifest").text, encoding="utf-8")
    read = read_manifest(path, Dictionaries.load(labels_dir()).resolve(None).labels, None)
    assert not read.faults
    assert {(row.name, row.heard, row.verdicts) for row in read.rows} == {
        ("case 701", True, frozenset()),
        ("case 702", None, frozenset({"accept"})),
        ("case 703", False, frozenset()),
    }
    assert clinic.ask("spoken", "/v1/reviews?doctors=perhaps").status_code == 422


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
