"""Decides when a prompt is raised and when it is cleared. A state machine in sample time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.judge.judgement import Audience, PromptCleared, PromptEvent, PromptRaised
from server.judge.labels import Label, LabelSet, Prompt
from server.judge.runs import Run, Side
from server.judge.sounds import Interference
from server.values.text import Text

CLEAR_AFTER_S = 3
SPACING_S = 20
"""Seconds from one raise to the next, at least; a prompt that has been up this long may be replaced."""
IGNORED_AFTER_S = 20
IGNORED_BEFORE_DOCTOR = 2

INTELLIGIBLE = "intelligible"
"""Its prompt asks the patient to check the microphone, which helps only if the microphone is the cause."""
COME_CLOSER, SPEAK_UP = "come_closer", "speak_up"
MOVE_SOMEWHERE_QUIETER = "move_somewhere_quieter"


@dataclass(slots=True)
class Up:
    """The prompt that is up. ``ignored``: how many periods of 20 s have been counted as ignored."""

    event: PromptRaised
    raised_at: int
    ignored: int = 0


class PromptPolicy:
    """At most one prompt at a time, calm, and never again one that the patient has snoozed.

    Call ``observe`` for each window in order, ``snooze`` and ``change_labels`` between windows. All return the events
    to send, in order. A prompt is raised after about 3 s below the threshold and cleared after 3 s above ``clear``;
    raises are at least 20 s apart. Of several due prompts, those not shown since their trouble began come first, then
    the one shown longest ago; among equals the worst, so that none starves. Each 20 s that a prompt is up without
    clearing counts as ignored once; after two, prompts go to the doctor, including the one that is up.
    """

    def __init__(self, labels: LabelSet) -> None:
        self._labels = _with_prompt(labels)
        self._runs = {label_id: Run() for label_id in self._labels}
        self._up: Up | None = None
        self._last_raise: int | None = None
        self._last_end: int | None = None
        self._ignored = 0
        self._snoozed: set[str] = set()

    def observe(
        self,
        end: int,
        rate: int,
        recent: Mapping[str, float | None],
        *,
        microphone_at_fault: bool = False,
        interference: Sequence[Interference] = (),
    ) -> list[PromptEvent]:
        """Take one window that ends at sample ``end`` of ``rate``, with its ``recent`` scores by label id, null or
        absent if there are none. ``microphone_at_fault``: bandwidth or SIG, not noise, makes the speech hard to
        understand.
        """
        since_last = end - self._last_end if self._last_end is not None else end
        self._last_end = end
        for label_id, label in self._labels.items():
            self._runs[label_id].observe(label, recent.get(label_id), end, since_last, rate)
        due = self._due(rate, microphone_at_fault)
        events = self._clear_if_over(rate)
        if self._up is not None:
            self._count_ignored(self._up, end, rate)
            chosen = self._successor(self._up, due, end, rate)
        else:
            chosen = due[0] if due else None
        spaced = self._last_raise is None or end - self._last_raise >= SPACING_S * rate
        if chosen is not None and spaced:
            events += [*self._clear(), self._raise(chosen, end, interference)]
        return events

    def snooze(self, prompt_id: str) -> list[PromptEvent]:
        """ "Not now": the prompt is not raised again in this visit. Unknown ids are ignored."""
        if all(_prompt(label).id != prompt_id for label in self._labels.values()):
            return []
        self._snoozed.add(prompt_id)
        return self._clear() if self._up is not None and self._up.event.id == prompt_id else []

    def change_labels(self, labels: LabelSet) -> list[PromptEvent]:
        """Use other labels. Labels that stay keep their history; a prompt whose label is gone is cleared."""
        self._labels = _with_prompt(labels)
        self._runs = {label_id: self._runs.get(label_id, Run()) for label_id in self._labels}
        gone = self._up is not None and self._up.event.label_id not in self._labels
        return self._clear() if gone else []

    def _due(self, rate: int, microphone_at_fault: bool) -> list[Label]:
        """Labels whose prompt may be shown now, in order of priority."""
        candidates = [
            label
            for label_id, label in self._labels.items()
            if self._is_due(label, self._runs[label_id], rate) and self._helps(label, microphone_at_fault)
        ]
        candidates.sort(key=self._rank)
        return [label for label in candidates if not self._waits_for_come_closer(label)]

    def _waits_for_come_closer(self, label: Label) -> bool:
        """A faint voice looks like no voice: coming closer fixes both, so it is asked for first."""
        if _prompt(label).id != SPEAK_UP or COME_CLOSER in self._snoozed:
            return False
        return any(
            _prompt(other).id == COME_CLOSER and self._fails_now(other) and self._runs[other.id].shown_at is None
            for other in self._labels.values()
        )

    def _is_due(self, label: Label, run: Run, rate: int) -> bool:
        prompt = _prompt(label)
        return self._fails_now(label) and run.under_for(prompt.after_s, label, rate) and prompt.id not in self._snoozed

    def _fails_now(self, label: Label) -> bool:
        score = self._runs[label.id].score
        return score is not None and score < label.threshold

    def _helps(self, label: Label, microphone_at_fault: bool) -> bool:
        if label.id != INTELLIGIBLE:
            return True
        others_fail = any(self._fails_now(other) for other in self._labels.values() if other.id != INTELLIGIBLE)
        return microphone_at_fault and not others_fail

    def _rank(self, label: Label) -> tuple[int, float]:
        """Sort key: not yet shown or shown longest ago, then worst. Coming closer is as urgent as the silence that it
        may explain.
        """
        run = self._runs[label.id]
        assert run.score is not None, "only labels with a score are due"
        scores = [run.score]
        if _prompt(label).id == COME_CLOSER:
            scores += [
                self._runs[other.id].score or 0.0
                for other in self._labels.values()
                if _prompt(other).id == SPEAK_UP and self._fails_now(other)
            ]
        return (-1 if run.shown_at is None else run.shown_at, min(scores))

    def _clear_if_over(self, rate: int) -> list[PromptEvent]:
        if self._up is None:
            return []
        run = self._runs[self._up.event.label_id]
        over = run.above_for(CLEAR_AFTER_S, rate) or run.side is Side.UNKNOWN
        return self._clear() if over else []

    def _count_ignored(self, up: Up, end: int, rate: int) -> None:
        periods = (end - up.raised_at) // (IGNORED_AFTER_S * rate)
        if up.event.audience == "patient" and periods > up.ignored:
            self._ignored += periods - up.ignored
            up.ignored = periods

    def _successor(self, up: Up, due: Sequence[Label], end: int, rate: int) -> Label | None:
        """What replaces the prompt that is up: the next-worst, or the same one if it now goes to the doctor."""
        if end - up.raised_at < SPACING_S * rate:
            return None
        others = [label for label in due if _prompt(label).text != self._labels_text(up)]
        if others:
            return others[0]
        # The remaining labels ask the same thing: one of them may be due instead of the label it was raised for.
        hand_over = up.event.audience == "patient" and self._audience() == "doctor"
        return due[0] if hand_over and due else None

    def _labels_text(self, up: Up) -> Text:
        return _prompt(self._labels[up.event.label_id]).text

    def _audience(self) -> Audience:
        return "doctor" if self._ignored >= IGNORED_BEFORE_DOCTOR else "patient"

    def _raise(self, label: Label, end: int, interference: Sequence[Interference]) -> PromptRaised:
        prompt = _prompt(label)
        event = PromptRaised(prompt.id, label.id, worded(prompt, interference), self._audience())
        self._up = Up(event, end)
        self._last_raise = end
        self._runs[label.id].shown_at = end
        return event

    def _clear(self) -> list[PromptEvent]:
        if self._up is None:
            return []
        event, self._up = self._up.event, None
        return [PromptCleared(event.id, event.label_id, event.text, event.audience)]

    def snapshot(self) -> dict[str, Any]:
        """A JSON-able state for ``restore`` with the same labels."""
        up = self._up
        return {
            "runs": {label_id: run.snapshot() for label_id, run in self._runs.items()},
            "up": up
            and [up.event.label_id, up.event.text.zh, up.event.text.en, up.event.audience, up.raised_at, up.ignored],
            "last_raise": self._last_raise,
            "last_end": self._last_end,
            "ignored": self._ignored,
            "snoozed": sorted(self._snoozed),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], labels: LabelSet) -> "PromptPolicy":
        """Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot."""
        policy = cls(labels)
        policy._runs = {label_id: Run.restore(state["runs"][label_id]) for label_id in policy._labels}
        if state["up"] is not None:
            label_id, zh, en, audience, raised_at, ignored = state["up"]
            prompt = _prompt(policy._labels[label_id])
            policy._up = Up(PromptRaised(prompt.id, label_id, Text(zh, en), audience), raised_at, ignored)
        policy._last_raise, policy._last_end = state["last_raise"], state["last_end"]
        policy._ignored, policy._snoozed = state["ignored"], set(state["snoozed"])
        return policy


def worded(prompt: Prompt, interference: Sequence[Interference]) -> Text:
    """The sentence for the patient; it names the interference if there is a named one ("the television")."""
    named = max(interference, key=lambda item: item.score, default=None)
    return prompt.text if prompt.id != MOVE_SOMEWHERE_QUIETER or named is None else named.prompt


def _with_prompt(labels: LabelSet) -> dict[str, Label]:
    return {label.id: label for label in labels.shown() if label.prompt is not None}


def _prompt(label: Label) -> Prompt:
    assert label.prompt is not None, "the policy only holds labels with a prompt"
    return label.prompt
