"""Label files: the shipped ones, and that every fault is reported with its file and line."""

from pathlib import Path

import pytest

from server.dictionaries import Dictionaries
from server.dictionaries.loader import load_folder, parse
from server.errors import LabelFileError
from server.judge.labels import Aggregate, LabelKind

LABELS = Path(__file__).resolve().parents[2] / "labels"

MINIMAL = """\
name = "small"
version = "1"
title = { zh = "小", en = "Small" }

[[label]]
id = "first"
title = { zh = "一", en = "One" }
kind = "quality"
[label.acoustic]
parts = [
  { measure = "snr_db", curve = [[0.0, 0.1], [12.0, 0.7]] },
  { measure = "speech_s", curve = [[0.0, 0.1], [1.0, 0.7]] },
]

[[label]]
id = "second"
title = { zh = "二", en = "Two" }
kind = "content"
[label.transcript]
topic = "second"
"""

TABLE = {
    "speech_present": (
        "有人说话",
        "Someone is speaking",
        "speak_up",
        "请对着话筒说话。",
        "Please speak towards the microphone.",
    ),
    "low_background": (
        "无背景强干扰",
        "No strong background noise",
        "move_somewhere_quieter",
        "周围有点吵，请到安静一点的地方再说。",
        "It is a bit noisy. Please move somewhere quieter.",
    ),
    "close_enough": (
        "离话筒够近",
        "Close enough",
        "come_closer",
        "请把手机拿近一点说。",
        "Please hold the phone a little closer.",
    ),
    "intelligible": (
        "发音可辨",
        "Speech intelligible",
        "check_microphone",
        "声音有点闷，请看看话筒有没有被挡住。",
        "The sound is muffled. Please check nothing covers the microphone.",
    ),
    "moderate_pace": ("语速适中", "Comfortable pace", "slow_down", "不着急，您慢慢说。", "No hurry, take your time."),
    "low_reverberation": (
        "无明显混响",
        "No strong room echo",
        "reduce_echo",
        "屋里回音有点大，请换个小一点的房间。",
        "The room echoes. Please try a smaller, furnished room.",
    ),
    "no_crosstalk": (
        "无人同时插话",
        "Nobody talking over",
        "one_at_a_time",
        "请一位一位说。",
        "Please speak one at a time.",
    ),
    "no_clipping": (
        "无削波失真",
        "No clipping",
        "move_back",
        "声音太大了，请把手机拿远一点。",
        "That is a little too loud. Please hold the phone further away.",
    ),
    "continuous_signal": (
        "信号连续",
        "Unbroken signal",
        "check_microphone",
        "声音断断续续，请检查话筒或耳机。",
        "The sound keeps cutting out. Please check the microphone.",
    ),
    "full_bandwidth": (
        "频带完整",
        "Full bandwidth",
        "check_microphone",
        "声音有点闷，请看看话筒有没有被挡住。",
        "The sound is muffled. Please check nothing covers the microphone.",
    ),
    "chief_complaint_clear": ("主诉清晰", "Chief complaint clear", None, None, None),
    "pain_location": ("疼痛部位明确", "Pain location stated", None, None, None),
    "symptom_duration": ("持续时间明确", "Duration stated", None, None, None),
    "associated_symptoms": ("伴随症状已说明", "Associated symptoms addressed", None, None, None),
}


def test_telemedicine_has_the_labels_titles_and_prompts_of_the_design_in_order() -> None:
    found = {
        label.id: (
            label.title.zh,
            label.title.en,
            label.prompt and label.prompt.id,
            label.prompt and label.prompt.text.zh,
            label.prompt and label.prompt.text.en,
        )
        for label in Dictionaries.load(LABELS).resolve(None).labels
    }
    assert found == TABLE
    assert list(found) == list(TABLE)


def test_every_shipped_label_says_what_it_endangers_and_what_to_do() -> None:
    for dictionary in load_folder(LABELS).values():
        for label in dictionary.labels:
            assert label.endangers is not None, label.id
            assert label.advice is not None, label.id
            assert label.clear >= label.threshold, label.id


