"""Combines the scorers' opinions of one label to its score in one window."""

from collections.abc import Mapping, Sequence
from typing import get_args

from server.judge.labels import Label, LabelSet
from server.judge.said import Said, SaidState
from server.values.scores import EvidenceKind, LabelScore, Opinion, Why
from server.values.text import Text

EVIDENCE_KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)

_MISSING: Mapping[EvidenceKind, Why] = {
    "acoustic": Why.NO_EVIDENCE,
    "clap": Why.NEEDS_CLAP,
    "transcript": Why.NEEDS_TRANSCRIPT,
}

_ORDER = {why: place for place, why in enumerate(Why)}


def declared_kinds(label: Label) -> tuple[EvidenceKind, ...]:
    """The kinds of evidence that the label declares; empty for an ad hoc label that cannot be scored."""
    declared = {"acoustic": label.acoustic, "clap": label.clap, "transcript": label.transcript}
    return tuple(kind for kind in EVIDENCE_KINDS if declared[kind] is not None)


def first_why(reasons: Mapping[Why, object] | set[Why]) -> Why:
    """The reason to report if several apply: the first in the order of ``Why``."""
    return min(reasons, key=_ORDER.__getitem__)


def weighted_mean(weighted: Sequence[tuple[float, float]]) -> float | None:
    """Mean of ``(value, weight)``, weights 0 or more; ``None`` if all weights are 0.

    Clamped to the averaged values: rounding must not push two opinions exactly at the threshold below it.
    """
    counting = [(value, weight) for value, weight in weighted if weight > 0.0]
    if not counting:
        return None
    mean = sum(value * weight for value, weight in counting) / sum(weight for _, weight in counting)
    return min(max(mean, min(value for value, _ in counting)), max(value for value, _ in counting))


def content_score(said: Said) -> LabelScore:
    """The score of a content label: how certain it is that it was stated or denied; null if not heard."""
    evidence: dict[EvidenceKind, float | None] = dict.fromkeys(EVIDENCE_KINDS)
    if said.state is SaidState.NOT_HEARD:
        return LabelScore(None, evidence, Why.NO_EVIDENCE)
    evidence["transcript"] = said.strength
    return LabelScore(said.strength, evidence)


def combine(label: Label, opinions: Mapping[EvidenceKind, Opinion | None]) -> LabelScore:
    """Weighted mean of the non-null evidence, 0..1; without any, ``None`` with the reason.

    Only kinds that the label declares count, whatever else a scorer offers: CLAP cannot hear content. If a declared
    kind has no opinion, its scorer is not loaded.
    """
    evidence: dict[EvidenceKind, float | None] = dict.fromkeys(EVIDENCE_KINDS)
    weights = dict(label.evidence_weights)
    reasons: set[Why] = set()
    heard: list[tuple[float, float]] = []
    for kind in declared_kinds(label):
        opinion = opinions.get(kind)
        if opinion is None or opinion.value is None:
            reasons.add(_MISSING[kind] if opinion is None or opinion.why is None else opinion.why)
            continue
        assert 0.0 <= opinion.value <= 1.0, f"evidence of {label.id} lies in 0..1"
        evidence[kind] = opinion.value
        heard.append((opinion.value, weights.get(kind, 1.0)))
    score = weighted_mean(heard)
    if score is not None:
        return LabelScore(score=score, evidence=evidence, cause=_cause(label, score, opinions))
    return LabelScore(score=None, evidence=evidence, why=first_why(reasons) if reasons else Why.UNSCORABLE)


def _cause(label: Label, score: float, opinions: Mapping[EvidenceKind, Opinion | None]) -> str | None:
    """What the lowest opinion names, if the label fails."""
    given = [one for kind in declared_kinds(label) if (one := opinions.get(kind)) is not None and one.value is not None]
    if score >= label.threshold or not given:
        return None
    return min(given, key=lambda one: 1.0 if one.value is None else one.value).cause


def words_of_causes(labels: LabelSet, scores: Mapping[str, LabelScore]) -> dict[str, Text]:
    """What the patient is asked where a label fails for a known cause, by label id."""
    found = {label.id: label.causes.get(scores[label.id].cause or "") for label in labels.labels}
    return {label_id: cause.prompt for label_id, cause in found.items() if cause is not None and cause.prompt}
