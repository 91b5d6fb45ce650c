"""The judgement of one session or file, window by window. Sans-IO, with memory.

Call ``add_window`` for every window in the order of their ends, ``snooze`` and ``change_labels`` in between, and
``conclude`` at any time. Windows may be missing: everything is computed in sample time.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from server.errors import SnapshotError
from server.judge.advice import advise, is_missing
from server.judge.asked import MicrophoneBlame, failing_prompts, microphone_fails
from server.judge.combine import EVIDENCE_KINDS, combine, content_score, words_of_causes
from server.judge.faint_voice import faint_cap
from server.judge.history import History, alike, capped, limited
from server.judge.judgement import Conclusion, PromptCleared, PromptEvent, Span, WindowFacts, WindowJudgement
from server.judge.labels import Label, LabelSet
from server.judge.other_sound import OF_VOICES
from server.judge.other_voice import OtherVoice, without
from server.judge.prompts import PromptPolicy
from server.judge.said import Said
from server.judge.silence import Ask
from server.judge.sounds import Interference
from server.judge.stretches import Stretches
from server.judge.troubles import LOW_BACKGROUND
from server.judge.verdict import overall, passed
from server.judge.whose import NOBODY_KNOWN, Turns
from server.values.input_kind import InputKind
from server.values.mode import Mode
from server.values.scores import EvidenceKind, LabelScore, Opinion, Overall, Why
from server.values.stored import count
from server.values.text import Text
from server.values.voices import Voice

SNAPSHOT_VERSION = 8

Opinions = Mapping[EvidenceKind, Mapping[str, Opinion]]


class SessionJudge:
    """Judges windows by ``labels``. ``opinions`` are keyed by evidence kind, then by label id; if a label has no entry
    for a kind that it declares, that scorer is not loaded."""

    def __init__(self, labels: LabelSet, mode: Mode = Mode.RECORDING) -> None:
        self._labels = labels
        self._history = History(labels)
        self._prompts = PromptPolicy(labels, mode)
        self._stretches = Stretches()
        self._other_voice = OtherVoice() if mode is Mode.VISIT else None
        self._blame = MicrophoneBlame()
        self._sample_rate = 1
        self._lifeless = True
        self._unsent: list[PromptEvent] = []
        self._voices: tuple[Voice, ...] = ()
        self._turns = NOBODY_KNOWN
        self._mode = mode

    def add_window(
        self,
        facts: WindowFacts,
        opinions: Opinions,
        recent: Opinions,
        interference: Sequence[Interference] = (),
        *,
        observed: bool = False,
        aggregated: bool = True,
    ) -> WindowJudgement:
        """Judge one window. A window that ends no later than the previous one is judged too, but not counted again.

        ``interference``: sounds that scorers heard around the patient. It counts only if ``low_background`` fails in
        the window or in its last 4 s: a television in a room that is quiet enough does not matter. ``observed``:
        whether a doctor watches, who can be told what the patient ignores. ``aggregated``: whether ``session_labels``
        and ``session_overall`` are wanted; else they are null, since with hours behind they take longer than the rest.
        """
        scores = {label.id: combine(label, _of(opinions, label)) for label in self._labels.labels}
        latest = {label.id: combine(label, _recent_of(recent, opinions, label)) for label in self._labels.labels}
        named = list(interference) if self._is_disturbed(scores, latest) else []
        events, self._unsent = self._unsent, []
        if self._stretches.end is None or facts.end_sample > self._stretches.end:
            doubted = self._doubted(facts, latest)
            if any(sound.id not in OF_VOICES for sound in named):
                doubted.discard(LOW_BACKGROUND)
            believed = without(latest, doubted)
            self._remember(facts, scores, believed, doubted)
            events += self._prompts.observe(
                facts.end_sample,
                facts.sample_rate,
                {label_id: score.score for label_id, score in believed.items()},
                input_kind=facts.input_kind,
                observed=observed,
                microphone_at_fault=microphone_fails(self._labels, facts, latest),
                interference=named,
                words=words_of_causes(self._labels, latest),
                sound=facts.sound,
            )
        aggregates = self._aggregates() if aggregated else dict.fromkeys(label.id for label in self._labels.labels)
        waits = self._waits(facts, scores)
        shown = [label.id for label in self._labels.shown()]
        return WindowJudgement(
            labels={label_id: scores[label_id] for label_id in shown},
            overall=overall(
                self._labels,
                {label_id: score.score for label_id, score in scores.items()},
                mos=_mos(facts),
                waits=waits,
            ),
            recent={label_id: latest[label_id].score for label_id in shown},
            session_labels={label_id: aggregates[label_id] for label_id in shown},
            session_overall=self._overall(aggregates, waits=waits and aggregates.get(LOW_BACKGROUND) is None),
            prompts=events,
            interference=named,
            unusable_spans=self._unusable_spans(),
        )

    def hear(self, voices: tuple[Voice, ...], until_s: float | None = None) -> None:
        """The voices that were told apart so far, up to second ``until_s``, ``None`` where none are; a faint one counts
        from now on. Not in the snapshot."""
        self._voices, self._turns = voices, Turns(voices, until_s)

    def settle(self, facts: WindowFacts, opinions: Opinions) -> None:
        """Let one window decide, instead of all so far: the longest of a short recording, judged with what came late.

        Call it after the last window; spans and prompts stay as they are.
        """
        scores = {label.id: combine(label, _of(opinions, label)) for label in self._labels.labels}
        self._history.start_over()
        self._history.add(scores, facts.speech_s, partial=facts.partial, mos=_mos(facts))
        self._blame = MicrophoneBlame()
        self._blame.note(self._labels, facts, scores)

    def snooze(self, prompt_id: str) -> list[PromptEvent]:
        """ "Not now": the prompt is cleared if it is up, and not raised again in this visit."""
        return self._prompts.snooze(prompt_id)

    def change_labels(self, labels: LabelSet) -> None:
        """Use other labels from the next window on, which reports cleared prompts. Labels that stay keep scores."""
        self._stretches.keep_only(alike(self._labels, labels))
        self._history = self._history.with_labels(labels)
        self._unsent += self._prompts.change_labels(labels)
        self._labels = labels

    def conclude(self, said: Mapping[str, Said] | None = None) -> Conclusion:
        """The judgement so far. Changes nothing. Without any window the audio was too short (under 0.5 s).

        ``said``: what the transcript says, by label id, for content labels that it covers.
        """
        too_short = self._stretches.end is None
        scores = self._concluded()
        scores |= {label_id: content_score(one) for label_id, one in (said or {}).items() if label_id in scores}
        values = {label_id: score.score for label_id, score in scores.items()}
        judged = self._overall(values, too_short=too_short)
        spans = self._unusable_spans()
        shown = self._labels.shown()
        not_heard = [label.id for label in shown if is_missing(label, scores[label.id])]
        return Conclusion(
            labels={label.id: scores[label.id] for label in shown},
            passed={label.id: passed(label, values[label.id]) for label in shown},
            overall=judged,
            advice=advise(
                self._labels,
                scores,
                judged,
                spans,
                self._sample_rate,
                heard_samples=self._stretches.end or 0,
                too_short=too_short,
                lifeless=self._lifeless,
            ),
            prompts=failing_prompts(self._labels, values, self._blame, Ask.UNMUTE if self._lifeless else Ask.SPEAK_UP),
            unusable_spans=spans,
            not_heard=not_heard,
            not_assessed=[label.id for label in shown if values[label.id] is None and label.id not in not_heard],
        )

    def snapshot(self) -> dict[str, Any]:
        """A JSON-able, versioned state; cheap enough for every window, because unchanging parts are shared."""
        return {
            "version": SNAPSHOT_VERSION,
            "history": self._history.snapshot(),
            "prompts": self._prompts.snapshot(),
            "stretches": self._stretches.snapshot(),
            "other_voice": None if self._other_voice is None else self._other_voice.snapshot(),
            "blame": self._blame.snapshot(),
            "sample_rate": self._sample_rate,
            "lifeless": self._lifeless,
            "unsent": [
                [event.id, event.label_id, event.text.zh, event.text.en, event.audience] for event in self._unsent
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], labels: LabelSet, mode: Mode = Mode.RECORDING) -> "SessionJudge":
        """Continue where ``snapshot`` was taken, in the same ``mode``.

        Raises SnapshotError for another version, other labels or bad data.
        """
        if state.get("version") != SNAPSHOT_VERSION:
            raise SnapshotError("a judgement snapshot of another version")
        judge = cls(labels, mode)
        try:
            judge._history = History.restore(state["history"], labels)
            judge._prompts = PromptPolicy.restore(state["prompts"], labels, mode)
            judge._blame = MicrophoneBlame.restore(state["blame"])
            judge._sample_rate = count(state["sample_rate"])
            judge._lifeless = bool(state["lifeless"])
            judge._stretches = Stretches.restore(state["stretches"], judge._sample_rate)
            if mode is Mode.VISIT:
                judge._other_voice = OtherVoice.restore(state["other_voice"])
            judge._unsent = [
                PromptCleared(prompt_id, label_id, Text(zh, en), audience)
                for prompt_id, label_id, zh, en, audience in state["unsent"]
            ]
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SnapshotError(f"a judgement snapshot that does not fit these labels ({error})") from error
        return judge

    def _unusable_spans(self) -> list[Span]:
        return self._stretches.spans(self._labels, self._sample_rate)

    def _overall(self, values: Mapping[str, float | None], *, too_short: bool = False, waits: bool = False) -> Overall:
        unheard, mos = self._stretches.unheard(), self._history.mos()
        return overall(self._labels, values, mos=mos, unheard=unheard, too_short=too_short, waits=waits)

    def _waits(self, facts: WindowFacts, scores: Mapping[str, LabelScore]) -> bool:
        """Whether someone speaks, but there was no pause yet in which the room could be heard."""
        background = scores.get(LOW_BACKGROUND)
        if background is None or background.why is not Why.NO_EVIDENCE or LOW_BACKGROUND not in self._labels.requested:
            return False
        return facts.partial and facts.speech_s > 0.0

    def _aggregates(self) -> dict[str, float | None]:
        """The scores of ``_concluded``, without evidence and reasons, which take longer."""
        caps, scores = self._caps(), self._history.scores()
        return {label.id: limited(label, scores[label.id], caps.get(label.id)) for label in self._labels.labels}

    def _concluded(self) -> dict[str, LabelScore]:
        """What the windows and the share of spoiled speech say of every label."""
        caps = self._caps()
        return {
            label.id: capped(label, self._history.concluded(label.id), caps.get(label.id))
            for label in self._labels.labels
        }

    def _caps(self) -> dict[str, float]:
        """The best score that each label can have, by id: for the speech that it spoils, and for a faint voice."""
        caps = self._stretches.caps(self._labels)
        for label_id, cap in faint_cap(self._labels, self._voices, self._mode).items():
            caps[label_id] = min(cap, caps.get(label_id, 1.0))
        return caps

    def _remember(
        self,
        facts: WindowFacts,
        scores: Mapping[str, LabelScore],
        latest: Mapping[str, LabelScore],
        doubted: Collection[str],
    ) -> None:
        self._sample_rate = facts.sample_rate
        self._lifeless = self._lifeless and facts.input_kind in (InputKind.ZEROS, InputKind.FLOOR)
        # Where voices are told apart, what is doubted is another's, and not only a turn that may be.
        own = scores if self._turns.until_s is None else without(scores, doubted)
        self._history.add(own, facts.speech_s, partial=facts.partial, mos=_mos(facts))
        self._stretches.add(facts, self._labels, scores, latest, doubted)
        self._blame.note(self._labels, facts, scores)

    def _doubted(self, facts: WindowFacts, latest: Mapping[str, LabelScore]) -> set[str]:
        """Labels whose latest scores may be another's than the patient's."""
        if self._other_voice is None:
            return set()
        return self._other_voice.doubted(facts, self._labels, latest, self._turns)

    def _is_disturbed(self, scores: Mapping[str, LabelScore], latest: Mapping[str, LabelScore]) -> bool:
        label = next((label for label in self._labels.labels if label.id == LOW_BACKGROUND), None)
        return label is not None and any(passed(label, each[label.id].score) is False for each in (scores, latest))


def _mos(facts: WindowFacts) -> float | None:
    return None if facts.measures is None else facts.measures.mos_overall


def _of(opinions: Opinions, label: Label) -> dict[EvidenceKind, Opinion | None]:
    return {kind: opinions[kind].get(label.id) if kind in opinions else None for kind in EVIDENCE_KINDS}


def _recent_of(recent: Opinions, opinions: Opinions, label: Label) -> dict[EvidenceKind, Opinion | None]:
    """Opinions of the last 4 s; of 10 s for a label with a prompt that only CLAP scores (docs/decisions/0010)."""
    found = _of(recent, label)
    if label.prompt is not None and label.acoustic is None and found["clap"] is None:
        found["clap"] = _of(opinions, label)["clap"]
    return found
