"""Dictionaries in the form shown to people and programs."""

from server.dictionaries.loader import DEFAULT_DICTIONARY, Dictionary
from server.judge.combine import declared_kinds
from server.judge.labels import Label
from server.values.text import Text
from server.wire.common import TextModel
from server.wire.label_sets import KnownLabel, LabelSetModel, LabelSetsModel


def label_sets(dictionaries: list[tuple[Dictionary, str]]) -> LabelSetsModel:
    """``dictionaries``: each with the digest of its complete set."""
    return LabelSetsModel(
        default=DEFAULT_DICTIONARY, label_sets=[label_set(one, digest) for one, digest in dictionaries]
    )


def label_set(dictionary: Dictionary, digest: str) -> LabelSetModel:
    """One dictionary for the wire; each label with the name of the dictionary in which it is written."""
    sources = {include.label_id: include.dictionary for include in dictionary.includes}
    return LabelSetModel(
        name=dictionary.name,
        title=_text(dictionary.title),
        version=dictionary.version,
        digest=digest,
        labels=[known_label(label, sources.get(label.id, dictionary.name)) for label in dictionary.labels],
    )


def known_label(label: Label, dictionary: str) -> KnownLabel:
    """``dictionary``: the one whose file defines the label."""
    return KnownLabel(
        id=label.id,
        title=_text(label.title),
        kind=label.kind.value,
        threshold=label.threshold,
        clear=label.clear,
        weight=label.weight,
        aggregate=label.aggregate.value,
        aliases=list(label.aliases),
        evidence=list(declared_kinds(label)),
        topic=label.transcript.topic if label.transcript else None,
        expects=label.transcript.expects if label.transcript else None,
        prompt=_text(label.prompt.text) if label.prompt else None,
        endangers=_text(label.endangers) if label.endangers else None,
        advice=_text(label.advice) if label.advice else None,
        dictionary=dictionary,
    )


def _text(value: Text) -> TextModel:
    return TextModel(zh=value.zh, en=value.en)
