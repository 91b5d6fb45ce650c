"""Results for tests of their rendering."""

from collections.abc import Mapping

from server.assessment.result import Identity, JudgedLabel, Provenance, Result
from server.assessment.window_log import LoggedWindows
from server.judge.labels import Label
from server.values.measures import Measures
from server.values.scores import LabelScore, Overall, Why
from server.values.text import Text

RATE = 16_000


def result_of(scores: Mapping[Label, float | None]) -> Result:
    """A recording of 12 s in which ``scores`` were given."""
    return Result(
        identity=Identity("r", "file"),
        samples=12 * RATE,
        sample_rate=RATE,
        speech_s=1.0,
        labels={
            label.id: JudgedLabel(label, LabelScore(score, {}, Why.NO_EVIDENCE if score is None else None), None)
            for label, score in scores.items()
        },
        overall=Overall(None, "nodata", False, None, "0 of 1"),
        advice=Text("建议复录", "Please record again"),
        prompts=(),
        unusable_spans=(),
        not_heard=(),
        not_assessed=(),
        interference=(),
        events=(),
        measures=Measures(),
        windows=LoggedWindows(),
        provenance=Provenance(("acoustic",), None, "0", "d", "1", ""),
    )
