"""What became of each stretch of a session: which could not be heard and why, and how much of the speech is spoiled."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from server.judge.judgement import Span, WindowFacts
from server.judge.labels import LabelSet
from server.judge.lost import LostAudio
from server.judge.number import POOR_UNDER
from server.judge.spans import Mark, SpanTracker, spoiled_by, without
from server.judge.spoiled import SpoiledSpeech, caps, unheard_share
from server.values.scores import LabelScore
from server.values.stored import count
from server.values.windows import RECENT_S

NO_CROSSTALK = "no_crosstalk"
"""Two at once are heard over 10 s, or over the last seconds that were asked about, never over the last 4 s: a whole
window tells where they are."""

MOST_OF = (3, 4)
"""Marks of 10 s tell a stretch within a second or two if three of four must agree."""


class Stretches:
    """Call ``add`` for each window in the order of their ends."""

    def __init__(self) -> None:
        self._recent = SpanTracker()
        self._overlap = SpanTracker(MOST_OF)
        self._lost = LostAudio()
        self._spoiled = SpoiledSpeech()
        self._spoiled_in_whole = SpoiledSpeech()  # by labels that only whole windows score

    @property
    def end(self) -> int | None:
        """Sample at which the last window ended; ``None`` without one."""
        return self._recent.marks[-1].end_sample if self._recent.marks else None

    def add(
        self,
        facts: WindowFacts,
        labels: LabelSet,
        scores: Mapping[str, LabelScore],
        latest: Mapping[str, LabelScore],
        doubted: Collection[str] = (),
    ) -> None:
        """``scores`` of the window, ``latest`` of its last 4 s, by label id. ``doubted``: labels whose scores may be
        the other party's; what is not the patient's spoils nothing."""
        start, end, rate = facts.start_sample, facts.end_sample, facts.sample_rate
        if NO_CROSSTALK in latest:
            latest = {**latest, NO_CROSSTALK: replace(latest[NO_CROSSTALK], score=None)}
        looks_back_to = max(start, end - RECENT_S * rate)
        self._recent.add(Mark(looks_back_to, end, spoiled_by(labels, latest)), rate)
        self._overlap.add(Mark(start, end, _overlapped(labels, scores)), rate)
        self._lost.add(facts.lost, start, end, rate)
        recent, whole = _by_length(labels, scores, latest)
        self._spoiled.add(looks_back_to, end, rate, facts.speech_by_second, recent)
        whole = {label_id: score for label_id, score in whole.items() if label_id not in doubted}
        self._spoiled_in_whole.add(start, end, rate, facts.speech_by_second, whole)

    def spans(self, labels: LabelSet, rate: int) -> list[Span]:
        """Stretches that cannot be used, in order and apart; those of labels no longer in the set are left out."""
        known = {label.id for label in labels.labels}
        told = self._lost.spans(rate)
        for tracker in (self._recent, self._overlap):
            told += without([span for span in tracker.spans(rate) if span.why in known], told, rate)
            told.sort()
        return told

    def caps(self, labels: LabelSet) -> dict[str, float]:
        """The best score that each label can have, by id, for the share of the speech that it spoils."""
        return caps(labels, self._spoiled_in_whole.counts()) | caps(labels, self._spoiled.counts())

    def unheard(self) -> float:
        """Share of what was said, 0..1, that cannot be heard: lost, or spoiled beyond use."""
        heard = 1.0 - self._lost.share()
        for spoiled in (self._spoiled, self._spoiled_in_whole):
            heard *= 1.0 - unheard_share(spoiled.counts())
        return 1.0 - heard

    def keep_only(self, label_ids: frozenset[str]) -> None:
        """Forget how much other labels spoil; their spans stay for when they are asked for again."""
        self._spoiled.keep_only(label_ids)
        self._spoiled_in_whole.keep_only(label_ids)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "marks": list(self._recent.marks),
            "overlap": list(self._overlap.marks),
            "lost": self._lost.snapshot(),
            "spoiled": self._spoiled.snapshot(),
            "spoiled_in_whole": self._spoiled_in_whole.snapshot(),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], rate: int) -> "Stretches":
        """Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot. ``rate``: of the input, Hz."""
        restored = cls()
        for tracker, marks in ((restored._recent, state["marks"]), (restored._overlap, state["overlap"])):
            for start, end, why in marks:
                tracker.add(Mark(count(start), count(end), why), rate)
        restored._lost = LostAudio.restore(state["lost"])
        restored._spoiled = SpoiledSpeech.restore(state["spoiled"])
        restored._spoiled_in_whole = SpoiledSpeech.restore(state["spoiled_in_whole"])
        return restored


def _overlapped(labels: LabelSet, scores: Mapping[str, LabelScore]) -> str | None:
    score = scores[NO_CROSSTALK].score if NO_CROSSTALK in scores else None
    asked = NO_CROSSTALK in labels.requested
    return NO_CROSSTALK if asked and score is not None and score < POOR_UNDER else None


def _by_length(
    labels: LabelSet, scores: Mapping[str, LabelScore], latest: Mapping[str, LabelScore]
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """The scores of the last 4 s, and those of labels that have none and are scored over a whole window.

    CLAP always hears a whole window, even where its opinion stands among the ``latest``.
    """
    recent = {label.id: latest[label.id].score for label in labels.labels if label.acoustic is not None}
    return recent, {label.id: scores[label.id].score for label in labels.labels if recent.get(label.id) is None}
