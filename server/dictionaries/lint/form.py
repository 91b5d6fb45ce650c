"""What the loader would refuse, told all at once: types, missing and misspelt keys, bounds."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypedDict

from pydantic import BaseModel, ValidationError

from server.dictionaries import files
from server.dictionaries.lint.findings import Draft, Known, Rule
from server.values import Text

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


def check(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    try:
        model = files.DictionaryFile.model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            draft = _draft({"type": fault["type"], "loc": fault["loc"], "msg": fault["msg"], "input": fault["input"]})
            if draft is not None:
                yield draft
        return
    yield from _includes(model, known)


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
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "missing":
        return Draft(loc, Rule.FORM, Text(f"缺少 {where}", f"{where} is missing"), _how(inside))
    return Draft(loc, Rule.FORM, Text(f"{where} 写法不对:{message}", f"{where}: {message}"), _how(inside))


def _unknown_key(fault: _Fault, inside: list[str]) -> Draft:
    key, names = inside[-1], _names_beside(inside)
    near = get_close_matches(key, names, n=1, cutoff=0.6)
    if isinstance(fault["input"], dict) and inside[:-1] == ["label"] and not near:
        return Draft(
            fault["loc"],
            Rule.EVIDENCE,
            Text(f"没有“{key}”这种依据", f"no scorer gives evidence of the kind {key!r}"),
            Text("依据只有三种:acoustic、clap、transcript", "there are three kinds: acoustic, clap and transcript"),
        )
    better = (
        Text(f"是不是 {near[0]}?", f"did you mean {near[0]}?")
        if near
        else Text(f"可用的键:{'、'.join(names)}", f"the keys are: {', '.join(names)}")
    )
    return Draft(fault["loc"], Rule.FORM, Text(f"不认识的键 {key}", f"unknown key {key!r}"), better)


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
        "include": Text(
            '例如 include = ["telemedicine:low_background"]', 'such as include = ["telemedicine:low_background"]'
        ),
    }
    found = next((hints[part] for part in reversed(inside) if part in hints), None)
    return found or Text("写法见 docs/labels.md", "docs/labels.md shows how it is written")


def _includes(model: files.DictionaryFile, known: Known) -> Iterator[Draft]:
    own = {entry.id for entry in model.label}
    for place, reference in enumerate(model.include):
        name, label_id = reference.split(":")
        if label_id not in known.written.get(name, frozenset()):
            yield Draft(
                ("include", place),
                Rule.FORM,
                Text(f"没有可以引用的 {reference}", f"there is no {reference} to include"),
                Text(
                    "写成“词典名:标签编号”,标签必须写在那个文件里",
                    'write "dictionary:label_id"; the label is written in that very file',
                ),
            )
        elif label_id in own:
            yield Draft(
                ("include", place),
                Rule.DUPLICATE,
                Text(f"{label_id} 既引用又自己写了", f"{label_id!r} is included and written here too"),
                Text("留一处", "keep one of them"),
            )
