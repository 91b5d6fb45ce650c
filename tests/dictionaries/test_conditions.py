"""``when`` of a rule: what can be written, what it means, and what is said of everything else."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dictionaries.conditions import ConditionError, check_label, check_moment, parse_condition
from server.judge.labels import LabelKind
from server.judge.rules import Moment, Standing
from server.judge.said import SaidState

WORDS = [
    "score",
    "state",
    "passed",
    "and",
    "or",
    "not",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "=",
    "!=",
    "0.7",
    "1",
    ".5",
    "7",
    "true",
]
WORDS += [
    "false",
    '"stated"',
    "'denied'",
    '"not_heard"',
    '"yes"',
    "＜",
    "“stated”",
    "(",
    ")",
    "",
    " ",
    "\n",
    "__import__",
    "1e9",
]


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("score < 0.7", "score < 0.7"),
        ("score<=.7", "score <= 0.7"),
        ("score < 0.1234567", "score < 0.1234567"),
        ("score > 0.0000001", "score > 0.0000001"),
        ("  score >  0 ", "score > 0"),
        ("score >= 1.0", "score >= 1"),
        ('state == "stated"', 'state == "stated"'),
        ("state=='denied'", 'state == "denied"'),
        ('state == "not_heard"', 'state == "not_heard"'),
        ("passed == false", "passed == false"),
        ("passed == true and score < 0.9 and score > 0.8", "passed == true and score < 0.9 and score > 0.8"),
    ],
)
def test_what_is_read_is_written_in_one_way_that_means_the_same(source: str, written: str) -> None:
    condition = parse_condition(source)
    assert str(condition) == written
    assert parse_condition(written) == condition


@pytest.mark.parametrize(
    ("source", "en", "zh"),
    [
        ("", "a condition is missing; write score < 0.7", "缺少条件"),
        ("scor < 0.7", "unknown name scor; write score < 0.7", "不认识 scor"),
        ("score = 0.7", "score cannot be compared by =; write score < 0.7", "不能用 ="),
        ("score == 0.7", "score cannot be compared by ==", "不能用 =="),
        ("score != 0.7", "score cannot be compared by !=", "不能用 !="),
        ('state < "stated"', 'state cannot be compared by <; write state == "stated"', "不能用 <"),
        ("score < 7", "7 cannot follow score <; write a number between 0 and 1", "不能用 7"),
        ("score <", "(end) cannot follow score <", "不能用"),
        ("score < true", "true cannot follow score <", "不能用 true"),
        ("state == stated", 'stated cannot follow state ==; write "stated", "denied"', "不能用 stated"),
        ('state == "yes"', '"yes" cannot follow state ==', "不能用"),
        ('passed == "false"', '"false" cannot follow passed ==; write true or false', "不能用"),
        ("score < 0.7 or passed == false", "or where only 'and' can follow; join conditions by and", "只能写 and"),
        ("score < 0.7 and", "a condition is missing", "缺少条件"),
        ("score < 0.7 0.8", "0.8 where only 'and' can follow", "只能写 and"),
        ("score ＜ 0.7", "'＜' means nothing here; use < <=", "看不懂 '＜'"),
        ("state == “stated”", "'“' means nothing here", "看不懂"),
        ("(score < 0.7)", "'(' means nothing here", "看不懂"),
        ("__import__ < 1", "unknown name __import__", "不认识"),
        ("__import__('os')", "'(' means nothing here", "看不懂"),
        ("score < 0.2 and score > 0.5", "this can never hold; leave one out, or write two rules", "不可能同时成立"),
        ("score < 0", "this can never hold", "不可能"),
        ("score > 1", "this can never hold", "不可能"),
        ("score > 0.5 and score < 0.5", "this can never hold", "不可能"),
        ("passed == true and passed == false", "this can never hold", "不可能"),
        ('state == "stated" and state == "denied"', "this can never hold", "不可能"),
        ('state == "not_heard" and score < 0.5', "this can never hold", "不可能"),
        ("score < 0.5 and " * 20 + "score < 0.5", "longer than 200 characters", "超过 200 个字符"),
    ],
)
def test_everything_else_is_refused_with_what_to_write_instead(source: str, en: str, zh: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(source)
    assert en in str(caught.value)
    assert zh in caught.value.what.zh
    assert caught.value.better.zh


def test_bounds_that_meet_in_one_score_can_hold() -> None:
    assert parse_condition("score <= 0.5 and score >= 0.5").holds(Standing(0.5))


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)))
def test_no_text_crashes_it_and_what_it_takes_it_takes_again(source: str) -> None:
    with suppress(ConditionError):
        condition = parse_condition(source)
        assert parse_condition(str(condition)) == condition
        assert not condition.holds(Standing()), "nothing is known"


@pytest.mark.parametrize(
    ("source", "standing", "holds"),
    [
        ("score < 0.7", Standing(0.69), True),
        ("score < 0.7", Standing(0.7), False),
        ("score <= 0.7", Standing(0.7), True),
        ("score > 0.7", Standing(0.7), False),
        ("score >= 0.7", Standing(0.7), True),
        ("score < 0.7", Standing(None), False),
        ("score >= 0", Standing(None), False),
        ("passed == false", Standing(0.1, passed=False), True),
        ("passed == false", Standing(None, None), False),
        ("passed == true", Standing(0.9, passed=True), True),
        ('state == "stated"', Standing(state=SaidState.STATED), True),
        ('state == "stated"', Standing(state=SaidState.DENIED), False),
        ('state == "not_heard"', Standing(state=None), False),
        ('state == "stated" and score > 0.9', Standing(0.75, state=SaidState.STATED), False),
    ],
)
def test_a_condition_holds_only_of_what_is_known(source: str, standing: Standing, holds: bool) -> None:
    assert parse_condition(source).holds(standing) is holds


def test_a_quality_label_has_no_state_and_a_content_label_no_score_without_one() -> None:
    check_label(parse_condition("score < 0.7"), LabelKind.QUALITY)
    check_label(parse_condition('state == "stated" and score > 0.8'), LabelKind.CONTENT)
    with pytest.raises(ConditionError, match="a quality label has no state"):
        check_label(parse_condition('state == "stated"'), LabelKind.QUALITY)
    with pytest.raises(ConditionError, match="of a denial as of a statement"):
        check_label(parse_condition("passed == true"), LabelKind.CONTENT)


def test_that_nothing_was_heard_is_known_at_the_end_alone() -> None:
    condition = parse_condition('state == "not_heard"')
    check_moment(condition, Moment.END)
    with pytest.raises(ConditionError, match='write at = "end"'):
        check_moment(condition, Moment.LIVE)
