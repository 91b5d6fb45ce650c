"""Which labels fail for long enough that their prompt may be shown, and which of them comes first."""

from collections.abc import Collection, Mapping
from typing import Any

from server.judge.judgement import LatestSound
from server.judge.labels import Label, LabelSet, Prompt
from server.judge.runs import Run
from server.judge.silence import Ask, Silence
from server.values.input_kind import InputKind
from server.values.mode import Mode

NEW_AFTER_S = 60
"""A trouble that comes back so long after it ended is a new one."""

INTELLIGIBLE = "intelligible"
"""Its prompt asks the patient to check the microphone, which helps only if the microphone is the cause."""
LOW_BACKGROUND = "low_background"
"""The noise of its ``recent`` lies within reach of the dips of 3 s: by the time it fails, it has lasted."""
OUTBURST_DB = 18.0
"""A sound that swings by more within 2 s may be the patient's own laugh or sneeze (20 to 32 dB at the false prompts of
71 outbursts); noise beside speech fills the dips (7 to 16 dB at 8 dB SNR: steady noises, babble, music)."""
OVER_DB = 10.0
"""A noise that is so much softer in the last second than in the last 4 s is over, as a cough is, and not told now."""
COME_CLOSER, SPEAK_UP = "come_closer", "speak_up"
REDUCE_ECHO, QUIETER = "reduce_echo", "move_somewhere_quieter"


