"""Reads the folder of label files into the judgement's dataclasses; every fault has its file and line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from server.dictionaries.conditions import ConditionError, check_label
from server.dictionaries.files import DictionaryFile
from server.dictionaries.locate import file_error, line_of
from server.dictionaries.toml_text import parse_toml, read_text
from server.errors import LabelFileError
from server.judge.labels import Label
from server.judge.rules import Rule
from server.values.text import Text

DEFAULT_DICTIONARY = "telemedicine"
SPEECH_PRESENT = "speech_present"


@dataclass(frozen=True, slots=True)
class Include:
    """A label included from another dictionary, and the place of the include (file and 1-based line)."""

    dictionary: str
    label_id: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule, and its place (file and 1-based line)."""

    rule: Rule
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A label file that was read and checked."""

    name: str
    version: str
    title: Text
    labels: tuple[Label, ...]
    includes: tuple[Include, ...] = ()
    """Labels included from other files; ``load_folder`` puts them before the file's own labels."""
    rules: tuple[WrittenRule, ...] = ()

    def own(self) -> tuple[Label, ...]:
        """The labels defined in this file."""
        foreign = {include.label_id for include in self.includes}
        return tuple(label for label in self.labels if label.id not in foreign)


@dataclass(frozen=True, slots=True)
class ListedDictionary:
    """A dictionary with the digest of all its labels as they stand."""

    dictionary: Dictionary
    digest: str


def load_folder(folder: Path) -> Mapping[str, Dictionary]:
    """All ``*.toml`` of ``folder`` by name: ``telemedicine`` first, the others sorted by name.

    Raises LabelFileError for a fault in a file, two dictionaries with one name, or no ``telemedicine``.
    """
    found: dict[str, Dictionary] = {}
    for path in sorted(folder.glob("*.toml")):
        dictionary = load_file(path)
        if dictionary.name in found:
            raise LabelFileError(
                f"the name {dictionary.name!r} is already used by another file", path=str(path), line=1
            )
        found[dictionary.name] = dictionary
    default = found.get(DEFAULT_DICTIONARY)
    if default is None:
        raise LabelFileError(f"no dictionary {DEFAULT_DICTIONARY!r} in this folder", path=str(folder))
    if all(label.id != SPEECH_PRESENT for label in default.labels):
        raise LabelFileError(
            f"{DEFAULT_DICTIONARY!r} has no label {SPEECH_PRESENT!r}, which every verdict needs", path=str(folder)
        )
    complete = {name: _with_included(dictionary, found) for name, dictionary in found.items()}
    return dict(sorted(complete.items(), key=lambda item: (item[0] != DEFAULT_DICTIONARY, item[0])))


def _with_included(dictionary: Dictionary, others: Mapping[str, Dictionary]) -> Dictionary:
    """Raises LabelFileError for a label that the other file does not itself define: includes are not chained."""
    included: list[Label] = []
    for include in dictionary.includes:
        other = others.get(include.dictionary)
        if other is None:
            raise LabelFileError(
                f"no dictionary {include.dictionary!r} to include from; known: {', '.join(sorted(others))}",
                path=include.path,
                line=include.line,
            )
        label = next((label for label in other.labels if label.id == include.label_id), None)
        if label is None:
            raise LabelFileError(
                f"{include.dictionary!r} does not define {include.label_id!r}", path=include.path, line=include.line
            )
        included.append(label)
    _check_rules(dictionary.rules, included)
    return replace(dictionary, labels=(*included, *dictionary.labels))


def load_file(path: Path) -> Dictionary:
    """Read one label file (UTF-8 TOML). Raises LabelFileError with the line of the first fault."""
    return parse(read_text(path), str(path))


def parse(source: str, path: str) -> Dictionary:
    """The dictionary in ``source``; error messages start with ``path``."""
    data = parse_toml(source, path)
    try:
        model = DictionaryFile.model_validate(data)
    except ValidationError as error:
        others = error.error_count() - 1
        more = f" (and {others} more)" if others else ""
        raise file_error(error, source, path, f"{more}. For help: tingqing labels lint") from None
    includes = tuple(
        Include(dictionary, label_id, path, line_of(source, ("include", index)))
        for index, (dictionary, label_id) in enumerate(reference.split(":") for reference in model.include)
    )
    _check_ids(model, includes, source, path)
    labels = tuple(entry.value(caregiver_speaks=model.caregiver_speaks) for entry in model.label)
    rules = tuple(
        WrittenRule(entry.value(model.name), path, line_of(source, ("rule", index, "label")))
        for index, entry in enumerate(model.rule)
    )
    known = [*(include.label_id for include in includes), *(label.id for label in labels)]
    for written in rules:
        _check_known(written, known)
    _check_rules(rules, labels)
    return Dictionary(model.name, model.version, model.title.value(), labels, includes, rules)


def _check_known(written: WrittenRule, known: Sequence[str]) -> None:
    """Raises LabelFileError for a rule on a label that is not of its file."""
    label = written.rule.label
    if label not in known:
        near = get_close_matches(label, known, n=1)
        better = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(known)}, or include it"
        raise _rule_error(written, f"this file has no label {label!r}; {better}")


def _check_rules(rules: Iterable[WrittenRule], labels: Iterable[Label]) -> None:
    """Raises LabelFileError for a rule on one of ``labels`` that does not fit its kind."""
    kinds = {label.id: label.kind for label in labels}
    for written in rules:
        kind = kinds.get(written.rule.label)
        try:
            if kind is not None:
                check_label(written.rule.when, kind)
        except ConditionError as error:
            raise _rule_error(written, str(error)) from None


def _rule_error(written: WrittenRule, told: str) -> LabelFileError:
    return LabelFileError(f"rule {written.rule.id!r}: {told}", path=written.path, line=written.line)


def _check_ids(model: DictionaryFile, includes: Sequence[Include], source: str, path: str) -> None:
    """Raises LabelFileError for the first id that occurs twice in the set."""
    places = [(include.label_id, include.line) for include in includes]
    places += [(label.id, line_of(source, ("label", index, "id"))) for index, label in enumerate(model.label)]
    _check_unique("label", places, path)
    rules = [(rule.id, line_of(source, ("rule", index, "id"))) for index, rule in enumerate(model.rule)]
    _check_unique("rule", rules, path)


def _check_unique(what: str, places: Iterable[tuple[str, int]], path: str) -> None:
    seen: set[str] = set()
    for one, line in places:
        if one in seen:
            raise LabelFileError(f"{what} {one!r} occurs twice: ids must be unique in a set", path=path, line=line)
        seen.add(one)
