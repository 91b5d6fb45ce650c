"""Turns a reading into evidence through the curves of a label, or into the reason why there is none."""

from collections.abc import Mapping

from server.judge.curves import evaluate
from server.judge.labels import AcousticEvidence, Label
from server.model.acoustic.names import Internal
from server.values.audio import Basis
from server.values.scores import Opinion, Why

HIDDEN_BY_PROCESSING = frozenset(
    {
        "snr_db",
        "noise_dbfs",
        "speech_dbfs",
        "mos_background",
        "mos_overall",
        Internal.LIFTED_SPEECH_DBFS,
        Internal.NOISE_ALONE_DBFS,
        Internal.TRUSTED_MOS_BACKGROUND,
        Internal.UNPAUSED_MOS_BACKGROUND,
        Internal.RESIDUE_MOS,
        Internal.WORDS_SNR_DB,
    }
)
"""Noise suppression and automatic gain falsify these measures of the room: a label that reads them needs curves of its
own there (``acoustic_processed``), or has no evidence."""

SPEECH_FREE = frozenset(
    {Internal.SPEECH_S, Internal.SILENCE_RATIO, Internal.NOISE_ALONE_DBFS, "noise_dbfs", "clipping_ratio"}
)
"""Measures that exist without speech."""


def opinion(label: Label, values: Mapping[str, float], *, basis: Basis, mos_shed: bool = False) -> Opinion | None:
    """The acoustic evidence for ``label``; ``None`` if the label declares none."""
    acoustic = label.acoustic_on(basis)
    if acoustic is None:
        return None
    if basis is Basis.AS_HEARD and label.acoustic_processed is None and reads_the_room(acoustic):
        return Opinion(None, Why.PROCESSING_ENABLED)
    value = _evidence(acoustic, values)
    if value is not None and value >= label.threshold and not _may_pass(acoustic, values):
        return Opinion(None, _why_not_passed(values, basis, mos_shed=mos_shed))
    if value is None:
        return Opinion(None, _why(acoustic, values, mos_shed=mos_shed))
    return Opinion(value, cause=_cause(acoustic, values) if value < label.threshold else None)


def reads_the_room(acoustic: AcousticEvidence) -> bool:
    """Whether its curves, made for raw microphones, read what processing falsifies."""
    return any(part.measure in HIDDEN_BY_PROCESSING for part in acoustic.parts)


def _may_pass(acoustic: AcousticEvidence, values: Mapping[str, float]) -> bool:
    return not acoustic.pass_needs or any(measure in values for measure in acoustic.pass_needs)


def _why_not_passed(values: Mapping[str, float], basis: Basis, *, mos_shed: bool) -> Why:
    if "speech_dbfs" not in values:
        return Why.NO_SPEECH
    if mos_shed:
        return Why.SHED
    return Why.PROCESSING_ENABLED if basis is Basis.AS_HEARD else Why.NO_EVIDENCE


def _cause(acoustic: AcousticEvidence, values: Mapping[str, float]) -> str | None:
    """The cause that the part with the lowest evidence names."""
    parts = [
        (evaluate(part.curve, values[part.measure]), part.cause) for part in acoustic.parts if part.measure in values
    ]
    return min(parts, key=lambda part: part[0])[1] if parts else None


def _evidence(acoustic: AcousticEvidence, values: Mapping[str, float]) -> float | None:
    """Weighted mean or minimum over the parts whose measure exists, 0..1; ``None`` if there is none."""
    parts = [
        (part.weight, evaluate(part.curve, values[part.measure]))
        for part in acoustic.parts
        if part.measure in values and part.weight > 0
    ]
    if not parts:
        return None
    if acoustic.combine == "min":
        return min(value for _, value in parts)
    return sum(weight * value for weight, value in parts) / sum(weight for weight, _ in parts)


def _why(acoustic: AcousticEvidence, values: Mapping[str, float], *, mos_shed: bool) -> Why:
    if "speech_dbfs" not in values:
        return Why.NO_SPEECH
    if mos_shed and all(part.measure.startswith("mos_") for part in acoustic.parts):
        return Why.SHED
    return Why.NO_EVIDENCE
