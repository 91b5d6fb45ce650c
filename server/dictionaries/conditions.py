"""Reads ``when`` of a rule: ``score < 0.7``, ``state == "stated"``, ``passed == false``, joined by ``and``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from server.judge.labels import LabelKind
from server.judge.rules import Condition, Moment, Operator, PassedIs, ScoreIs, Standing, StateIs, Term
from server.judge.said import SaidState
from server.values.text import Text

MAX_CHARACTERS = 200

# Scores are shown with seven decimals: a bound has no more.
_TOKEN = re.compile(
    r"""(?P<word>[A-Za-z_]+)|(?P<number>\d+(?:\.\d{1,7})?|\.\d{1,7})|(?P<text>"[^"']*"|'[^"']*')|(?P<operator>[<>=!]=?)""",
    re.ASCII,
)
_ORDERS = {one.value for one in Operator}
_STATES = {one.value: one for one in SaidState}
_TRUTHS = {"true": True, "false": False}
_EXAMPLES = {"score": "score < 0.7", "state": 'state == "stated"', "passed": "passed == false"}


class ConditionError(ValueError):
    """What is wrong with a condition, and what to write. As text: both, in English."""

    def __init__(self, what: Text, better: Text) -> None:
        super().__init__(f"{what.en}; {better.en}")
        self.what = what
        self.better = better


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_END = _Token("end", "")


def parse_condition(source: str) -> Condition:
    """Nothing of ``source`` is run. Raises ConditionError for everything else, also for what can never hold."""
    if len(source) > MAX_CHARACTERS:
        raise ConditionError(
            Text(f"超过 {MAX_CHARACTERS} 个字符", f"longer than {MAX_CHARACTERS} characters"), _write("score")
        )
    tokens = list(_tokens(source))
    terms: list[Term] = []
    while True:
        terms.append(_term(tokens))
        joint = _next(tokens)
        if joint is _END:
            break
        if joint != _Token("word", "and"):
            raise ConditionError(
                Text(f"{_shown(joint)} 的位置只能写 and", f"{_shown(joint)} where only 'and' can follow"),
                Text(
                    "多个条件用 and 连接；“或者”请写成两条规则", "join conditions by and; for 'or' write a second rule"
                ),
            )
    condition = Condition(tuple(terms))
    _check_possible(condition)
    return condition


def check_label(condition: Condition, kind: LabelKind) -> None:
    """Raises ConditionError where a label of this kind never stands so, or where the condition says something else than
    its reader expects: the score of a content label says how sure it is, of a denial as of a statement."""
    states = [term.state for term in condition.terms if isinstance(term, StateIs)]
    if kind is LabelKind.QUALITY and states:
        raise ConditionError(
            Text(
                "质量标签没有 state：声音里听不出说了什么",
                "a quality label has no state: sound does not tell what was said",
            ),
            _write("score", "passed"),
        )
    if kind is LabelKind.CONTENT and not states:
        raise ConditionError(
            Text(
                "内容标签的分数只表示有多确定，说有和否认都一样高",
                "the score of a content label says how sure it is, of a denial as of a statement",
            ),
            Text(
                f'加上 {_EXAMPLES["state"]} 或 state == "denied"',
                f'add {_EXAMPLES["state"]} or state == "denied"',
            ),
        )


def check_moment(condition: Condition, at: Moment) -> None:
    """Raises ConditionError for what holds from the first second on, before anybody could say anything."""
    if at is Moment.LIVE and StateIs(SaidState.NOT_HEARD) in condition.terms:
        raise ConditionError(
            Text("一开始什么都还没说，not_heard 马上就成立", "nothing is heard at first, so not_heard holds at once"),
            Text('写成 at = "end"', 'write at = "end"'),
        )


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    while rest := source[at:].lstrip():
        at = len(source) - len(rest)
        found = _TOKEN.match(source, at)
        if found is None or found.lastgroup is None:
            sign = source[at]
            raise ConditionError(
                Text(f"看不懂 {sign!r}", f"{sign!r} means nothing here"),
                Text(
                    '请用英文（半角）符号：< <= > >= == 和引号，例如 state == "stated"',
                    f"use < <= > >= == and plain quotes, as in {_EXAMPLES['state']}",
                ),
            )
        yield _Token(found.lastgroup, found[0])
        at = found.end()


def _next(tokens: list[_Token]) -> _Token:
    return tokens.pop(0) if tokens else _END


def _term(tokens: list[_Token]) -> Term:
    name, operator, value = _next(tokens), _next(tokens), _next(tokens)
    if name.kind != "word" or name.text not in _EXAMPLES:
        what = (
            Text("缺少条件", "a condition is missing")
            if name is _END
            else Text(f"不认识 {_shown(name)}", f"unknown name {_shown(name)}")
        )
        raise ConditionError(what, _write(*_EXAMPLES))
    allowed = _ORDERS if name.text == "score" else {"=="}
    if operator.kind != "operator" or operator.text not in allowed:
        raise ConditionError(
            Text(
                f"{name.text} 后面不能用 {_shown(operator)}",
                f"{name.text} cannot be compared by {_shown(operator)}",
            ),
            _write(name.text),
        )
    term = _valued(name.text, operator.text, value)
    if term is None:
        raise ConditionError(
            Text(
                f"{name.text} {operator.text} 后面不能用 {_shown(value)}",
                f"{_shown(value)} cannot follow {name.text} {operator.text}",
            ),
            _values(name.text),
        )
    return term


def _valued(name: str, operator: str, value: _Token) -> Term | None:
    if name == "score":
        bound = float(value.text) if value.kind == "number" else None
        return ScoreIs(Operator(operator), bound) if bound is not None and bound <= 1.0 else None
    if name == "state":
        state = _STATES.get(value.text[1:-1]) if value.kind == "text" else None
        return None if state is None else StateIs(state)
    passed = _TRUTHS.get(value.text) if value.kind == "word" else None
    return None if passed is None else PassedIs(passed)


def _check_possible(condition: Condition) -> None:
    """Raises ConditionError for terms that say the same thing twice or exclude each other."""
    terms = condition.terms
    states = {term.state for term in terms if isinstance(term, StateIs)}
    passes = {term.passed for term in terms if isinstance(term, PassedIs)}
    silent = states == {SaidState.NOT_HEARD} and len(terms) > 1  # then there is no score
    if len(states) > 1 or len(passes) > 1 or silent or not _some_score(terms):
        raise ConditionError(
            Text("这些条件不可能同时成立", "this can never hold"),
            Text("去掉其中一个，或者写成两条规则", "leave one out, or write two rules"),
        )


def _some_score(terms: tuple[Term, ...]) -> bool:
    """Whether a score of 0 to 1 fits all ``terms``: one of their bounds, of what lies between them, or an end."""
    scores = [term for term in terms if isinstance(term, ScoreIs)]
    edges = sorted({0.0, 1.0, *(term.bound for term in scores)})
    tried = [*edges, *((left + right) / 2 for left, right in pairwise(edges))]
    return any(all(term.holds(Standing(score)) for term in scores) for score in tried)


def _write(*names: str) -> Text:
    examples = [_EXAMPLES[name] for name in names]
    return Text(f"例如 {'、'.join(examples)}", f"write {' or '.join(examples)}")


def _values(name: str) -> Text:
    known = {
        "score": Text("0 到 1 之间的数，例如 0.7", "write a number between 0 and 1, such as 0.7"),
        "state": Text(
            '写成 "stated"、"denied" 或 "not_heard"，带引号', 'write "stated", "denied" or "not_heard", in quotes'
        ),
        "passed": Text("写成 true 或 false，不带引号", "write true or false, without quotes"),
    }
    return known[name]


def _shown(token: _Token) -> str:
    return "(end)" if token is _END else token.text
