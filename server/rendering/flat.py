"""``format=flat``: a score per title and one sentence of advice, for spreadsheets and people."""

from collections import Counter

from server.assessment.result import Result
from server.values.rounding import unit

ADVICE_ZH = "综合建议"
ADVICE_EN = "Overall advice"


def flat(result: Result, language: str | None) -> dict[str, float | str | None]:
    """The labels in order, in Chinese unless ``language`` (BCP 47) says otherwise, then the advice.

    Scores are 0..1 or ``None``. An ad hoc label keeps its text as requested. Equal titles all get `` (id)``.
    """
    chinese = (language or "zh").lower().startswith("zh")
    advice_title, advice = (ADVICE_ZH, result.advice.zh) if chinese else (ADVICE_EN, result.advice.en)
    titles = {
        label_id: judged.label.asked_as or (judged.label.title.zh if chinese else judged.label.title.en)
        for label_id, judged in result.labels.items()
    }
    times = Counter([*titles.values(), advice_title])
    rendered: dict[str, float | str | None] = {}
    for label_id, title in titles.items():
        key = title if times[title] == 1 else f"{title} ({label_id})"
        rendered[key] = unit(result.labels[label_id].score.score)
    rendered[advice_title] = advice
    return rendered
