"""What a faint voice beside a loud one does to ``close_enough``: it is judged as if it had been alone. Sans-IO."""

from collections.abc import Iterable

from server.judge.curves import evaluate
from server.judge.labels import LabelSet
from server.values.mode import Mode
from server.values.voices import Voice

CLOSE_ENOUGH = "close_enough"
LEVELS = frozenset({"lifted_speech_dbfs", "speech_dbfs"})
"""Measures whose curves judge a level. Nobody can turn the faint voice up without the loud one: it is not lifted."""


def faint_cap(labels: LabelSet, voices: Iterable[Voice], mode: Mode) -> dict[str, float]:
    """The best score that ``close_enough`` can have, by label id; nothing without a faint voice.

    In a visit the faint voice may be the doctor's, from the loudspeaker: there it is told to the doctor alone.
    """
    levels = [voice.speech_dbfs for voice in voices if voice.faint and voice.speech_dbfs is not None]
    label = next((one for one in labels.labels if one.id == CLOSE_ENOUGH), None)
    if mode is Mode.VISIT or not levels or label is None or label.acoustic is None:
        return {}
    curves = [part.curve for part in label.acoustic.parts if part.measure in LEVELS]
    return {CLOSE_ENOUGH: min(evaluate(curve, min(levels)) for curve in curves)} if curves else {}
