"""What the loader would refuse, told all at once: types, missing and misspelt keys, bounds."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypedDict

from pydantic import BaseModel, ValidationError

from server.dictionaries import files
from server.dictionaries.lint.findings import Draft, Known, LintRule, raw_labels
from server.values.text import Text

_TRANSLATED = ("zh", "en")
_TABLES: Mapping[str, type[BaseModel]] = {
    "acoustic": files.AcousticEntry,
    "parts": files.PartEntry,
    "clap": files.ClapEntry,
    "transcript": files.TranscriptEntry,
    "prompt": files.PromptEntry,
    "title": files.TextEntry,
    "endangers": files.TextEntry,
    "advice": files.TextEntry,
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
        # Of a list with a faulty item pydantic also says that it is too short.
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
    """``None`` for what another rule tells better: languages, contrasts, and what spans several keys of a label."""
    loc = fault["loc"]
    inside = [part for part in loc if isinstance(part, str)]
    if fault["type"] == "value_error" and inside == ["label"]:
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
    return Draft(loc, LintRule.FORM, Text(f"{where} 写法不对:{wrong.zh}", f"{where}: {wrong.en}"), _how(inside))


def _in_words(fault: _Fault) -> Text:
    """What pydantic found, as one would say it to a colleague who has never seen it."""
    context, shown = fault["ctx"], _shown(fault["input"])
    kinds = {
        "string_type": Text(f"{shown} 要写成文字,加引号", f"{shown} is no text; put it in quotes"),
        "string_pattern_mismatch": Text(f"{shown} 里有不能用的字符", f"{shown} has characters that cannot stand there"),
        "string_too_short": Text("是空的", "it is empty"),
        "string_too_long": Text("太长", f"it is longer than {context.get('max_length')} characters"),
        "less_than_equal": Text(f"{shown} 大于 {context.get('le')}", f"{shown} is over {context.get('le')}"),
        "greater_than_equal": Text(f"{shown} 小于 {context.get('ge')}", f"{shown} is under {context.get('ge')}"),
        "greater_than": Text(f"{shown} 要大于 {context.get('gt')}", f"{shown} must be over {context.get('gt')}"),
        "finite_number": Text(f"{shown} 不是数", f"{shown} is no number"),
        "float_type": Text(f"{shown} 不是数", f"{shown} is no number"),
        "float_parsing": Text(f"{shown} 不是数", f"{shown} is no number"),
        "enum": Text(f"没有 {shown} 这个选项", f"{shown} is not one of the choices"),
        "literal_error": Text(f"没有 {shown} 这个选项", f"{shown} is not one of the choices"),
        "tuple_type": Text(f"{shown} 要写成列表 [ … ]", f"{shown} is no list [ … ]"),
        "too_short": Text("列表是空的", "the list is empty"),
        "too_long": Text("列表太长", f"the list has more than {context.get('max_length')} items"),
    }
    if fault["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return Text(f'{shown} 要写成 {{ … = "…" }}', f'{shown} is no table {{ … = "…" }}')
    message = fault["msg"].removeprefix("Value error, ")
    return kinds.get(fault["type"], Text(_VALUE_ERRORS.get(message, message), message))


_VALUE_ERRORS = {
    "the measures of a curve must rise from point to point": "曲线的指标要从小到大",
    "a name of invisible characters only cannot be asked for": "只有看不见的字符,没法按名字找到",
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
            Text(f"没有“{key}”这种依据", f"no scorer gives evidence of the kind {key!r}"),
            Text("依据只有三种:acoustic、clap、transcript", "there are three kinds: acoustic, clap and transcript"),
        )
    better = (
        Text(f"是不是 {near[0]}?", f"did you mean {near[0]}?")
        if near
        else Text(f"可用的键:{'、'.join(names)}", f"the keys are: {', '.join(names)}")
    )
    return Draft(fault["loc"], LintRule.FORM, Text(f"不认识的键 {key}", f"unknown key {key!r}"), better)


def _names_beside(inside: list[str]) -> list[str]:
    table = inside[-2] if len(inside) > 1 else ""
    if table == "label":
        return list(files.LabelEntry.model_fields)
    return list(_TABLES.get(table, files.DictionaryFile).model_fields)


def _how(inside: list[str]) -> Text:
    """How the key is written; found by its name, which is the same wherever it stands."""
    hints = {
        "id": Text(
            "小写字母、数字和下划线,例如 pain_location", "small letters, digits and underscores, such as pain_location"
        ),
        "name": Text(
            "小写字母、数字、下划线或连字符,例如 cardiology", "small letters, digits, - and _, such as cardiology"
        ),
        "version": Text('例如 version = "1",每次改动加一', 'such as version = "1"; raise it with every change'),
        "title": Text('例如 title = { zh = "…", en = "…" }', 'such as title = { zh = "…", en = "…" }'),
        "kind": Text(
            'kind = "quality"(听得清不清)或 "content"(说了什么)',
            'kind = "quality" (how it sounds) or "content" (what is said)',
        ),
        "aggregate": Text("typical、worst 或 any", "typical, worst or any"),
        "expects": Text("any、stated 或 denied", "any, stated or denied"),
        "combine": Text("mean 或 min", "mean or min"),
        "curve": Text(
            "[指标, 0 到 1 的分数] 的点,指标从小到大", "points of [measure, evidence 0..1], the measures rising"
        ),
        "threshold": Text("0 到 1 之间,通常 0.70", "between 0 and 1, 0.70 as a rule"),
        "clear": Text("0 到 1 之间,通常比 threshold 高 0.05", "between 0 and 1, 0.05 above threshold as a rule"),
        "weight": Text("0 到 100,平常写 1.0", "between 0 and 100, 1.0 as a rule"),
        "measure": Text("例如 snr_db,全部见 docs/measures.md", "such as snr_db; docs/measures.md has all of them"),
        "include": Text(
            '例如 include = ["telemedicine:low_background"]', 'such as include = ["telemedicine:low_background"]'
        ),
    }
    found = next((hints[part] for part in reversed(inside) if part in hints), None)
    return found or Text("写法见 docs/labels.md", "docs/labels.md shows how it is written")


def _includes(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    """Read as written, so that they are told beside whatever else is wrong with the file."""
    own = {label.id for label in raw_labels(data)}
    written = data.get("include")
    seen: set[str] = set()
    for place, reference in enumerate(written if isinstance(written, list) else []):
        if not isinstance(reference, str) or reference.count(":") != 1:
            continue  # its form is a finding already
        name, label_id = reference.strip().split(":")
        if label_id not in known.written.get(name, frozenset()):
            yield Draft(
                ("include", place),
                LintRule.FORM,
                Text(f"没有可以引用的 {reference}", f"there is no {reference} to include"),
                _what_to_include(name, label_id, known),
            )
        elif label_id in own or label_id in seen:
            yield Draft(
                ("include", place),
                LintRule.DUPLICATE,
                Text(
                    f"{label_id} 引用了两次,或者既引用又自己写了",
                    f"{label_id!r} is there twice: included, or written here too",
                ),
                Text("留一处", "keep one of them"),
            )
        seen.add(label_id)


def _what_to_include(name: str, label_id: str, known: Known) -> Text:
    elsewhere = next((other for other, ids in known.written.items() if label_id in ids), None)
    if elsewhere is not None:
        written = f"{elsewhere}:{label_id}"
        return Text(f"它写在 {elsewhere} 里:写成 {written}", f"it is written in {elsewhere}: write {written}")
    labels = known.written.get(name)
    if labels is None:
        names = sorted(known.written)
        return Text(f"现有的词典:{'、'.join(names)}", f"there are the dictionaries {', '.join(names)}")
    near = get_close_matches(label_id, sorted(labels), n=2, cutoff=0.5)
    if near:
        return Text(f"是不是 {'、'.join(near)}?", f"did you mean {' or '.join(near)}?")
    return Text(
        f"写成“词典名:标签编号”;有哪些,看 tingqing labels show {name}",
        f'write "dictionary:label_id"; tingqing labels show {name} lists what it has',
    )
