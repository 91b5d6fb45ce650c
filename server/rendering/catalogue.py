"""Dictionaries in the form shown to people and programs."""

from collections.abc import Iterable

from server.dictionaries.loader import DEFAULT_DICTIONARY, ListedDictionary
from server.judge.combine import declared_kinds
from server.judge.labels import Label
from server.judge.rules import Rule
from server.rendering.wire import text
from server.wire.label_sets import KnownLabel, KnownRule, LabelSetModel, LabelSetsModel


def label_sets(dictionaries: Iterable[ListedDictionary]) -> LabelSetsModel:
    """All ``dictionaries`` for the wire, in their order."""
    return LabelSetsModel(default=DEFAULT_DICTIONARY, label_sets=[label_set(one) for one in dictionaries])


def label_set(listed: ListedDictionary) -> LabelSetModel:
    """One dictionary for the wire; each label with the name of the dictionary in which it is written."""
    dictionary = listed.dictionary
    sources = {include.label_id: include.dictionary for include in dictionary.includes}
    return LabelSetModel(
        name=dictionary.name,
        title=text(dictionary.title),
        version=dictionary.version,
        digest=listed.digest,
        labels=[known_label(label, sources.get(label.id, dictionary.name)) for label in dictionary.labels],
        rules=[known_rule(written.rule) for written in dictionary.rules],
    )


def known_label(label: Label, dictionary: str) -> KnownLabel:
    """``dictionary``: the one whose file defines the label."""
    return KnownLabel(
        id=label.id,
        title=text(label.title),
        kind=label.kind.value,
        threshold=label.threshold,
        clear=label.clear,
        weight=label.weight,
        aggregate=label.aggregate.value,
        aliases=list(label.aliases),
        evidence=list(declared_kinds(label)),
        topic=label.transcript.topic if label.transcript else None,
        expects=label.transcript.expects if label.transcript else None,
        prompt=text(label.prompt.text) if label.prompt else None,
        endangers=text(label.endangers) if label.endangers else None,
        advice=text(label.advice) if label.advice else None,
        dictionary=dictionary,
    )


def known_rule(rule: Rule) -> KnownRule:
    """As its file has it, its condition written in one way."""
    return KnownRule(
        id=rule.id,
        label=rule.label,
        when=str(rule.when),
        event=rule.event,
        at=rule.at.value,
        title=None if rule.title is None else text(rule.title),
    )
