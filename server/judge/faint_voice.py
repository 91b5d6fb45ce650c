"""What a faint voice beside a loud one does to ``close_enough``: it is judged as if it had been alone. Sans-IO."""

from collections.abc import Sequence

from server.judge.curves import evaluate
from server.judge.labels import LabelSet
from server.values.mode import Mode
from server.values.voices import Role, Voice

CLOSE_ENOUGH = "close_enough"
LEVELS = frozenset({"lifted_speech_dbfs", "speech_dbfs"})
"""Measures whose curves judge a level. Nobody can turn the faint voice up without the loud one: it is not lifted."""


FEW, MANY = 0.05, 0.2
"""Shares of the speech, as of spoiled speech: a twentieth costs nothing, from a fifth on the voice counts in full."""


def faint_cap(labels: LabelSet, voices: Sequence[Voice], mode: Mode) -> dict[str, float]:
    """The best score that ``close_enough`` can have, by label id; nothing without a faint voice.

    In a visit the faint voice may be the doctor's, from the loudspeaker: there it is told to the doctor alone. A few
    words of somebody in the background cost a recording nothing.
    """
    label = next((one for one in labels.labels if one.id == CLOSE_ENOUGH), None)
    if mode is Mode.VISIT or label is None or label.acoustic is None:
        return {}
    curves = [part.curve for part in label.acoustic.parts if part.measure in LEVELS]
    speech_s = sum(voice.speech_s for voice in voices if voice.role is not Role.FAR_END)
    caps = [
        1.0 - _counts(voice.speech_s / speech_s) * (1.0 - min(evaluate(curve, voice.speech_dbfs) for curve in curves))
        for voice in voices
        if voice.faint and voice.speech_dbfs is not None and curves
    ]
    least = min(caps, default=1.0)
    return {CLOSE_ENOUGH: least} if least < 1.0 else {}


def _counts(share: float) -> float:
    """How much a voice with this share of the speech counts, 0..1."""
    return min(max((share - FEW) / (MANY - FEW), 0.0), 1.0)
