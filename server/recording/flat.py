"""``format=flat``: title to score, and one sentence. For spreadsheets and for people."""

from collections import Counter

from server.judge.labels import LabelSet
from server.wire.result import Result

ADVICE_ZH = "综合建议"
ADVICE_EN = "Overall advice"


def flat(result: Result, labels: LabelSet, language: str | None) -> dict[str, float | str | None]:
    """The labels in order, in Chinese unless ``language`` (BCP 47) says otherwise, then the advice.

    Scores are 0..1 or ``None``. An ad hoc label keeps the text it was asked by. Equal titles all get `` (id)``.
    """
    chinese = (language or "zh").lower().startswith("zh")
    advice_title, advice = (ADVICE_ZH, result.advice.zh) if chinese else (ADVICE_EN, result.advice.en)
    titles = {
        label.id: label.asked_as or (label.title.zh if chinese else label.title.en)
        for label in labels.shown()
        if label.id in result.labels
    }
    times = Counter([*titles.values(), advice_title])
    rendered: dict[str, float | str | None] = {}
    for label_id, title in titles.items():
        key = title if times[title] == 1 else f"{title} ({label_id})"
        rendered[key] = result.labels[label_id].score
    rendered[advice_title] = advice
    return rendered
