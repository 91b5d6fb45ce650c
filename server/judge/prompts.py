"""Decides when a prompt is raised and when it is cleared. A state machine in sample time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from server.judge.judgement import Audience, LatestSound, PromptCleared, PromptEvent, PromptRaised
from server.judge.labels import Label, LabelSet, Prompt
from server.judge.patience import Patience
from server.judge.runs import Side
from server.judge.silence import Ask
from server.judge.sounds import Interference
from server.judge.troubles import Troubles, asks_for_speech, prompt_of
from server.values.input_kind import InputKind
from server.values.mode import Mode
from server.values.stored import amounts, count
from server.values.text import Text

CLEAR_AFTER_S = 3
SPACING_S = 20
"""Seconds from one raise to the next, at least, between troubles that last."""

MOVE_SOMEWHERE_QUIETER = "move_somewhere_quieter"


@dataclass(slots=True)
class Up:
    """The prompt that is up. ``asks``: what it asks a patient for who is not heard. ``ignored``: how many periods of
    20 s have been counted as ignored."""

    event: PromptRaised
    raised_at: int
    asks: Ask = Ask.NOTHING
    ignored: int = 0


class PromptPolicy:
    """At most one prompt at a time, calm, and never again one that the patient has snoozed.

    Call ``observe`` for each window in order, ``snooze`` and ``change_labels`` between windows. All return the events
    to send, in order. A prompt is raised after about 3 s below the threshold and cleared after 3 s above ``clear``.
    The prompt for a trouble that lasts stays for 20 s and then gives way to one that is due (``Troubles``); a prompt
    that cleared earlier, or that asked for speech, delays no other. What a patient ignores goes to the doctor, if one
    observes (``Patience``).
    """

    def __init__(self, labels: LabelSet, mode: Mode = Mode.RECORDING) -> None:
        self._troubles = Troubles(labels, mode)
        self._patience = Patience()
        self._up: Up | None = None
        self._spaced_from: int | None = None
        self._raised: dict[str, int] = {}
        self._last_end: int | None = None
        self._snoozed: set[str] = set()

    def observe(
        self,
        end: int,
        rate: int,
        recent: Mapping[str, float | None],
        *,
        input_kind: InputKind = InputKind.SOUND,
        observed: bool = False,
        microphone_at_fault: bool = False,
        interference: Sequence[Interference] = (),
        words: Mapping[str, Text] = MappingProxyType({}),
        sound: LatestSound | None = None,
    ) -> list[PromptEvent]:
        """Take one window that ends at sample ``end`` of ``rate``, with its ``recent`` scores by label id, null or
        absent if there are none. ``input_kind``: of the last 4 s. ``observed``: whether a doctor watches.
        ``microphone_at_fault``: bandwidth or SIG, not noise, makes the speech hard to understand. ``words``: sentences,
        by label id, that fit the known cause better than the prompt's own. ``sound``: of the last second, ``None`` if
        unknown.
        """
        since_last = end - self._last_end if self._last_end is not None else end
        self._last_end = end
        self._troubles.observe(end, rate, recent, since_last, input_kind, sound, named=bool(interference))
        self._patience.forget(self._troubles.over(end, rate))
        due = self._troubles.due(rate, self._snoozed, microphone_at_fault=microphone_at_fault)
        events = self._clear_if_over(end, rate)
        if self._up is not None:
            self._count_ignored(self._up, end, rate)
            audience = self._patience.audience(observed=observed)
            chosen = self._successor(self._up, due, end, rate, audience)
        else:
            audience = self._patience.audience(observed=observed)
            chosen = next((label for label in due if self._is_spaced(label, end, rate)), None)
        if chosen is not None:
            events += [*self._clear(), self._raise(chosen, end, words.get(chosen.id), interference, audience)]
        return events

    def snooze(self, prompt_id: str) -> list[PromptEvent]:
        """ "Not now": the prompt is not raised again in this visit. Unknown ids are ignored."""
        prompts = [one for label in self._troubles.labels.values() for one in (label.prompt, label.muted_prompt)]
        if all(one is None or one.id != prompt_id for one in prompts):
            return []
        self._snoozed.add(prompt_id)
        return self._clear() if self._up is not None and self._up.event.id == prompt_id else []

    def change_labels(self, labels: LabelSet) -> list[PromptEvent]:
        """Use other labels. Labels that stay keep their history; a prompt whose label is gone is cleared."""
        self._troubles.change_labels(labels)
        gone = self._up is not None and self._up.event.label_id not in self._troubles.labels
        return self._clear() if gone else []

    def _clear_if_over(self, end: int, rate: int) -> list[PromptEvent]:
        up = self._up
        if up is None:
            return []
        run = self._troubles.runs[up.event.label_id]
        if up.asks is Ask.NOTHING:
            over = run.above_for(CLEAR_AFTER_S, rate) or run.side is Side.UNKNOWN
        else:
            over = self._troubles.asks is not up.asks
        if over and end - up.raised_at < SPACING_S * rate:
            self._spaced_from = None
        return self._clear() if over else []

    def _count_ignored(self, up: Up, end: int, rate: int) -> None:
        if up.event.audience == "patient":
            up.ignored = self._patience.count(up.event.label_id, up.ignored, end - up.raised_at, rate)

    def _successor(self, up: Up, due: Sequence[Label], end: int, rate: int, audience: Audience) -> Label | None:
        """What replaces the prompt that is up: the next-worst, or the same one if it now goes to somebody else."""
        others = [label for label in due if self._troubles.prompt(label).text != self._text(up)]
        if end - up.raised_at < SPACING_S * rate:
            return None if self._lasts(up) else self._new_trouble(others, end, rate)
        if others:
            return others[0]
        # The remaining labels ask the same thing: one of them may be due instead of the label it was raised for.
        return due[0] if due and up.event.audience != audience else None

    def _lasts(self, up: Up) -> bool:
        """Whether it is for a trouble that goes on. One that asks for speech delays no other."""
        return up.asks is Ask.NOTHING and self._troubles.runs[up.event.label_id].side is Side.UNDER

    def _new_trouble(self, due: Sequence[Label], end: int, rate: int) -> Label | None:
        """What may replace a prompt at once: a trouble that was not told yet, but not silence."""
        return next(
            (
                label
                for label in due
                if self._troubles.runs[label.id].shown_at is None
                and not asks_for_speech(label)
                and self._was_not_just_raised(label, end, rate)
            ),
            None,
        )

    def _is_spaced(self, label: Label, end: int, rate: int) -> bool:
        spaced = self._spaced_from is None or end - self._spaced_from >= SPACING_S * rate
        return spaced and self._was_not_just_raised(label, end, rate)

    def _was_not_just_raised(self, label: Label, end: int, rate: int) -> bool:
        raised_at = self._raised.get(self._troubles.prompt(label).text.en)
        return raised_at is None or end - raised_at >= SPACING_S * rate

    def _text(self, up: Up) -> Text:
        return prompt_of(self._troubles.labels[up.event.label_id], up.asks).text

    def _raise(
        self, label: Label, end: int, words: Text | None, interference: Sequence[Interference], audience: Audience
    ) -> PromptRaised:
        prompt = self._troubles.prompt(label)
        asks = self._troubles.asks if asks_for_speech(label) else Ask.NOTHING
        event = PromptRaised(prompt.id, label.id, words or worded(prompt, interference), audience)
        self._up = Up(event, end, asks)
        self._spaced_from = end if asks is Ask.NOTHING else None
        self._raised[prompt.text.en] = end
        self._troubles.runs[label.id].shown_at = end
        if asks is Ask.UNMUTE:
            self._troubles.silence.asked_to_unmute(end)
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
            "troubles": self._troubles.snapshot(),
            "patience": self._patience.snapshot(),
            "up": up
            and {
                "event": [up.event.id, up.event.label_id, up.event.text.zh, up.event.text.en, up.event.audience],
                "raised_at": up.raised_at,
                "asks": up.asks.value,
                "ignored": up.ignored,
            },
            "spaced_from": self._spaced_from,
            "raised": dict(self._raised),
            "last_end": self._last_end,
            "snoozed": sorted(self._snoozed),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], labels: LabelSet, mode: Mode = Mode.RECORDING) -> "PromptPolicy":
        """Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot."""
        policy = cls(labels, mode)
        policy._troubles.restore(state["troubles"])
        policy._patience = Patience.restore(state["patience"])
        if (up := state["up"]) is not None:
            prompt_id, label_id, zh, en, audience = up["event"]
            if label_id not in policy._troubles.labels:
                raise ValueError("a prompt of another label")
            event = PromptRaised(prompt_id, label_id, Text(zh, en), audience)
            policy._up = Up(event, count(up["raised_at"]), Ask(up["asks"]), count(up["ignored"]))
        places = amounts({name: state[name] for name in ("spaced_from", "last_end")})
        policy._spaced_from, policy._last_end = places["spaced_from"], places["last_end"]
        policy._raised, policy._snoozed = amounts(state["raised"]), set(state["snoozed"])
        return policy


def worded(prompt: Prompt, interference: Sequence[Interference]) -> Text:
    """The sentence for the patient; it names the interference if there is a named one ("the television")."""
    named = max(interference, key=lambda item: item.score, default=None)
    return prompt.text if prompt.id != MOVE_SOMEWHERE_QUIETER or named is None else named.prompt
