"""The report as a page: everything that a doctor asks of a recording, nothing that runs or loads."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from server.cli.main import app
from server.rendering.page.document import Document
from server.values.notices import NoticeCode
from server.wire.common import NoticeModel, TextModel, VoiceModel, VoiceSpan
from server.wire.result import ResultModel, RuleMatchModel, SpanModel, StretchModel

runner = CliRunner()
QUIET: dict[str, None] = {"speech_dbfs": None, "snr_db": None, "speech_rate_sps": None}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> ResultModel:
    """Of twelve seconds of noise."""
    path = tmp_path_factory.mktemp("page") / "noise.wav"
    soundfile.write(path, 0.05 * np.random.default_rng(0).standard_normal(12 * 16_000), 16_000)
    done = runner.invoke(app, ["assess", "--no-mos", "--format", "json", str(path)])
    return ResultModel.model_validate_json(done.stdout)


def page(*results: ResultModel, language: str = "en", peaks: tuple[int, ...] = (-20, -30, -10)) -> str:
    written: list[str] = []
    document = Document(language, written.append)
    for one in results:
        document.add(one, peaks)
    document.finish()
    return "".join(written)


def test_a_page_has_the_verdict_the_labels_and_what_was_not_judged(result: ResultModel) -> None:
    text = page(result)
    for wanted in (
        "Recording quality report",
        "No strong background noise",
        "Not assessed",
        "Measures",
        "not a diagnosis",
    ):
        assert wanted in text
    assert "录音质量报告" in page(result, language="zh-CN")
    assert 'lang="zh-CN"' in page(result, language="zh-CN")


def test_rules_that_matched_are_told_with_how_their_labels_stood(result: ResultModel) -> None:
    stated = RuleMatchModel(
        id="chest", dictionary="triage", event="triage.chest_pain", title=TextModel(zh="左胸痛", en="Left chest pain"),
        label="pain_location", state="stated", at_s=72.0,
    )  # fmt: skip
    low = RuleMatchModel(id="low", dictionary="triage", event="ward.noisy <b>", label="low_background", score=0.31)
    told = result.model_copy(update={"rules": [stated, low]})
    assert "<li>Left chest pain (triage.chest_pain): Pain location stated, stated 1:12</li>" in page(told)
    assert "<li>ward.noisy &lt;b&gt;: No strong background noise, 0.31</li>" in page(told)
    assert "<li>左胸痛（triage.chest_pain）：" in page(told, language="zh")
    assert "<h3>Rules</h3>" not in page(result)


def test_the_drawing_shows_what_cannot_be_used_who_speaks_and_when_labels_failed(result: ResultModel) -> None:
    voices = [
        VoiceModel(**QUIET, id="1", role="patient", speech_s=5, faint=False, spans=[VoiceSpan(start_s=0, end_s=5)]),
        VoiceModel(**QUIET, id="2", role="other", speech_s=2, faint=True, spans=[VoiceSpan(start_s=6, end_s=8)]),
    ]
    label = result.labels["low_background"].model_copy(update={"failed": [StretchModel(start_s=61, end_s=75)]})
    told = result.model_copy(
        update={
            "source": result.source.model_copy(update={"duration_s": 200.0}),
            "unusable_spans": [SpanModel(start_s=50, end_s=80, why="low_background")],
            "voices": voices,
            "best_60s": StretchModel(start_s=100, end_s=160),
            "labels": {"low_background": label},
            "notices": [NoticeModel(zh="中断", en="It breaks off.", code=NoticeCode.CUT_SHORT)],
        }
    )
    text = page(told)
    svg = text[text.index("<svg") : text.index("</svg>")]
    assert svg.count('class="bad"') == 2
    assert svg.count('class="voice"') == svg.count('class="other"') == svg.count('class="best"') == 1
    assert "another person (faint)" in svg
    assert "Hear 1:40 to 2:40 first" in text
    assert "1:01–1:15" in text
    assert "of 200 s, 30 s cannot be used" in text
    assert "It breaks off." in text


@pytest.mark.parametrize(
    ("language", "title", "line"),
    [
        ("en", "Voices", "another person (14 s, -41 dBFS, SNR 12 dB, 5.3 syllables/s, faint) 0:50–1:04, 2:00–2:03"),
        ("zh", "听到的人声", "旁人（14 s，-41 dBFS，SNR 12 dB，5.3 音节/秒，声音太小） 0:50–1:04、2:00–2:03"),
    ],
)
def test_who_else_spoke_is_said_with_times_and_not_only_drawn(
    result: ResultModel, language: str, title: str, line: str
) -> None:
    """A drawing is nothing to who cannot see it, and has no times to read off."""
    spans = [VoiceSpan(start_s=50, end_s=64), VoiceSpan(start_s=120, end_s=123)]
    patient = VoiceModel(**QUIET, id="1", role="patient", speech_s=40, faint=False, spans=[])
    other = VoiceModel(
        id="2", role="other", speech_s=14, speech_dbfs=-41.2, snr_db=12, speech_rate_sps=5.31, faint=True, spans=spans
    )
    text = page(result.model_copy(update={"voices": [patient, other]}), language=language)
    assert f"<h3>{title}</h3><ul><li>" in text
    assert f"<li>{line}</li>" in text
    assert f"<h3>{title}</h3>" not in page(result.model_copy(update={"voices": [patient]}), language=language)


def test_a_session_without_a_waveform_is_drawn_by_its_windows(result: ResultModel) -> None:
    text = page(result, peaks=())
    assert "No waveform was kept" in text
    assert "No waveform was kept" not in page(result)


def test_a_name_is_text_and_never_markup(result: ResultModel) -> None:
    evil = result.model_copy(
        update={
            "source": result.source.model_copy(update={"name": '<script>alert(1)<script>"&.wav'}),
            "reference": "<b>",
        }
    )
    text = page(evil, evil)
    assert "<script" not in text
    assert "<b>" not in text
    # Of two files of one name the second keeps its folder; this one has none.
    assert text.count("&lt;script&gt;") == 8


def test_a_file_that_breaks_off_is_told_so_beside_its_verdict(result: ResultModel) -> None:
    short = NoticeModel(zh="录音在末尾处中断。", en="The recording breaks off.", code=NoticeCode.CUT_SHORT)
    text = page(*[result.model_copy(update={"notices": [short]})] * 2, language="zh")
    assert text.count("录音在末尾处中断。") == 6, "in the summary, beside the verdict and among the notes, of both"


def test_folders_are_told_only_where_two_files_have_one_name(result: ResultModel) -> None:
    named = [
        result.model_copy(update={"source": result.source.model_copy(update={"name": name})})
        for name in ("desk/monday/visit.wav", "desk/tuesday/visit.wav")
    ]
    text = page(*named)
    assert "monday" not in text
    assert "tuesday/visit.wav" in text


def test_what_was_assessed_is_told_in_the_language_of_the_page(result: ResultModel) -> None:
    judged, whole = result.overall.assessed.split(" of ")
    assert f"{whole} 项中评了 {judged} 项" in page(result, language="zh")
    assert f"{judged} of {whole} labels assessed" in page(result)


def test_a_page_loads_nothing_and_runs_nothing(result: ResultModel) -> None:
    text = page(result)
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert not re.search(r"(?:src|href)=\"(?!#)|url\((?!#)|@import|<script|\son\w+=", text)


def test_several_recordings_have_a_summary_and_files_that_could_not_be_read_are_in_it(result: ResultModel) -> None:
    written: list[str] = []
    document = Document("zh", written.append)
    document.add(result)
    document.add(result)
    document.add_unread("坏.wav", "The file is empty.", "文件是空的。")
    document.finish()
    text = "".join(written)
    assert "汇总：0 / 3 份通过" in text
    assert "文件是空的。" in text
    assert text.count('href="#r') == 2


def test_report_reads_results_back_in_every_form(result: ResultModel, tmp_path: Path) -> None:
    line = result.model_dump_json()
    (tmp_path / "one.json").write_text(line)
    (tmp_path / "many.jsonl").write_text(
        f'{line}\n{{"source":{{"kind":"file","name":"x.wav"}},"error":{{"code":"c","message":"m"}}}}\n'
    )
    (tmp_path / "ended.json").write_text(f'{{"type":"session.ended","reason":"client","result":{line}}}')
    (tmp_path / "bad.json").write_text('{"a":1}')
    out = tmp_path / "r.html"
    done = runner.invoke(
        app, ["report", *(str(tmp_path / name) for name in ("one.json", "many.jsonl", "ended.json")), "-o", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert out.read_text(encoding="utf-8").count('class="report"') == 3
    assert "x.wav" in out.read_text(encoding="utf-8")
    assert runner.invoke(app, ["report", "-"], input=line).stdout.startswith("<!doctype html>")
    assert runner.invoke(app, ["report", str(tmp_path / "bad.json")]).exit_code == 2


def test_a_recording_under_a_second_of_which_all_can_be_heard_is_not_said_to_be_lost(result: ResultModel) -> None:
    source = result.source.model_copy(update={"duration_s": 0.96})
    heard = result.model_copy(update={"source": source, "unusable_spans": []})
    assert "none of it can be used" not in page(heard)
    lost = heard.model_copy(update={"unusable_spans": [SpanModel(start_s=0, end_s=12, why="low_background")]})
    assert "none of it can be used" in page(lost)


@pytest.mark.parametrize("shown", ["0.69", "0.70"])
def test_a_score_that_fails_is_not_shown_as_its_threshold(result: ResultModel, shown: str) -> None:
    score, passed = (0.6971, False) if shown == "0.69" else (0.7, True)
    label = result.labels["no_clipping"].model_copy(update={"score": score, "threshold": 0.7, "passed": passed})
    text = page(result.model_copy(update={"labels": {"no_clipping": label}}))
    assert f'<td class="n">{shown}<' in text