def test_quality_labels_have_sound_evidence_and_content_labels_a_topic() -> None:
    for dictionary in load_folder(LABELS).values():
        for label in dictionary.labels:
            if label.kind is LabelKind.CONTENT:
                assert label.transcript is not None
                assert label.acoustic is None
                assert label.clap is None
            else:
                assert label.transcript is None


def test_a_file_gets_the_defaults_of_the_design() -> None:
    first = parse(MINIMAL, "small.toml").labels[0]
    assert (first.threshold, first.clear, first.weight) == (0.70, 0.75, 1.0)
    assert first.aggregate is Aggregate.TYPICAL


def test_any_is_another_name_of_best() -> None:
    named = MINIMAL.replace("[[label]]", '[[label]]\naggregate = "any"', 1)
    assert parse(named, "small.toml").labels[0].aggregate is Aggregate.BEST


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('version = "1"', "version = ", 2, "not TOML"),
        ('version = "1"\n', "", 1, "version"),
        ('kind = "quality"', 'kind = "qualty"', 8, "kind"),
        ('kind = "quality"', 'kind = "quality"\nthresold = 0.5', 9, "thresold"),
        ('kind = "quality"', 'kind = "quality"\nthreshold = 7', 9, "threshold"),
        ('kind = "quality"', 'kind = "quality"\nthreshold = 0.9', 5, "clear (0.75) is below threshold (0.9)"),
        ("[1.0, 0.7]", "[0.0, 0.7]", 12, "must increase"),
        ("[12.0, 0.7]", "[12.0, 1.7]", 11, "curve"),
        ('title = { zh = "二", en = "Two" }', 'title = { zh = "二" }', 17, "title.en"),
        ('title = { zh = "二", en = "Two" }', 'title = { zh = "二", en = "" }', 17, "title.en"),
        ('topic = "second"', 'topik = "second"', 19, "topic"),
        ('[label.transcript]\ntopic = "second"', "", 15, "no evidence"),
        ('[label.transcript]\ntopic = "second"', '[label.clap]\npositive = ["a"]\ncontrast = ["b"]', 15, "transcript"),
        ('id = "second"', 'id = "first"', 16, "'first'"),
        ('id = "second"', 'id = "Zweite Kennung"', 16, "id"),
        ("curve = [[0.0, 0.1], [12.0, 0.7]]", "curve = [[nan, 0.1]]", 11, "curve"),
        ('en = "Two"', f'en = "{"x" * 201}"', 17, "201 characters"),
        ('kind = "content"', 'kind = "content"\naliases = ["a\\u0000b"]', 19, "control characters"),
        ('kind = "content"', 'kind = "content"\naliases = ["\\u200b"]', 19, "invisible"),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, line: int, said: str) -> None:
    assert old in MINIMAL
    with pytest.raises(LabelFileError) as caught:
        parse(MINIMAL.replace(old, new), "small.toml")
    assert (caught.value.path, caught.value.line) == ("small.toml", line)
    assert said in caught.value.message
    assert caught.value.message.startswith(f"small.toml:{line}: ")


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def telemedicine() -> str:
    return (LABELS / "telemedicine.toml").read_text(encoding="utf-8")


def test_telemedicine_leads_and_the_others_follow_by_name(tmp_path: Path) -> None:
    files = {name: MINIMAL.replace('"small"', f'"{name}"') for name in ("zebra", "alpha")}
    assert Dictionaries.load(folder(tmp_path, x=telemedicine(), **files)).names() == ("telemedicine", "alpha", "zebra")


def test_a_folder_without_telemedicine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="telemedicine"):
        Dictionaries.load(folder(tmp_path, small=MINIMAL))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=r"b\.toml:1: the name"):
        Dictionaries.load(folder(tmp_path, a=MINIMAL, b=MINIMAL, t=telemedicine()))


def test_telemedicine_without_speech_present_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="speech_present"):
        Dictionaries.load(folder(tmp_path, t=telemedicine().replace('"speech_present"', '"speech_here"')))


def test_a_file_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'name = "x"\ntitle = "\xe9"\n')
    with pytest.raises(LabelFileError, match=r"latin\.toml:2: not UTF-8"):
        Dictionaries.load(tmp_path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(LabelFileError, match="cannot be read"):
        Dictionaries.load(tmp_path)
