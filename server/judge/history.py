"""The scores of a session's windows: bounded by the number of windows, cheap to aggregate and to snapshot."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from server.judge.aggregate import ScoreSeries
from server.judge.combine import EVIDENCE_KINDS, combine, declared_kinds, first_why
from server.judge.labels import Aggregate, Label, LabelSet
from server.values.scores import EvidenceKind, LabelScore, Why
from server.values.stored import amount, count

MOS = ""
"""Stands for a label that holds the overall DNSMOS of each window, 1..5."""

Row = tuple[int, tuple[float | None, ...]]
"""Speech of a window in hundredths of a second, and its values by ``History.columns``. Never modified."""


class History:
    """The scores of successive windows; once there is a full window, only full ones are kept.

    Every label of the set is kept, requested or not. If a label declares more than one kind of evidence, the evidence
    is kept too; a single kind equals the score.
    """

    def __init__(self, labels: LabelSet) -> None:
        self._labels = {label.id: label for label in labels.labels}
        self._keys = _keys(labels)
        self._columns = {label_id: ScoreSeries() for label_id in (*self._labels, MOS)}
        self._rows: list[Row] = []
        self._full = False
        self._whys: dict[str, Counter[Why]] = {label_id: Counter() for label_id in self._labels}
        self._causes: dict[str, Counter[str]] = {label_id: Counter() for label_id in self._labels}

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self, scores: Mapping[str, LabelScore], speech_s: float, *, partial: bool, mos: float | None = None
    ) -> None:
        """Add one window, with a score for every label of the set. A partial window after a full one is ignored.

        ``mos``: its overall DNSMOS, 1..5.
        """
        if partial and self._full:
            return
        if not partial and not self._full:
            self.start_over()
            self._full = True
        for label_id in self._labels:
            why = scores[label_id].why
            if why is not None:
                self._whys[label_id][why] += 1
            self._note_cause(self._labels[label_id], scores[label_id])
        values = tuple(
            mos if label_id == MOS else scores[label_id].score if kind is None else scores[label_id].evidence.get(kind)
            for label_id, kind in self._keys
        )
        self._append((round(speech_s * 100), values))

    def _note_cause(self, label: Label, score: LabelScore) -> None:
        if score.score is not None and score.score < label.threshold:
            self._causes[label.id][score.cause or ""] += 1

    def _cause(self, label_id: str) -> str | None:
        """What made the label fail in most of the windows in which it did; ``None`` if nobody knows."""
        counted = self._causes[label_id]
        return max(sorted(counted), key=lambda cause: counted[cause]) or None if counted else None

    def start_over(self) -> None:
        """Forget all windows."""
        self._rows = []
        self._full = False
        self._columns = {label_id: ScoreSeries() for label_id in (*self._labels, MOS)}
        self._whys = {label_id: Counter() for label_id in self._labels}
        self._causes = {label_id: Counter() for label_id in self._labels}

    def score(self, label_id: str) -> float | None:
        """The label's aggregate so far, 0..1; ``None`` if no window has a score."""
        return self._columns[label_id].aggregate(self._labels[label_id])

    def scores(self) -> dict[str, float | None]:
        """Label id to its aggregate 0..1, or None where no window had a score."""
        return {label_id: self.score(label_id) for label_id in self._labels}

    def mos(self) -> float | None:
        """Overall DNSMOS of the usual window so far, 1..5."""
        return self._columns[MOS].typical()

    def concluded(self, label_id: str) -> LabelScore:
        """The aggregate with its evidence, aggregated by the same rule, or the reason why there is none."""
        label = self._labels[label_id]
        score = self.score(label_id)
        if score is None:
            reasons = {why for why, count in self._whys[label_id].items() if count}
            if not reasons and self._rows:
                # Requested after the last window: not judged yet, whatever scorers are loaded.
                unseen = combine(label, {})
                return replace(unseen, why=Why.NO_EVIDENCE) if label.acoustic or label.clap else unseen
            return LabelScore(None, dict.fromkeys(EVIDENCE_KINDS), first_why(reasons) if reasons else Why.TOO_SHORT)
        evidence: dict[EvidenceKind, float | None] = dict.fromkeys(EVIDENCE_KINDS)
        kinds = declared_kinds(label)
        for kind in kinds:
            evidence[kind] = (
                score if len(kinds) == 1 else self._column(self._keys.index((label_id, kind))).aggregate(label)
            )
        return LabelScore(score, evidence, cause=self._cause(label_id))

    def with_labels(self, labels: LabelSet) -> "History":
        """The same windows for other labels. A label with unchanged scoring keeps its scores; a new label has none."""
        changed = History(labels)
        kept = {
            label.id
            for label in labels.labels
            if label.id in self._labels and _scored_alike(label, self._labels[label.id])
        }
        columns = kept | {MOS}
        old = {key: place for place, key in enumerate(self._keys)}
        places = [old[key] if key[0] in columns else None for key in changed._keys]
        changed._fill(
            [
                (speech, tuple(None if place is None else values[place] for place in places))
                for speech, values in self._rows
            ]
        )
        changed._full = self._full
        for label_id in kept:
            changed._whys[label_id] = Counter(self._whys[label_id])
            changed._causes[label_id] = Counter(self._causes[label_id])
        return changed

    def snapshot(self) -> dict[str, Any]:
        """A JSON-able state for ``restore`` with the same labels. Cheap: the rows are shared, not copied."""
        return {
            "keys": [[label_id, kind] for label_id, kind in self._keys],
            "rows": list(self._rows),
            "full": self._full,
            "whys": {label_id: dict(counts) for label_id, counts in self._whys.items() if counts},
            "causes": {label_id: dict(counts) for label_id, counts in self._causes.items() if counts},
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], labels: LabelSet) -> "History":
        """Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot with these labels."""
        history = cls(labels)
        if [tuple(key) for key in state["keys"]] != history._keys:
            raise ValueError("a snapshot of other labels")
        rows: list[Row] = [
            (count(speech), tuple(None if value is None else amount(value) for value in values))
            for speech, values in state["rows"]
        ]
        if any(len(values) != len(history._keys) for _, values in rows):
            raise ValueError("a window with another number of scores")
        history._fill(rows)
        history._full = bool(state["full"])
        for label_id, counts in state["whys"].items():
            history._whys[label_id] = Counter({Why(why): count(times) for why, times in counts.items()})
        for label_id, counts in state["causes"].items():
            history._causes[label_id] = Counter({str(cause): count(times) for cause, times in counts.items()})
        return history

    def _append(self, row: Row) -> None:
        self._rows.append(row)
        for (label_id, kind), value in zip(self._keys, row[1], strict=True):
            if kind is None and value is not None:
                self._columns[label_id].add(value, row[0])

    def _fill(self, rows: list[Row]) -> None:
        self._rows = rows
        for place, (label_id, kind) in enumerate(self._keys):
            if kind is None:
                self._columns[label_id] = self._column(place)

    def _column(self, place: int) -> ScoreSeries:
        return ScoreSeries.of(
            [(value, speech) for speech, values in self._rows if (value := values[place]) is not None]
        )


