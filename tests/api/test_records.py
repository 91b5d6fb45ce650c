"""``/v1/assessments``, ``/v1/sessions/{id}`` and ``/v1/stats``: what is kept, who sees it, and what deletion leaves."""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_access, open_keys
from server.records.kept import KeptRecord, RecordKind, local_day
from server.records.making import packed
from server.settings import Settings
from tests.api.client import PROTOCOL, http, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve
from tests.records.builders import id_of, record
from tests.rendering.test_fhir import check

HOLDERS = {
    "admin": ("ward-3", Role.ADMIN),
    "integrator": ("ward-3", Role.INTEGRATOR),
    "viewer": ("ward-3", Role.VIEWER),
    "stranger": ("elsewhere", Role.ADMIN),
    "counted": ("counted", Role.INTEGRATOR),
    "spoken": ("spoken", Role.INTEGRATOR),
}
TODAY = datetime.now(UTC)


@dataclass(frozen=True)
class Clinic:
    served: Served
    data: Path
    keys: dict[str, str]

    def ask(self, who: str | None, path: str, method: str = "GET", **more: Any) -> Any:
        headers = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        return http.request(method, self.served.url + path, headers=headers, timeout=60, **more)

    def get(self, who: str, path: str) -> Any:
        answer = self.ask(who, path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def keep(self, one: KeptRecord) -> None:
        records = self.served.services.records
        assert records is not None
        asyncio.run_coroutine_threadsafe(records.keep(one), self.served.loop).result(30)

    def assess(self, who: str, path: Path, **fields: str) -> dict[str, Any]:
        with path.open("rb") as file:
            answer = self.ask(who, "/v1/assess", "POST", files={"file": (path.name, file)}, data=fields)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def settled(self) -> None:
        """A response ends for its client a little before it ends for the server: wait for that."""

        async def others_done() -> None:
            named = [one for one in asyncio.all_tasks() if "RequestResponseCycle" in repr(one.get_coro())]
            await asyncio.wait_for(asyncio.gather(*named, return_exceptions=True), 30)

        asyncio.run_coroutine_threadsafe(others_done(), self.served.loop).result(60)

    def acts(self, about: str = "") -> list[str]:
        async def read() -> list[str]:
            async with open_access(Settings(data_dir=self.data)) as stores:
                return [str(one.act) for one in await stores.audit.latest(1000) if about in ("", one.about)]

        return asyncio.run(read())


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    data = tmp_path_factory.mktemp("data")

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=data)) as store:
            return {who: (await create_key(store, *given, utc_now()))[0] for who, given in HOLDERS.items()}

    keys = asyncio.run(create())
    served = serve(drain_s=0.0, mos=False, data_dir=data)
    yield Clinic(served, data, keys)
    served.stop()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "visit.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal(4 * 16_000), 16_000)
    return path


def now(number: int, **given: Any) -> KeptRecord:
    """A record that ended today."""
    made = record(number, **given)
    return replace(made, started_at=TODAY, ended_at=TODAY, day=local_day(TODAY))


def test_a_file_is_kept_as_it_was_answered(clinic: Clinic, recording: Path) -> None:
    meta = {"department": "心内科", "bed": 7}
    result = clinic.assess("integrator", recording, reference="case 7", attempt_of="a" * 32, metadata=json.dumps(meta))
    assert (result["attempt_of"], result["metadata"]) == ("a" * 32, meta)
    kept = clinic.get("viewer", f"/v1/assessments/{result['id']}")
    assert kept["result"] == result
    expected = {
        "id": result["id"], "kind": "file", "reference": "case 7", "name": "visit.wav", "attempt_of": "a" * 32,
        "department": "心内科", "label_set": "telemedicine", "verdict": result["overall"]["verdict"],
        "grade": result["overall"]["grade"], "score": result["overall"]["score"],
        "duration_s": result["source"]["duration_s"], "prompts_raised": 0, "first_usable_s": None,
        "basis": result["basis"],
    }  # fmt: skip
    assert {name: kept[name] for name in expected} == expected
    (row,) = clinic.get("viewer", "/v1/assessments?reference=case%207")["assessments"]
    assert row == {name: value for name, value in kept.items() if name != "result"}


