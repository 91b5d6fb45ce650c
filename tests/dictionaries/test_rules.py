"""``[[rule]]`` in label files: read, refused with file, line and rule, and in force where its label is asked for."""

from pathlib import Path

import pytest

from server.dictionaries import Dictionaries
from server.dictionaries.lint import Known, lint_source
from server.dictionaries.loader import load_folder, parse
from server.errors import LabelFileError
from server.judge.labels import LabelKind
from server.judge.rules import Match, Moment, Standing, matched
from server.values.text import Text
from tests.dictionaries.test_loader import LABELS, MINIMAL

RULE = {"id": '"quiet"', "label": '"first"', "when": '"score < 0.7"', "event": '"triage.quiet"'}


def with_rule(*rules: dict[str, str], base: str = MINIMAL) -> str:
    """``base`` with a rule for each: keys that replace those of ``RULE``, ``""`` leaves one out."""
    tables = ({key: value for key, value in (RULE | rule).items() if value} for rule in rules)
    return base + "".join("\n[[rule]]\n" + "".join(f"{key} = {each[key]}\n" for key in each) for each in tables)


def folder(tmp_path: Path, source: str) -> Path:
    for name in ("telemedicine", "cardiology"):
        (tmp_path / f"{name}.toml").write_bytes((LABELS / f"{name}.toml").read_bytes())
    (tmp_path / "small.toml").write_text(source, encoding="utf-8")
    return tmp_path


def test_a_rule_is_read_with_everything_that_it_says() -> None:
    [written] = parse(with_rule({"at": '"live"', "title": '{ zh = "吵", en = "Noisy" }'}), "small.toml").rules
    rule = written.rule
    assert (rule.dictionary, rule.id, rule.label, rule.event) == ("small", "quiet", "first", "triage.quiet")
    assert (str(rule.when), rule.at, rule.title) == ("score < 0.7", Moment.LIVE, Text("吵", "Noisy"))
    assert parse(with_rule({}), "small.toml").rules[0].rule.at is Moment.END
    assert parse(MINIMAL, "small.toml").rules == ()


@pytest.mark.parametrize(
    ("change", "said", "line"),
    [
        ({"label": '"fist"'}, "rule 'quiet': this file has no label 'fist'; did you mean 'first'?", 24),
        ({"label": '"zzz"'}, "write one of first, second, or include it", 24),
        ({"label": '"second"'}, "rule 'quiet': the score of a content label", 24),
        ({"when": "'state == \"stated\"'"}, "rule 'quiet': a quality label has no state", 24),
        ({"when": '"score ~ 1"'}, "rule 'quiet': rule.1.when: '~' means nothing here; use < <=", 25),
        ({"when": ""}, "rule 'quiet': rule.1.when: Field required", 22),
        ({"event": '"Triage!"'}, "rule 'quiet': rule.1.event", 26),
        ({"at": '"soon"'}, "rule 'quiet': rule.1.at", 27),
        ({"wen": "1"}, "rule 'quiet': rule.1.wen", 27),
        (
            {"label": '"second"', "when": "'state == \"not_heard\"'", "at": '"live"'},
            "rule 'quiet': rule.1: nothing is heard at first",
            22,
        ),
    ],
)
def test_a_fault_is_told_with_file_line_rule_and_what_to_write(change: dict[str, str], said: str, line: int) -> None:
    with pytest.raises(LabelFileError) as caught:
        parse(with_rule(change), "small.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"small.toml:{line}: ")


def test_two_rules_need_two_ids_and_may_share_an_event() -> None:
    assert len(parse(with_rule({}, {"id": '"other"'}), "small.toml").rules) == 2
    with pytest.raises(LabelFileError, match=r"small\.toml:29: rule 'quiet' occurs twice"):
        parse(with_rule({}, {}), "small.toml")


def test_an_included_label_can_have_a_rule_that_fits_it(tmp_path: Path) -> None:
    base = MINIMAL.replace("\n\n[[label]]", '\ninclude = ["cardiology:syncope"]\n\n[[label]]', 1)
    stated = with_rule({"label": '"syncope"', "when": "'state == \"stated\"'"}, base=base)
    assert load_folder(folder(tmp_path, stated))["small"].rules[0].rule.label == "syncope"
    with pytest.raises(LabelFileError, match=r"small\.toml:25: rule 'quiet': the score of a content label"):
        load_folder(folder(tmp_path, with_rule({"label": '"syncope"'}, base=base)))


def test_a_rule_is_in_force_where_its_label_is_asked_for_from_its_file(tmp_path: Path) -> None:
    base = MINIMAL.replace("\n\n[[label]]", '\ninclude = ["telemedicine:low_background"]\n\n[[label]]', 1)
    source = with_rule({}, {"id": '"noisy"', "label": '"low_background"'}, base=base)
    dictionaries = Dictionaries(load_folder(folder(tmp_path, source)))

    def rules(query: str | None) -> list[str]:
        return [rule.id for rule in dictionaries.resolve(query).rules]

    assert rules("small") == ["quiet", "noisy"]
    assert rules("first") == ["quiet"]
    assert rules("second") == []
    assert rules("first,low_background") == ["quiet", "noisy"]
    assert rules("low_background") == [], "nothing of that file is asked for"
    assert rules(None) == []
    without = Dictionaries(load_folder(folder(tmp_path, base)))
    assert without.resolve("small").digest == dictionaries.resolve("small").digest, "scores can be compared"


def test_lint_tells_of_all_rules_at_once_in_both_languages() -> None:
    base = MINIMAL.replace("\n\n[[label]]", '\ninclude = ["cardiology:syncope"]\n\n[[label]]', 1)
    source = with_rule(
        {"label": '"syncope"'}, {"label": '"fist"', "event": '"T"'}, {"id": '"x"', "when": '"score"'}, base=base
    )
    known = Known(
        measures=frozenset({"snr_db"}),
        written={"cardiology": frozenset({"syncope"})},
        kinds={"cardiology:syncope": LabelKind.CONTENT},
    )
    found = [one for one in lint_source(source, "small.toml", known) if one.line > 22]
    assert [(one.line, str(one.rule), one.label) for one in found] == [
        (26, "rule", "quiet"),
        (30, "duplicate", "quiet"),
        (31, "rule", "quiet"),
        (33, "form", "quiet"),
        (38, "rule", "x"),
    ]
    assert "是不是 first？" in found[2].better.zh
    assert all(one.message.zh and one.better.zh for one in found)


def test_a_rule_matches_once_and_stays_as_it_was() -> None:
    [written] = parse(with_rule({}), "small.toml").rules
    rule = written.rule
    assert matched([rule], {"first": Standing(None)}) == ()
    assert matched([rule], {"second": Standing(0.1)}) == ()
    once = matched([rule], {"first": Standing(0.6)})
    assert once == (Match(rule, Standing(0.6)),)
    assert matched([rule], {"first": Standing(0.1)}, once) == once
    assert matched([], {}, once) == once