def _keys(labels: LabelSet) -> list[tuple[str, EvidenceKind | None]]:
    keys: list[tuple[str, EvidenceKind | None]] = []
    for label in labels.labels:
        keys.append((label.id, None))
        kinds = declared_kinds(label)
        if len(kinds) > 1:
            keys += [(label.id, kind) for kind in kinds]
    return [*keys, (MOS, None)]


def limited(label: Label, score: float | None, cap: float | None) -> float | None:
    """``score``, but no higher than ``cap`` for a label whose usual window counts."""
    return score if score is None or cap is None or label.aggregate is not Aggregate.TYPICAL else min(score, cap)


def capped(label: Label, score: LabelScore, cap: float | None) -> LabelScore:
    """The same for a score and its acoustic evidence, on which ``cap`` rests."""
    acoustic = limited(label, score.evidence.get("acoustic"), cap)
    evidence = score.evidence if acoustic is None else {**score.evidence, "acoustic": acoustic}
    return replace(score, score=limited(label, score.score, cap), evidence=evidence)


def alike(before: LabelSet, after: LabelSet) -> frozenset[str]:
    """Ids of labels in both sets that are scored in the same way."""
    known = {label.id: label for label in before.labels}
    return frozenset(label.id for label in after.labels if label.id in known and _scored_alike(label, known[label.id]))


def _scored_alike(left: Label, right: Label) -> bool:
    return (left.acoustic, left.acoustic_processed, left.clap, left.transcript, left.evidence_weights) == (
        right.acoustic,
        right.acoustic_processed,
        right.clap,
        right.transcript,
        right.evidence_weights,
    )