class Troubles:
    """The labels with a prompt, and how long each has failed. Call ``observe`` for each window in order.

    A patient who is not heard is asked as ``Silence`` says; all else is due after its prompt's ``after_s`` seconds.
    """

    def __init__(self, labels: LabelSet, mode: Mode) -> None:
        self._mode = mode
        self.labels = _with_prompt(labels)
        self.runs = {label_id: Run() for label_id in self.labels}
        self.silence = Silence()
        self.asks = Ask.NOTHING
        self._swings = self._noise_over = False
        self._speech = _for_speech(labels)

    def change_labels(self, labels: LabelSet) -> None:
        """Use other labels. Labels that stay keep their history."""
        self.labels, self._speech = _with_prompt(labels), _for_speech(labels)
        self.runs = {label_id: self.runs.get(label_id, Run()) for label_id in self.labels}

    def observe(
        self,
        end: int,
        rate: int,
        recent: Mapping[str, float | None],
        since_last: int,
        input_kind: InputKind,
        sound: LatestSound | None = None,
        *,
        named: bool = False,
    ) -> None:
        """Take one window that ends at sample ``end`` of ``rate``, ``since_last`` samples after the previous one.
        ``sound``: of its last second, ``None`` if unknown. ``named``: its noise has a name, not the patient's."""
        self._swings = sound is not None and sound.swing_db >= OUTBURST_DB and not named
        self._noise_over = sound is not None and (sound.noise_fell_db or 0.0) >= OVER_DB
        for label_id, label in self.labels.items():
            self.runs[label_id].observe(label, recent.get(label_id), end, since_last, rate)
        level = max((recent.get(label.id) or 0.0 for label in self._speech), default=0.0)
        self.silence.observe(self._hears(recent), input_kind, end, since_last, rate, level=level)
        self.asks = self.silence.asks(self._mode, end, rate)

    def over(self, end: int, rate: int) -> set[str]:
        """Labels whose trouble, if there was one, ended so long ago that it would be new."""
        ended = {label_id for label_id, run in self.runs.items() if run.ended_for(NEW_AFTER_S, end, rate)}
        for label_id in ended:
            self.runs[label_id].shown_at = None
        return ended

    def due(self, rate: int, snoozed: Collection[str], *, microphone_at_fault: bool) -> list[Label]:
        """Labels whose prompt may be shown now, in order of priority: those not shown since their trouble began, then
        the one shown longest ago; among equals the worst."""
        candidates = [
            label for label in self.labels.values() if self._is_due(label, rate, snoozed, at_fault=microphone_at_fault)
        ]
        candidates.sort(key=self._rank)
        return [label for label in candidates if not self._waits_for_come_closer(label, snoozed)]

    def prompt(self, label: Label) -> Prompt:
        """What this label asks for now."""
        return prompt_of(label, self.asks)

    def fails_now(self, label: Label) -> bool:
        """Whether its last score was under the threshold."""
        score = self.runs[label.id].score
        return score is not None and score < label.threshold

    def _hears(self, recent: Mapping[str, float | None]) -> bool | None:
        """Whether there was speech in the last 4 s; ``None`` if no label tells."""
        scores = [(label, score) for label in self._speech if (score := recent.get(label.id)) is not None]
        return any(score >= label.threshold for label, score in scores) if scores else None

    def _is_due(self, label: Label, rate: int, snoozed: Collection[str], *, at_fault: bool) -> bool:
        prompt = self.prompt(label)
        if prompt.id in snoozed or not self.fails_now(label) or not self._helps(label, at_fault):
            return False
        if asks_for_speech(label):
            # A dictionary without words for the switch must not tell a patient to speak up whom the doctor has heard.
            unsayable = self.asks is Ask.UNMUTE and label.muted_prompt is None and self._mode is Mode.VISIT
            return self.asks is not Ask.NOTHING and not (unsayable and self.silence.heard)
        noise = label.id == LOW_BACKGROUND
        late = noise and self._swings
        if noise and self._noise_over:
            return False
        return not self.silence.lifeless and self.runs[label.id].under_for(
            prompt.after_s, label, rate, soon=noise, late=late
        )

    def _helps(self, label: Label, at_fault: bool) -> bool:
        if self.prompt(label).id == REDUCE_ECHO:
            # Noise fills the dips of speech as echo does: where it begins, a dry room echoes for some seconds.
            return not any(self.prompt(other).id == QUIETER and self.fails_now(other) for other in self.labels.values())
        if label.id != INTELLIGIBLE:
            return True
        return at_fault and not any(self.fails_now(other) for other in self.labels.values() if other.id != INTELLIGIBLE)

    def _waits_for_come_closer(self, label: Label, snoozed: Collection[str]) -> bool:
        """A faint voice looks like no voice: coming closer fixes both, so it is asked for first."""
        if self.prompt(label).id != SPEAK_UP or COME_CLOSER in snoozed:
            return False
        return any(
            self.prompt(other).id == COME_CLOSER and self.fails_now(other) and self.runs[other.id].shown_at is None
            for other in self.labels.values()
        )

    def _rank(self, label: Label) -> tuple[int, bool, float]:
        """Sort key. A trouble goes before the silence that it may explain, and coming closer is as urgent as that."""
        run = self.runs[label.id]
        assert run.score is not None, "only labels with a score are due"
        scores = [run.score]
        if self.prompt(label).id == COME_CLOSER:
            scores += [
                self.runs[other.id].score or 0.0
                for other in self.labels.values()
                if asks_for_speech(other) and self.fails_now(other)
            ]
        return (-1 if run.shown_at is None else run.shown_at, asks_for_speech(label), min(scores))

    def snapshot(self) -> dict[str, Any]:
        """A JSON-able state for ``restore`` with the same labels."""
        return {
            "runs": {label_id: run.snapshot() for label_id, run in self.runs.items()},
            "silence": self.silence.snapshot(),
            "asks": self.asks.value,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        self.runs = {label_id: Run.restore(state["runs"][label_id]) for label_id in self.labels}
        self.silence = Silence.restore(state["silence"])
        self.asks = Ask(state["asks"])


def asks_for_speech(label: Label) -> bool:
    """Whether its prompt is for a patient who is not heard."""
    return label.prompt is not None and label.prompt.id == SPEAK_UP


def prompt_of(label: Label, asks: Ask) -> Prompt:
    """The label's prompt, or what it asks for if the input is muted."""
    assert label.prompt is not None, "only labels with a prompt are in trouble"
    muted = asks is Ask.UNMUTE and asks_for_speech(label)
    return label.muted_prompt if muted and label.muted_prompt is not None else label.prompt


def _with_prompt(labels: LabelSet) -> dict[str, Label]:
    return {label.id: label for label in labels.shown() if label.prompt is not None}


def _for_speech(labels: LabelSet) -> list[Label]:
    """Also those that were not asked for: what they hear counts if their prompt is asked for later."""
    return [label for label in labels.labels if asks_for_speech(label)]