def test_a_kept_result_is_a_page_of_its_own(clinic: Clinic, recording: Path) -> None:
    result = clinic.assess("integrator", recording, reference="case <7>")
    path = f"/v1/assessments/{result['id']}/report"
    page = clinic.ask("viewer", path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "录音质量报告" in page.text
    assert "case &lt;7&gt;" in page.text
    assert "没有波形数据" not in page.text
    assert "Recording quality report" in clinic.ask("viewer", f"{path}?language=en").text
    assert "read" in clinic.acts(result["id"])[-1]
    assert clinic.ask("stranger", path).status_code == 404
    assert clinic.ask(None, path).status_code == 401


def test_a_kept_result_is_fhir_for_a_record_system_of_the_same_site(clinic: Clinic, recording: Path) -> None:
    result = clinic.assess("integrator", recording, reference="case 7")
    path = f"/v1/assessments/{result['id']}/fhir"
    answer = clinic.ask("viewer", path)
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.headers["cache-control"] == "no-store"
    document, observation = check(answer.json())
    assert document["identifier"][0]["value"] == result["id"]
    assert "context" not in document, "of a file nobody knows when it was recorded"
    assert observation.get("valueQuantity", {}).get("value") == result["overall"]["score"]
    assert "read" in clinic.acts(result["id"])[-1]
    refused, unknown = clinic.ask("stranger", path), clinic.ask("stranger", f"/v1/assessments/{'0' * 32}/fhir")
    assert (refused.status_code, refused.json()["detail"]) == (404, unknown.json()["detail"])
    assert clinic.ask(None, path).status_code == 401
    kept = now(640)
    clinic.keep(replace(kept, body=packed(json.dumps(result | {"id": kept.id}))))
    document, observation = check(clinic.get("viewer", f"/v1/assessments/{kept.id}/fhir"))
    assert document["context"]["period"]["start"] <= observation["effectivePeriod"]["end"]
    clinic.keep(now(641, body=None))
    assert clinic.ask("viewer", f"/v1/assessments/{id_of(641)}/fhir").status_code == 404


async def test_a_session_is_listed_with_its_end_and_its_result_is_as_the_patient_got_it(clinic: Clinic) -> None:
    announced = clinic.ask(
        "integrator", "/v1/sessions", "POST", json={"reference": "case 9", "metadata": {"department": "ENT"}}
    ).json()
    subprotocols = [PROTOCOL, Subprotocol(f"bearer.{announced['publish_token']}")]
    path = f"/v1/sessions/{announced['id']}"
    assert clinic.get("viewer", path)["state"] == "announced"
    async with connect(f"{clinic.served.ws}/v1/stream", subprotocols=subprotocols, max_size=None) as patient:
        await patient.send(start())
        await until(patient, "session.started")
        assert clinic.get("viewer", path)["state"] == "live"
        assert clinic.ask("integrator", path, "DELETE").status_code == 409
        for _ in range(40):
            await patient.send(bytes(3200))
        await patient.send('{"type":"session.end"}')
        ended = await until(patient, "session.ended")
    kept = clinic.get("viewer", path)
    assert kept["result"] == ended["result"]
    assert {name: kept[name] for name in ("state", "reference", "verdict", "reason")} == {
        "state": "ended", "reference": "case 9", "verdict": ended["result"]["overall"]["verdict"], "reason": "client",
    }  # fmt: skip
    assert kept["since"] < kept["ended_at"]
    listed = clinic.get("viewer", "/v1/sessions?reference=case%209")
    assert [one["id"] for one in listed["sessions"]] == [announced["id"]]
    assert clinic.get("viewer", "/v1/sessions?state=running&reference=case%209")["sessions"] == []
    (row,) = clinic.get("viewer", "/v1/assessments?department=ENT")["assessments"]
    assert (row["id"], row["kind"]) == (announced["id"], "session")
    assert row["basis"] == ended["result"]["basis"]
    assert clinic.ask("integrator", path, "DELETE").status_code == 204
    gone = [clinic.ask("viewer", there).status_code for there in (path, f"/v1/assessments/{announced['id']}")]
    assert gone == [404, 404]
    late = clinic.ask("viewer", f"{path}/windows")
    assert late.status_code in (404, 410), "nor where latecomers find the result"


def test_pages_of_ended_sessions_follow_those_that_go_on(clinic: Clinic) -> None:
    for number in range(100, 105):
        clinic.keep(record(number, site="elsewhere"))
    announced = [clinic.ask("stranger", "/v1/sessions", "POST").json()["id"] for _ in range(2)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = clinic.get("stranger", f"/v1/sessions?limit=2{cursor}")
        assert len(page["sessions"]) <= 2
        found += [one["id"] for one in page["sessions"]]
        cursor = None if page["next"] is None else f"&cursor={page['next']}"
    assert found == announced[::-1] + [id_of(number) for number in range(104, 99, -1)]
    only = clinic.get("stranger", "/v1/sessions?state=ended")["sessions"]
    assert [one["id"] for one in only] == found[2:]
    assert clinic.get("stranger", "/v1/sessions?verdict=re-record")["sessions"] == []


def test_another_site_learns_nothing_by_id_list_export_or_figures(clinic: Clinic) -> None:
    clinic.keep(now(200, reference="secret case", department="secret ward"))
    there, nowhere = id_of(200), "0" * 32
    for path in ("/v1/assessments", "/v1/sessions"):
        for method in ("GET", "DELETE"):
            answers = [clinic.ask("stranger", f"{path}/{one}", method) for one in (there, nowhere)]
            bodies = [{**one.json(), "request_id": ""} for one in answers]
            assert answers[0].status_code == 404
            assert bodies[0] == bodies[1], "as one that does not exist"
    told = [
        clinic.ask("stranger", path).text
        for path in ("/v1/assessments", "/v1/assessments?format=csv", "/v1/assessments?format=json", "/v1/stats")
    ]
    assert not [text for text in told if "secret" in text or there in text]
    assert clinic.ask("viewer", f"/v1/assessments/{there}").status_code == 200


@pytest.mark.parametrize(
    ("who", "status", "code"), [("viewer", 403, "forbidden"), (None, 401, "unauthorized"), ("integrator", 204, None)]
)
def test_who_may_delete(clinic: Clinic, who: str | None, status: int, code: str | None) -> None:
    clinic.keep(record(201))
    answer = clinic.ask(who, f"/v1/assessments/{id_of(201)}", "DELETE")
    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code


def test_a_server_without_keys_shows_no_results(served: Served) -> None:
    for path in ("/v1/assessments", "/v1/assessments/" + "0" * 32, "/v1/stats", "/v1/sessions/" + "0" * 32):
        answer = http.get(served.url + path)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


def test_the_audit_says_who_read_exported_and_deleted(clinic: Clinic) -> None:
    clinic.keep(record(202))
    path = f"/v1/assessments/{id_of(202)}"
    clinic.get("viewer", path)
    clinic.get("viewer", "/v1/assessments")
    clinic.get("viewer", "/v1/assessments")
    clinic.ask("admin", path, "DELETE")
    clinic.ask("admin", "/v1/assessments?format=csv")
    assert clinic.acts(id_of(202)) == ["record.read", "record.deleted"]
    acts = clinic.acts()
    assert "records.exported" in acts
    assert "records.listed" in acts


ODD = [
    '=HYPERLINK("http://x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "＝1+1",
    'a,b\n"c"',
    "听诊",
    "\ud800".encode(errors="replace").decode(),
]


def test_a_spreadsheet_computes_nothing_of_what_somebody_wrote(clinic: Clinic, tmp_path: Path) -> None:
    for number, text in enumerate(ODD, 300):
        clinic.keep(record(number, reference=text, department="odd", kind=RecordKind.FILE))
    answer = clinic.ask("viewer", "/v1/assessments?format=csv&department=odd")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="assessments.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row["reference"] for row in rows][::-1] == [f"'{text}" if text[0] in "=+-@\t＝" else text for text in ODD]
    assert float(rows[0]["score"]) == 0.81
    book = clinic.ask("viewer", "/v1/assessments?format=xlsx&department=odd")
    (tmp_path / "a.xlsx").write_bytes(book.content)
    cells = sheet_of(tmp_path / "a.xlsx")
    place = cells[0].index("reference")
    assert [row[place] for row in cells[1:]][::-1] == ODD, "as text"
    whole = clinic.get("viewer", "/v1/assessments?format=json&department=odd")
    assert [row["reference"] for row in whole][::-1] == ODD


def sheet_of(path: Path) -> list[list[str]]:
    """Texts and numbers of the first sheet; fails if a cell has a formula."""
    names = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        assert not any("externalLink" in name or "hyperlink" in name for name in book.namelist())
    assert not list(sheet.iter(f"{names}f")), "a formula"
    assert not list(sheet.iter(f"{names}hyperlink"))
    rows = []
    for row in sheet.iter(f"{names}row"):
        cells = {}
        for cell in row:
            column = 0
            for sign in cell.attrib["r"].rstrip("0123456789"):
                column = column * 26 + ord(sign) - 64
            cells[column - 1] = "".join(cell.itertext())
        rows.append([cells.get(column, "") for column in range(max(cells) + 1)])
    return rows


def test_an_export_of_nothing_is_empty(clinic: Clinic) -> None:
    assert clinic.get("viewer", "/v1/assessments?format=json&department=none") == []
    assert clinic.ask("viewer", "/v1/assessments?format=csv&department=none").text.count("\n") == 1
    assert clinic.ask("viewer", "/v1/assessments?format=xlsx&department=none").status_code == 200


def test_no_export_stays_in_the_temporary_folder(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has references: neither a part that was asked for, nor an export that broke off, may leave it there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    headers = {"Authorization": f"Bearer {clinic.keys['viewer']}", "Range": "bytes=0-9"}
    part = http.get(f"{clinic.served.url}/v1/assessments?format=xlsx", headers=headers, timeout=60)
    assert part.status_code == 200
    assert zipfile.is_zipfile(io.BytesIO(part.content)), "whole"
    with monkeypatch.context() as broken:
        broken.setattr("server.api.exports._write_cell", _no_room)
        answer = clinic.ask("viewer", "/v1/assessments?format=xlsx")
        assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
    clinic.settled()
    assert not list(tmp_path.iterdir())


def _no_room(*given: object) -> None:
    raise OSError(28, "No space left on device")


FAILED = {"low_background": False}


def test_figures_follow_attempts_and_compare_with_the_days_before(clinic: Clinic) -> None:
    kept = [
        now(400, verdict="re-record", labels=FAILED | {"no_clipping": True}, prompts_raised=4, prompts_followed=3),
        now(401, attempt_of=id_of(400), first_usable_s=4.0),
        now(402, first_usable_s=12.0),
        now(403, verdict="unusable", labels=FAILED, department="ENT"),
        record(404),
    ]  # fmt: skip
    for one in kept:
        clinic.keep(replace(one, site="counted"))
    found = clinic.get("counted", "/v1/stats")
    whole = found["whole"]
    assert whole["results"] == 4
    assert whole["verdicts"] == {"accept": 2, "re-record": 1, "unusable": 1, "none": 0}
    expected = {
        "first_pass": (1, 3), "in_the_end": (2, 3), "retried": (1, 3), "followed": (3, 4), "usable_soon": (1, 4),
    }  # fmt: skip
    assert {name: (whole[name]["count"], whole[name]["total"]) for name in expected} == expected
    assert whole["usable_median_s"] == 12
    assert whole["worst"][0]["id"] == "low_background"
    assert (whole["worst"][0]["count"], whole["worst"][0]["total"]) == (2, 4)
    assert [one["key"] for one in found["by_department"]] == ["", "ENT"]
    assert [one["key"] for one in found["by_day"]] == [local_day(TODAY)]
    assert clinic.get("counted", "/v1/stats?department=ENT")["whole"]["results"] == 1
    then = clinic.get("counted", "/v1/stats?from=2026-03-02&to=2026-03-03")
    assert (then["whole"]["results"], then["before"]["results"]) == (0, 1), "the days before are compared with"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/stats?from=2026-03-02&to=2026-03-01",
        "/v1/stats?from=2016-03-02&to=2026-03-01",
        "/v1/stats?from=x",
        "/v1/stats?from=0001-01-01&to=0001-01-02",
        "/v1/stats?to=0001-01-02",
        "/v1/assessments?from=0001-01-01T00:00:00%2B14:00",
        "/v1/assessments?to=9999-12-31T23:59:59-14:00",
        "/v1/sessions?from=0001-01-01T00:00:00%2B14:00",
        "/v1/assessments?cursor=1-00000000",
        "/v1/assessments?limit=0",
        "/v1/assessments?verdict=good",
        "/v1/assessments?from=2026-03-01",
        "/v1/assessments?format=pdf",
        "/v1/sessions?state=gone",
    ],
)
def test_a_wrong_question_is_a_problem(clinic: Clinic, path: str) -> None:
    answer = clinic.ask("viewer", path)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text


@pytest.mark.parametrize("metadata", ["[1]", "{", '{"a": 1e999}', "7"])
def test_metadata_that_is_no_object_is_refused(clinic: Clinic, recording: Path, metadata: str) -> None:
    with recording.open("rb") as file:
        answer = clinic.ask("integrator", "/v1/assess", "POST", files={"file": file}, data={"metadata": metadata})
    assert (answer.status_code, answer.json()["param"]) == (422, "metadata")


def test_what_is_documented_is_what_is_answered(clinic: Clinic) -> None:
    clinic.keep(record(500))
    document = clinic.ask(None, "/openapi.json").json()
    for path, operation in (
        ("/v1/assessments", "/v1/assessments"),
        (f"/v1/assessments/{id_of(500)}", "/v1/assessments/{record_id}"),
        ("/v1/stats", "/v1/stats"),
    ):
        content = document["paths"][operation]["get"]["responses"]["200"]["content"]["application/json"]
        schema = {**content["schema"], "components": document["components"]}
        jsonschema.validate(clinic.get("viewer", path) | ({"result": None} if id_of(500) in path else {}), schema)


def test_nothing_is_kept_where_the_operator_says_so(tmp_path: Path, recording: Path) -> None:
    async def create() -> str:
        async with open_keys(Settings(data_dir=tmp_path)) as store:
            return (await create_key(store, "ward-3", Role.ADMIN, utc_now()))[0]

    key = asyncio.run(create())
    served = serve(drain_s=0.0, mos=False, data_dir=tmp_path, keep="nothing")
    try:
        mute = Clinic(served, tmp_path, {"admin": key})
        mute.assess("admin", recording)
        assert mute.get("admin", "/v1/assessments")["assessments"] == []
        assert mute.get("admin", "/v1/stats")["whole"]["results"] == 0
    finally:
        served.stop()
