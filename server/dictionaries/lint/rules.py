"""Rules that would never match, or not when their author expects."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from server.dictionaries.conditions import ConditionError, check_label, check_moment, parse_condition
from server.dictionaries.lint.findings import Draft, Known, LintRule, RawLabel, raw_entries, raw_labels
from server.judge.labels import LabelKind
from server.judge.rules import Moment
from server.values.text import Text


def check(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    """Drafts of findings about the tables ``[[rule]]`` of a file."""
    kinds = _kinds(data, known)
    seen: set[str] = set()
    for rule in raw_entries(data, "rule"):
        if rule.id and rule.id in seen:
            yield Draft(
                rule.at("id"),
                LintRule.DUPLICATE,
                Text(f"有两条规则叫 {rule.id}", f"two rules have the id {rule.id!r}"),
                Text("换一个编号", "give one of them another id"),
            )
        seen.add(rule.id)
        label = rule.entry.get("label")
        if isinstance(label, str) and label not in kinds:
            yield _unknown(rule, label, list(kinds))
        try:
            _check_condition(rule, kinds.get(label) if isinstance(label, str) else None)
        except ConditionError as error:
            yield Draft(rule.at("when"), LintRule.RULE, error.what, error.better)


def _check_condition(rule: RawLabel, kind: LabelKind | None) -> None:
    when = rule.entry.get("when")
    if isinstance(when, str):
        condition = parse_condition(when)
        if rule.entry.get("at") == Moment.LIVE.value:
            check_moment(condition, Moment.LIVE)
        if kind is not None:
            check_label(condition, kind)


def _unknown(rule: RawLabel, label: str, labels: list[str]) -> Draft:
    near = get_close_matches(label, labels, n=1)
    better = (
        Text(f"是不是 {near[0]}？", f"did you mean {near[0]}?")
        if near
        else Text("写本文件里的标签编号，或先用 include 引用它", "name a label of this file, or include it first")
    )
    return Draft(
        rule.at("label"), LintRule.RULE, Text(f"本文件没有标签 {label}", f"this file has no label {label!r}"), better
    )


def _kinds(data: Mapping[str, Any], known: Known) -> dict[str, LabelKind | None]:
    """By the id of each label of the file; ``None`` where it is not known."""
    named = {kind.value: kind for kind in LabelKind}
    written = data.get("include")
    included = [one.strip() for one in written if isinstance(one, str)] if isinstance(written, list) else []
    found = {one.split(":")[-1]: known.kinds.get(one) for one in included}
    return found | {label.id: named.get(str(label.entry.get("kind"))) for label in raw_labels(data)}
