"""What the patient is asked for after a recording: the prompts of the labels that failed over all of it."""

from collections.abc import Mapping
from typing import Any

from server.judge.judgement import WindowFacts
from server.judge.labels import Label, LabelSet
from server.judge.number import POOR_UNDER
from server.judge.silence import Ask
from server.judge.troubles import INTELLIGIBLE, LOW_BACKGROUND, prompt_of
from server.judge.verdict import SPEECH_PRESENT, passed
from server.values.scores import LabelScore
from server.values.stored import count

MICROPHONE_SNR_DB = 15.0
"""Above this SNR, dB, speech is hard to understand because of bandwidth or SIG, not because of noise."""


def microphone_fails(labels: LabelSet, facts: WindowFacts, scores: Mapping[str, LabelScore]) -> bool:
    """Whether the microphone is the cause: SIG or bandwidth is the worst, since SNR does not fail above 15 dB.

    A cause with a name is another one.
    """
    label = _intelligible(labels)
    snr_db = facts.measures.snr_db if facts.measures is not None else None
    if label is None or snr_db is None or snr_db <= MICROPHONE_SNR_DB:
        return False
    score = scores[label.id]
    heard = score.evidence.get("acoustic")
    return heard is not None and heard < label.threshold and score.cause is None


class MicrophoneBlame:
    """How often the microphone was the cause where ``intelligible`` failed. Call ``note`` for each window."""

    def __init__(self) -> None:
        self._fails = 0
        self._at_fault = 0

    def note(self, labels: LabelSet, facts: WindowFacts, scores: Mapping[str, LabelScore]) -> None:
        """``scores`` of the window, by label id."""
        label = _intelligible(labels)
        if label is not None and passed(label, scores[label.id].score) is False:
            self._fails += 1
            self._at_fault += microphone_fails(labels, facts, scores)

    def is_usual(self) -> bool:
        """Whether it was in half of these windows."""
        return 2 * self._at_fault >= max(self._fails, 1)

    def snapshot(self) -> list[int]:
        """JSON-able."""
        return [self._fails, self._at_fault]

    @classmethod
    def restore(cls, state: Any) -> "MicrophoneBlame":
        """Raises TypeError or ValueError if ``state`` is not a snapshot."""
        restored = cls()
        fails, at_fault = state
        restored._fails, restored._at_fault = count(fails), count(at_fault)
        return restored


def failing_prompts(
    labels: LabelSet, values: Mapping[str, float | None], blame: MicrophoneBlame, asks: Ask
) -> list[str]:
    """Prompt ids of the labels that fail over the session, worst first, each once. ``asks``: of who does not speak."""
    failing = [
        (score, label)
        for label in labels.shown()
        if label.prompt is not None and (score := values[label.id]) is not None and score < label.threshold
    ]
    if any(label.id != INTELLIGIBLE for _, label in failing) or not blame.is_usual():
        failing = [(score, label) for score, label in failing if label.id != INTELLIGIBLE]
    if any(label.id == LOW_BACKGROUND and score < POOR_UNDER for score, label in failing):
        # In such noise a voice may be drowned out: nobody can tell whether the patient was silent.
        failing = [(score, label) for score, label in failing if label.id != SPEECH_PRESENT]
    failing.sort(key=lambda pair: pair[0])
    return list(dict.fromkeys(prompt_of(label, asks).id for _, label in failing))


def _intelligible(labels: LabelSet) -> Label | None:
    return next((label for label in labels.shown() if label.id == INTELLIGIBLE), None)
