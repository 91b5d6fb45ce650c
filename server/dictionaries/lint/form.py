"""Reports everything that the loader would refuse, all at once: types, missing and misspelt keys, bounds."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypedDict

from pydantic import BaseModel, ValidationError

from server.dictionaries import entries, files
from server.dictionaries.conditions import ConditionError
from server.dictionaries.lint.findings import Draft, Known, LintRule, raw_labels
from server.dictionaries.rules import RuleEntry
from server.values.text import Text

_TRANSLATED = ("zh", "en")
_TABLES: Mapping[str, type[BaseModel]] = {
    "acoustic": files.AcousticEntry,
    "acoustic_processed": files.AcousticEntry,
    "parts": files.PartEntry,
    "clap": files.ClapEntry,
    "transcript": files.TranscriptEntry,
    "cause": files.CauseEntry,
    "prompt": files.PromptEntry,
    "muted_prompt": files.MutedPromptEntry,
    "rule": RuleEntry,
    "title": entries.TextEntry,
    "endangers": entries.TextEntry,
    "advice": entries.TextEntry,
}


class _Fault(TypedDict):
    type: str
    loc: tuple[int | str, ...]
    msg: str
    input: Any
    ctx: dict[str, Any]


def check(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    """Drafts of findings about a whole file that the loader would refuse."""
    yield from _includes(data, known)
    try:
        files.DictionaryFile.model_validate(data)
    except ValidationError as error:
        yield from _drafts(error)


def _drafts(error: ValidationError) -> Iterator[Draft]:
    faults = error.errors(include_url=False)
    places = [fault["loc"] for fault in faults]
    for fault in faults:
        # For a list with a faulty item pydantic also reports that it is too short.
        inner = any(len(place) > len(fault["loc"]) and place[: len(fault["loc"])] == fault["loc"] for place in places)
        if fault["type"] == "too_short" and inner:
            continue
        context = fault.get("ctx", {})
        draft = _draft(
            {"type": fault["type"], "loc": fault["loc"], "msg": fault["msg"], "input": fault["input"], "ctx": context}
        )
        if draft is not None:
            yield draft


def _draft(fault: _Fault) -> Draft | None:
    """``None`` for faults that another rule explains better: languages, contrasts, rules that span several keys."""
    loc = fault["loc"]
    inside = [part for part in loc if isinstance(part, str)]
    if fault["type"] == "value_error" and (inside == ["label"] or _is_condition(fault)):
        return None
    if inside[-1] in _TRANSLATED and loc[0] == "label" and fault["type"] in ("missing", "string_too_short"):
        return None
    if inside[-2:] == ["clap", "contrast"] and fault["type"] in ("missing", "too_short"):
        return None
    if fault["type"] == "extra_forbidden":
        return _unknown_key(fault, inside)
    where = ".".join(inside)
    if fault["type"] == "missing":
        return Draft(loc, LintRule.FORM, Text(f"缺少 {where}", f"{where} is missing"), _how(inside))
    wrong = _in_words(fault)
    return Draft(loc, LintRule.FORM, Text(f"{where} 的写法有误：{wrong.zh}", f"{where}: {wrong.en}"), _how(inside))


def _is_condition(fault: _Fault) -> bool:
    return isinstance(fault["ctx"].get("error"), ConditionError)


def _in_words(fault: _Fault) -> Text:
    """pydantic's error in words for a colleague who does not know pydantic."""
    context, shown = fault["ctx"], _shown(fault["input"])
    kinds = {
        "string_type": Text(f"{shown} 要写成文字，加引号", f"{shown} is not text; put it in quotes"),
        "string_pattern_mismatch": Text(
            f"{shown} 里有不能用的字符", f"{shown} contains characters that are not allowed"
        ),
        "string_too_short": Text("是空的", "it is empty"),
        "string_too_long": Text("太长", f"it is longer than {context.get('max_length')} characters"),
        "less_than_equal": Text(f"{shown} 大于 {context.get('le')}", f"{shown} is greater than {context.get('le')}"),
        "greater_than_equal": Text(f"{shown} 小于 {context.get('ge')}", f"{shown} is less than {context.get('ge')}"),
        "greater_than": Text(
            f"{shown} 要大于 {context.get('gt')}", f"{shown} must be greater than {context.get('gt')}"
        ),
        "finite_number": Text(f"{shown} 不是数", f"{shown} is not a number"),
        "float_type": Text(f"{shown} 不是数", f"{shown} is not a number"),
        "float_parsing": Text(f"{shown} 不是数", f"{shown} is not a number"),
        "enum": Text(f"没有 {shown} 这个选项", f"{shown} is not one of the choices"),
        "literal_error": Text(f"没有 {shown} 这个选项", f"{shown} is not one of the choices"),
        "tuple_type": Text(f"{shown} 要写成列表 [ … ]", f"{shown} is not a list [ … ]"),
        "too_short": Text("列表是空的", "the list is empty"),
        "too_long": Text("列表太长", f"the list has more than {context.get('max_length')} items"),
    }
    if fault["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return Text(f'{shown} 要写成 {{ … = "…" }}', f'{shown} is not a table {{ … = "…" }}')
    message = fault["msg"].removeprefix("Value error, ")
    return kinds.get(fault["type"], Text(_VALUE_ERRORS.get(message, message), message))


_VALUE_ERRORS = {
    "the measures of a curve must increase from point to point": "曲线的指标要从小到大",
    "a name cannot consist of invisible characters only": "只有不可见字符，无法按名称查找",
}


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _unknown_key(fault: _Fault, inside: list[str]) -> Draft:
    key, names = inside[-1], _names_beside(inside)
    near = get_close_matches(key, names, n=1, cutoff=0.6)
    if isinstance(fault["input"], dict) and inside[:-1] == ["label"] and not near:
        return Draft(
            fault["loc"],
            LintRule.EVIDENCE,
            Text(f"没有“{key}”这种依据", f"unknown kind of evidence {key!r}"),
            Text("依据只有三种：acoustic、clap、transcript", "there are three kinds: acoustic, clap and transcript"),
        )
    better = (
        Text(f"是不是 {near[0]}？", f"did you mean {near[0]}?")
        if near
        else Text(f"可用的键：{'、'.join(names)}", f"the keys are: {', '.join(names)}")
    )
    return Draft(fault["loc"], LintRule.FORM, Text(f"不认识的键 {key}", f"unknown key {key!r}"), better)


def _names_beside(inside: list[str]) -> list[str]:
    table = inside[-2] if len(inside) > 1 else ""
    if table == "label":
        return list(files.LabelEntry.model_fields)
    return list(_TABLES.get(table, files.DictionaryFile).model_fields)


def _how(inside: list[str]) -> Text:
    """How to write the key; looked up by its name, which means the same everywhere."""
    hints = {
        "id": Text(
            "小写字母、数字和下划线，例如 pain_location",
            "lower-case letters, digits and underscores, such as pain_location",
        ),
        "name": Text(
            "小写字母、数字、下划线或连字符，例如 cardiology", "lower-case letters, digits, - and _, such as cardiology"
        ),
        "version": Text('例如 version = "1"，每次改动加一', 'such as version = "1"; increase it with every change'),
        "title": Text('例如 title = { zh = "…", en = "…" }', 'such as title = { zh = "…", en = "…" }'),
        "kind": Text(
            'kind = "quality"（音质）或 "content"（说的内容）',
            'kind = "quality" (how it sounds) or "content" (what is said)',
        ),
        "aggregate": Text("typical、worst、best 或 any", "typical, worst, best or any"),
        "expects": Text("any、stated 或 denied", "any, stated or denied"),
        "combine": Text("mean 或 min", "mean or min"),
        "curve": Text(
            "每个点写成 [measure, evidence]：evidence 在 0 到 1 之间，measure 从小到大",
            "points [measure, evidence] with evidence 0..1 and increasing measures",
        ),
        "threshold": Text("0 到 1 之间，通常 0.70", "between 0 and 1, usually 0.70"),
        "clear": Text("0 到 1 之间，通常比 threshold 高 0.05", "between 0 and 1, usually 0.05 above threshold"),
        "weight": Text("0 到 100 之间，通常 1.0", "between 0 and 100, usually 1.0"),
        "measure": Text("例如 snr_db，全部见 docs/measures.md", "such as snr_db; docs/measures.md lists all of them"),
        "when": Text(
            "例如 when = 'score < 0.7' 或 when = 'state == \"stated\"'",
            "such as when = 'score < 0.7' or when = 'state == \"stated\"'",
        ),
        "event": Text(
            "小写字母、数字、下划线和点，例如 triage.chest_pain",
            "lower-case letters, digits, underscores and dots, such as triage.chest_pain",
        ),
        "at": Text("live 或 end", "live or end"),
        "include": Text(
            '例如 include = ["telemedicine:low_background"]', 'such as include = ["telemedicine:low_background"]'
        ),
    }
    found = next((hints[part] for part in reversed(inside) if part in hints), None)
    return found or Text("写法见 docs/labels.md", "docs/labels.md shows how to write it")


def _includes(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    """Checks the includes as written, so that they are reported along with the file's other faults."""
    own = {label.id for label in raw_labels(data)}
    written = data.get("include")
    seen: set[str] = set()
    for place, reference in enumerate(written if isinstance(written, list) else []):
        if not isinstance(reference, str) or reference.count(":") != 1:
            continue  # its form is already a finding
        name, label_id = reference.strip().split(":")
        if label_id not in known.written.get(name, frozenset()):
            yield Draft(
                ("include", place),
                LintRule.FORM,
                Text(f"找不到要引用的 {reference}", f"there is no {reference} to include"),
                _what_to_include(name, label_id, known),
            )
        elif label_id in own or label_id in seen:
            yield Draft(
                ("include", place),
                LintRule.DUPLICATE,
                Text(
                    f"{label_id} 重复：引用了两次，或者既引用又自己写了",
                    f"{label_id!r} occurs twice: included twice, or included and defined here",
                ),
                Text("留一处", "keep one of them"),
            )
        seen.add(label_id)


def _what_to_include(name: str, label_id: str, known: Known) -> Text:
    elsewhere = next((other for other, ids in known.written.items() if label_id in ids), None)
    if elsewhere is not None:
        written = f"{elsewhere}:{label_id}"
        return Text(f"它在 {elsewhere} 里，请写成 {written}", f"it is defined in {elsewhere}: write {written}")
    labels = known.written.get(name)
    if labels is None:
        names = sorted(known.written)
        return Text(f"现有的词典：{'、'.join(names)}", f"the dictionaries are {', '.join(names)}")
    near = get_close_matches(label_id, sorted(labels), n=2, cutoff=0.5)
    if near:
        return Text(f"是不是 {'、'.join(near)}？", f"did you mean {' or '.join(near)}?")
    return Text(
        f'写成 "dictionary:label_id"；所有标签见 tingqing labels show {name}',
        f'write "dictionary:label_id"; tingqing labels show {name} lists its labels',
    )
