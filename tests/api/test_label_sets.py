"""``GET /v1/label-sets``, and ad hoc labels over HTTP."""

import pytest

from server.wire.label_sets import LabelSetsModel
from tests.api.client import http
from tests.api.conftest import Served
from tests.api.test_assess import post, problem_of, wav


def test_label_sets_have_everything_a_picker_needs(served: Served) -> None:
    answer = http.get(f"{served.url}/v1/label-sets", timeout=30)
    sets = LabelSetsModel.model_validate(answer.json())
    assert sets.default == sets.label_sets[0].name == "telemedicine"
    assert len(sets.label_sets) == 6
    for one in sets.label_sets:
        assert one.title.zh
        assert one.title.en
        assert one.version
        assert all(label.endangers and label.advice for label in one.labels)


def test_every_name_and_title_it_tells_can_be_asked_for(served: Served) -> None:
    sets = http.get(f"{served.url}/v1/label-sets", timeout=30).json()["label_sets"]
    for name in (sets[1]["name"], sets[2]["title"]["zh"]):
        result = post(served, wav(1), labels=name).json()
        assert len(result["labels"]) == 15


def test_notices_tell_how_the_requested_labels_were_read(served: Served) -> None:
    result = post(served, wav(1), labels="犬吠=a dog barking").json()
    notice, *_ = result["notices"]  # how much speech there was is told after it
    assert "没有写对照" in notice["zh"]
    assert "compared with" in notice["en"]


@pytest.mark.parametrize("labels", [",", "[]", "犬吠=", "x" * 201])
def test_labels_that_cannot_be_resolved_are_a_problem(served: Served, labels: str) -> None:
    body = problem_of(post(served, wav(1), labels=labels), 422, "invalid_labels")
    assert body["param"].startswith("labels")


def test_the_label_sets_are_written_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    first = http.get(f"{served.url}/v1/label-sets")

    def never(*_: object) -> None:
        pytest.fail("written again for another request")

    monkeypatch.setattr("server.rendering.catalogue.label_sets", never)
    assert http.get(f"{served.url}/v1/label-sets").content == first.content
