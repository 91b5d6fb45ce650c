"""What all scorers said of one window, put together."""

from collections.abc import Sequence

from server.judge.labels import Label
from server.judge.sounds import Interference, PatientSound
from server.scoring.ports import Scored, ScoreRequest
from server.values.measures import Measures
from server.values.scores import EvidenceKind, Opinion, Why

Opinions = dict[EvidenceKind, dict[str, Opinion]]


def opinions_of(request: ScoreRequest, scored: Sequence[Scored]) -> tuple[Measures, Opinions, Opinions]:
    """Measures, opinions and recent opinions of all scorers, by kind of evidence and label id."""
    measured = next((one.reply.measures for one in scored if one.reply and one.reply.measures), None)
    opinions: Opinions = {}
    recent: Opinions = {}
    for one in scored:
        if one.kind == "names":
            continue
        shed = _shed(request.labels.labels, one.kind) if one.reply is None else {}
        opinions.setdefault(one.kind, {}).update(one.reply.opinions if one.reply else shed)
        recent.setdefault(one.kind, {}).update(one.reply.recent if one.reply else shed)
    return measured or Measures(speech_ratio=request.window.speech_ratio), opinions, recent


def sounds_of(scored: Sequence[Scored]) -> tuple[list[Interference], list[PatientSound]]:
    """The sounds that scorers named: at most one around the patient, and each of the patient's own once.

    The namer goes before CLAP, whose names were never measured.
    """
    replies = [one.reply for one in sorted(scored, key=lambda one: one.kind != "names") if one.reply is not None]
    own: dict[str, PatientSound] = {}
    for event in (event for reply in replies for event in reply.events):
        own.setdefault(event.id, event)
    return [sound for reply in replies for sound in reply.interference][:1], list(own.values())


def judged(scored: Sequence[Scored]) -> bool:
    """Whether any scorer answered that has opinions on labels: the namer alone judges nobody."""
    return any(one.reply is not None and one.kind != "names" for one in scored)


def _shed(labels: Sequence[Label], kind: EvidenceKind) -> dict[str, Opinion]:
    """The labels on which a failed scorer would have had an opinion."""
    return {label.id: Opinion(None, Why.SHED) for label in labels if getattr(label, kind) is not None}


def left_out(scored: Sequence[Scored], **parts: bool) -> tuple[str, ...]:
    """Names of the ``parts`` that were due and missing, then the kinds of scorers without an answer."""
    kinds = dict.fromkeys(one.kind for one in scored if one.reply is None)
    return (*(part for part, missing in parts.items() if missing), *kinds)
