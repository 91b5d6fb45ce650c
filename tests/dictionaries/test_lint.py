"""Lint: every planted fault is found on its line, and correct text is accepted."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from server.dictionaries.lint import Known, LintFinding, LintRule, lint_file, lint_source
from server.dictionaries.lint.language import reads_as_english
from server.dictionaries.lint.sameness import near_en, near_zh
from server.dictionaries.lint.wording import is_vague_en, is_vague_zh, several_claims
from server.dictionaries.loader import load_file, load_folder
from server.dictionaries.topics import load_topics
from server.model.acoustic.names import MEASURE_NAMES
from server.values.scores import EvidenceKind

ROOT = Path(__file__).resolve().parents[2]
LABELS = ROOT / "labels"
FAULTY = ROOT / "tests" / "data" / "faulty_labels.toml"
FAULTY_2 = ROOT / "tests" / "data" / "faulty_labels_2.toml"
OURS = load_folder(LABELS)
WRITTEN = {name: frozenset(label.id for label in dictionary.own()) for name, dictionary in OURS.items()}
ALL_LOADED: frozenset[EvidenceKind] = frozenset({"acoustic", "clap", "transcript"})
KNOWN = Known(measures=MEASURE_NAMES, topics=frozenset(load_topics(LABELS).topics), loaded=ALL_LOADED, written=WRITTEN)


def planted(source: str) -> set[tuple[int, str]]:
    marks = (re.search(r"# fault: ([\w-]+)$", line) for line in source.splitlines())
    return {(number, mark[1]) for number, mark in enumerate(marks, start=1) if mark}


def found(findings: list[LintFinding]) -> set[tuple[int, str]]:
    return {(one.line, str(one.rule)) for one in findings if one.severity == "finding"}


def lint_with_own_topics(path: Path) -> list[LintFinding]:
    """As if every topic that is spelt like its label were known."""
    source = path.read_text(encoding="utf-8")
    topics = frozenset(re.findall(r'^topic = "(\w+)"$', source, re.MULTILINE))
    return lint_source(source, path.name, replace(KNOWN, topics=topics))


@pytest.mark.parametrize("path", [FAULTY, FAULTY_2], ids=lambda path: path.stem)
def test_every_planted_fault_is_found_on_its_line_and_nothing_else(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(planted(source)) == {FAULTY: 42, FAULTY_2: 43}[path]
    assert found(lint_with_own_topics(path)) == planted(source)


@pytest.mark.parametrize("path", [FAULTY, FAULTY_2], ids=lambda path: path.stem)
def test_faults_are_of_every_rule_that_a_label_can_break(path: Path) -> None:
    rules = {rule for _, rule in planted(path.read_text(encoding="utf-8"))}
    assert rules == {str(rule) for rule in LintRule} - {"syntax", "not-loaded"}


@pytest.mark.parametrize("path", [FAULTY, FAULTY_2], ids=lambda path: path.stem)
def test_no_finding_is_told_in_the_words_of_a_library(path: Path) -> None:
    for one in lint_with_own_topics(path):
        assert not re.search(r"Input should|Tuple|valid string|Extra inputs|Value error", one.message.en), one.message
        assert not re.search(r"[a-z]+ [a-z]+ [a-z]+", re.sub(r"[“'].*?[”']", "", one.message.zh)), one.message


@pytest.mark.parametrize("path", sorted(LABELS.glob("*.toml")), ids=lambda path: path.stem)
def test_our_own_dictionaries_have_no_finding_and_no_note(path: Path) -> None:
    assert lint_file(path, KNOWN) == []


@pytest.mark.parametrize("path", sorted(LABELS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_scorer_that_is_merely_not_loaded_is_a_note(path: Path) -> None:
    bare = Known(measures=MEASURE_NAMES, topics=KNOWN.topics, loaded=frozenset({"acoustic"}), written=WRITTEN)
    told = lint_file(path, bare)
    assert told
    assert {(one.severity, one.rule) for one in told} == {("note", LintRule.NOT_LOADED)}


def test_every_finding_says_what_is_wrong_and_how_to_write_it_better_in_both_languages() -> None:
    for one in lint_file(FAULTY, KNOWN) + lint_file(FAULTY_2, KNOWN):
        for text in (one.message, one.better):
            assert re.search(r"[\u4e00-\u9fff]", text.zh) or "=" in text.zh
            assert text.en.strip()


@pytest.mark.parametrize(
    "title", ["很好", "一般", "录音清楚", "声音还可以", "正常", "质量合格", "描述清楚", "音质良好"]
)
def test_praise_alone_is_vague(title: str) -> None:
    assert is_vague_zh(title)


@pytest.mark.parametrize("title", ["good", "Clear recording", "Sound is OK", "Good audio quality", "normal speech"])
def test_praise_alone_is_vague_in_english(title: str) -> None:
    assert is_vague_en(title)


def test_a_thing_that_is_named_is_not_vague() -> None:
    for dictionary in OURS.values():
        for label in dictionary.labels:
            assert not is_vague_zh(label.title.zh)
            assert not is_vague_en(label.title.en)


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("背景安静且语速适中", "Quiet background"),
        ("药名剂量明确", "Medicine named"),
        ("疼痛部位、性质明确", "Pain location stated"),
        ("血压读数明确", "Blood pressure, weight stated"),
        ("离话筒近", "Close to the microphone and loud"),
    ],
)
def test_the_word_that_joins_two_claims_is_reported(zh: str, en: str) -> None:
    assert several_claims(zh, en)


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("血氧饱和度明确", "Oxygen saturation stated"),
        ("疼痛缓和方式已说明", "Relief addressed"),
        ("合并症已说明", "Comorbidities addressed"),
        ("并发症已说明", "Complications addressed"),
        ("血糖读数明确", "Glucose in mmol/L stated"),
        ("用药及时", "Medicine taken in time"),
        ("无人同时插话", "Nobody talking over"),
    ],
)
def test_a_word_that_only_contains_and_does_not_join_claims(zh: str, en: str) -> None:
    assert several_claims(zh, en) is None


@pytest.mark.parametrize(
    ("left", "right", "near"),
    [
        ("疼痛部位明确", "疼痛的位置已说明", True),
        ("背景噪声低", "背景噪音低", True),
        ("持续时间明确", "持续时间已说明", True),
        ("左侧胸痛部位明确", "右侧胸痛部位明确", False),
        ("空腹血糖读数明确", "餐后血糖读数明确", False),
        ("药名明确", "剂量明确", False),
    ],
)
def test_near_duplicates_differ_in_words_only(left: str, right: str, near: bool) -> None:
    assert near_zh(left, right) is near


def test_near_duplicates_are_told_in_english() -> None:
    assert near_en("Pain location stated", "Location of the pain given")
    assert not near_en("Pain location stated", "Pain duration stated")


@pytest.mark.parametrize("text", ["a dog barking", "wheezing", "a noisy café", "loud rain", "fan hum"])
def test_english_is_read_as_english(text: str) -> None:
    assert reads_as_english(text)


@pytest.mark.parametrize(
    "text", ["zhouwei hen anjing", "un chien qui aboie", "el ruido de fondo", "Hintergrundgeräusch"]
)
def test_pinyin_and_other_languages_are_not(text: str) -> None:
    assert not reads_as_english(text)


@pytest.mark.parametrize(("source", "line"), [('name = "x"\nversion = \n', 2), ('name = "x"\n[[label]\n', 2)])
def test_a_file_that_is_not_toml_is_one_finding_with_its_line(source: str, line: int) -> None:
    [one] = lint_source(source, "broken.toml", KNOWN)
    assert (one.line, one.rule, one.path) == (line, LintRule.SYNTAX, "broken.toml")


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("name = “x”\n", "English keyboard"),
        ('name = "x"\ntitle＝ { zh = "一", en = "One" }\n', "English keyboard"),
        ('name = "x"\nname = "y"\n', "twice"),
        ('name = "x"\n[title]\nzh = "一"\n[title]\nen = "One"\n', "twice"),
        ('name = "x\n', "is missing"),
    ],
)
def test_a_toml_syntax_error_is_reported_with_a_remedy(source: str, remedy: str) -> None:
    [one] = lint_source(source, "broken.toml", KNOWN)
    assert remedy in one.better.en
    assert re.search(r"[\u4e00-\u9fff]", one.better.zh)


def test_a_byte_order_mark_is_not_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "cardiology.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (LABELS / "cardiology.toml").read_bytes())
    assert lint_file(path, KNOWN) == []
    assert load_file(path).name == "cardiology"


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("telemedicine:louder", "show telemedicine"),
        ("telemedicine:close_enoug", "close_enough"),
        ("ent:a", "cardiology"),
        ("cardiology:close_enough", "telemedicine:close_enough"),
    ],
)
def test_lint_names_the_labels_that_could_be_included(reference: str, hint: str) -> None:
    [one] = lint_source(f'include = ["{reference}"]', "x.toml", KNOWN)[:1]
    assert hint in one.better.en
    assert hint in one.better.zh


@pytest.mark.parametrize(
    "title",
    [
        "大小便情况已说明",
        "麻木已说明",
        "说话流畅",
        "音量不过大",
        "心电图结果明确",
        "流程不中断",
        "Not too loud",
        "Fluent speech",
    ],
)
def test_words_that_only_look_like_praise_are_accepted(title: str) -> None:
    assert not is_vague_zh(title)
    assert not is_vague_en(title)


def test_a_file_that_is_not_utf8_is_one_finding_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "x"\ntitle = "\xe9"\n')
    [one] = lint_file(path, KNOWN)
    assert (one.line, one.rule) == (2, LintRule.SYNTAX)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "label = 3",
        "label = [1, 2]",
        "[[label]]\nid = 7\ntitle = 3\nkind = []\nclap = 1\naliases = [1]\nclear = 'x'",
    ],
)
def test_whatever_types_are_written_lint_tells_them(source: str) -> None:
    assert lint_source(source, "odd.toml", KNOWN)


def test_an_included_label_must_be_written_where_it_is_looked_for() -> None:
    source = (LABELS / "cardiology.toml").read_text(encoding="utf-8")
    [one] = lint_source(source.replace("telemedicine:close_enough", "telemedicine:closeness"), "c.toml", KNOWN)
    assert (one.line, one.rule) == (source.splitlines().index('  "telemedicine:close_enough",') + 1, LintRule.FORM)


def test_an_id_of_another_dictionary_is_a_note() -> None:
    source = (LABELS / "cardiology.toml").read_text(encoding="utf-8").replace('id = "syncope"', 'id = "falls"')
    [one] = lint_source(source, "c.toml", KNOWN)
    assert (one.severity, one.rule, one.label) == ("note", LintRule.DUPLICATE, "falls")
    assert "rehabilitation:falls" in one.better.en


def test_the_example_of_the_guide_has_no_findings() -> None:
    guide = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
    [example, with_rules, _] = re.findall(r"^```toml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert lint_source(example, "our-clinic.toml", KNOWN) == []
    theirs = replace(KNOWN, topics=(KNOWN.topics or frozenset()) | {"left_chest_pain"})
    assert lint_source(with_rules, "triage.toml", theirs) == []


def test_every_rule_is_explained_in_the_guide() -> None:
    guide = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
    assert not [rule for rule in LintRule if f"`{rule}`" not in guide]


def test_a_muted_prompt_needs_a_prompt_and_both_languages() -> None:
    source = (LABELS / "telemedicine.toml").read_text(encoding="utf-8")
    prompt = 'prompt = { id = "speak_up", zh = "请对着话筒说话。", en = "Please speak towards the microphone." }\n'
    assert prompt in source
    alone = source.replace(prompt, "", 1)
    at = source[: source.index(prompt)].count("\n") + 1
    assert found(lint_source(alone, "telemedicine.toml", KNOWN)) == {(at, "form")}
    english = source.replace("请看看话筒是不是静音了。", "Please look.")
    assert found(lint_source(english, "telemedicine.toml", KNOWN)) == {(at + 1, "translation")}
