"""Says before the first window that nothing of what was asked for can be judged here: often a mistyped name."""

from server.judge.labels import LabelSet
from server.values.notices import Notice, NoticeCode

NOTHING_JUDGED = Notice(
    "这些标签在这里都无法评估，不会有分数。请检查 labels 的写法。",
    "None of these labels can be judged here, so there will be no scores. Check how labels is written.",
    NoticeCode.NOTHING_JUDGED,
)


def nothing_judged(labels: LabelSet, *, clap: bool, transcribed: bool) -> tuple[Notice, ...]:
    """The notice, or none if a loaded scorer may judge one of the labels that were asked for. ``clap``: whether it is
    loaded; ``transcribed``: whether there is a transcript."""
    for label in labels.shown():
        if label.acoustic or (label.clap and clap) or (label.transcript and transcribed):
            return ()
    return (NOTHING_JUDGED,)
