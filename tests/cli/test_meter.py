"""The terminal's meter: what it says for which messages."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from server.cli.meter import LiveMeter, PlainMeter
from server.cli.meter_state import MeterState, worst_first
from server.rendering import words
from server.wire.server import ServerMessage, server_messages

LABELS = [
    {"id": "low_background", "title": {"zh": "无背景强干扰", "en": "No strong background noise"}},
    {"id": "close_enough", "title": {"zh": "离话筒够近", "en": "Close enough"}},
    {"id": "pain_location", "title": {"zh": "疼痛部位明确", "en": "Pain location stated"}},
]


def message(**fields: Any) -> ServerMessage:
    parsed: ServerMessage = server_messages.validate_python(fields)
    return parsed


def started(mode: str = "recording", labels: list[dict[str, Any]] = LABELS) -> ServerMessage:
    shown = [one | {"kind": "quality", "threshold": 0.7} for one in labels]
    audio = {"encoding": "pcm_s16le", "sample_rate": 16_000}
    config = {"pace": "realtime", "audio": audio, "capture": {"source": "file"}, "language": "en", "vad": "silero"}
    config |= {"mode": mode}
    limits = dict.fromkeys(("max_session_s", "idle_timeout_s", "pause_timeout_s", "resume_ttl_s"), 60.0)
    return message(
        type="session.started",
        session_id="s",
        resume_token="t",
        next_sample=0,
        config=config,
        limits=limits | {"max_frame_bytes": 65_536},
        labels=shown,
        scorers=["acoustic"],
        basic_mode=True,
    )


TELEVISION = {"id": "tv", "title": {"zh": "电视声", "en": "Television"}, "score": 0.6}


def update(
    noise: float, close: float, grade: str = "usable", interference: list[dict[str, Any]] | None = None
) -> ServerMessage:
    overall = {"score": 0.5, "grade": grade, "passed": False, "verdict": "re-record", "assessed": "2 of 3"}

    def scored(score: float | None, why: str | None = None) -> dict[str, Any]:
        return {"score": score, "evidence": {"acoustic": score}, "why": why}

    return message(
        type="quality.update",
        seq=1,
        window={"start_s": 0, "end_s": 3, "start_sample": 0, "end_sample": 48_000, "partial": True, "speech_ratio": 1},
        labels={
            "low_background": scored(noise),
            "close_enough": scored(close),
            "pain_location": scored(None, "needs_transcript"),
        },
        recent={},
        session={"labels": {}, "overall": overall},
        overall=overall,
        measures={},
        interference=interference or [],
        lag_ms=12.0,
    )


def spoken(present: float) -> ServerMessage:
    """An update whose only label says how much speech there was."""
    grade, verdict = ("clear", "accept") if present >= 0.7 else ("poor", "unusable")
    overall = {"score": present, "grade": grade, "passed": False, "verdict": verdict, "assessed": "1 of 1"}
    return message(
        type="quality.update",
        seq=1,
        window={"start_s": 0, "end_s": 3, "start_sample": 0, "end_sample": 48_000, "partial": True, "speech_ratio": 0},
        labels={"speech_present": {"score": present, "evidence": {"acoustic": present}, "why": None}},
        recent={},
        session={"labels": {}, "overall": overall},
        overall=overall,
        measures={},
        interference=[],
        lag_ms=12.0,
    )


def prompt(kind: str = "prompt.raised") -> ServerMessage:
    text = {"zh": "请到安静一点的地方再说。", "en": "Please move somewhere quieter."}
    return message(type=kind, id="move_somewhere_quieter", label="low_background", text=text)


def plain(language: str, *messages: ServerMessage) -> str:
    out = io.StringIO()
    with PlainMeter(Console(file=out, width=100, highlight=False), language, "visit.wav") as meter:
        for one in messages:
            meter.show(one)
    return out.getvalue()


def drawn(language: str, *messages: ServerMessage) -> str:
    console = Console(file=io.StringIO(), width=90, record=True, force_terminal=True, highlight=False)
    with LiveMeter(console, language, "visit.wav") as meter:
        for one in messages:
            meter.show(one)
        console.print(meter._draw())
    return console.export_text()


def test_worst_label_comes_first_and_unscored_ones_last() -> None:
    state = MeterState()
    for one in (started(), update(noise=0.9, close=0.2)):
        state.take(one, "en")
    assert [label.id for label in worst_first(state)] == ["close_enough", "low_background", "pain_location"]


@pytest.mark.parametrize(("language", "word"), [("en", "Usable"), ("zh-CN", "可用")])
def test_grade_has_a_word_beside_its_shape(language: str, word: str) -> None:
    for text in (plain(language, started(), update(0.4, 0.9)), drawn(language, started(), update(0.4, 0.9))):
        assert word in text
        assert words.GRADES["usable"].mark() in text


def test_a_prompt_stays_until_it_is_cleared() -> None:
    state = MeterState()
    state.take(started(), "en")
    state.take(prompt(), "en")
    assert state.prompt is not None
    state.take(prompt("prompt.cleared"), "en")
    assert state.prompt is None


def test_the_prompt_is_shown_in_the_readers_language() -> None:
    assert "请到安静一点的地方再说。" in drawn("zh", started(), prompt())
    assert "Please move somewhere quieter." in drawn("en", started(), prompt())
    assert "Please move somewhere quieter." in plain("en", started(), prompt())


@pytest.mark.parametrize(
    ("language", "told"), [("en", "Prompt (the doctor asks): "), ("zh", "提示 (医生请患者做到): ")]
)
def test_a_prompt_of_the_doctor_says_so(language: str, told: str) -> None:
    text = {"zh": "请把手机拿近一点说。", "en": "Please hold the phone a little closer."}
    asked = message(type="prompt.raised", id="come_closer", label="close_enough", text=text, source="doctor")
    assert told in drawn(language, started(), asked)
    assert told in plain(language, started(), asked)


def test_unscored_label_says_why() -> None:
    assert "needs a transcript" in drawn("en", started(), update(0.4, 0.9))


def test_no_data_before_the_first_score() -> None:
    assert "No data" in drawn("en", started())


def test_a_cleared_prompt_is_told_where_it_does_not_vanish_by_itself() -> None:
    text = {"zh": "周围有点吵。", "en": "It is a bit noisy."}
    cleared = message(type="prompt.cleared", id="p", label="low_background", text=text)
    assert plain("en", started(), cleared).endswith("0:00  Prompt cleared: It is a bit noisy.\n")


def test_basic_mode_is_told() -> None:
    assert "basic mode" in drawn("en", started())
    assert "basic mode" in plain("en", started())


def test_warnings_and_errors_are_told() -> None:
    error = {"type": "audio", "code": "odd_length", "message": "Half a sample is left."}
    text = plain(
        "en", started(), message(type="warning", code="clipping"), message(type="error", error=error, request_id="r")
    )
    assert "the sound is clipping" in text
    assert "Half a sample is left." in text


def test_every_word_of_the_wire_has_its_phrase() -> None:
    from typing import get_args

    from server.values.scores import Why
    from server.wire.common import Grade, Verdict
    from server.wire.server import WarningCode

    assert set(words.GRADES) == set(get_args(Grade))
    assert set(words.VERDICTS) == {*get_args(Verdict), None}
    assert set(words.WHY) == set(Why)
    assert set(words.WARNINGS) == set(get_args(WarningCode))


def test_a_bar_is_full_when_good_and_dashed_without_data() -> None:
    assert len(set(words.bar(1.0, 10))) == 1
    assert words.bar(0.0, 10) != words.bar(None, 10)
    assert {len(words.bar(score, 10)) for score in (None, 0.0, 0.33, 1.0)} == {10}


def test_a_lost_connection_shows_no_data_never_the_last_value() -> None:
    state = MeterState()
    for one in (started(), update(0.9, 0.9, grade="clear")):
        state.take(one, "en")
    state.lost("the connection was lost")
    assert state.overall is None
    assert state.scores == {}
    assert state.notice == "the connection was lost"
    state.take(started(), "en")
    assert state.notice == ""


SPEAKING = {"id": "speech_present", "title": {"zh": "有人说话", "en": "Someone is speaking"}}


@pytest.mark.parametrize("shown", [plain, drawn])
def test_who_listens_in_a_visit_is_silent_and_not_hard_to_hear(shown: Callable[..., str]) -> None:
    start = started(mode="visit", labels=[SPEAKING])
    told = shown("en", start, spoken(1.0), spoken(0.0)).splitlines()
    assert any("The patient is silent" in line for line in told)
    assert "Hard to hear" not in "\n".join(told)
    assert "患者没有说话" in shown("zh-CN", start, spoken(1.0), spoken(0.0))


@pytest.mark.parametrize(
    ("present", "word"), [([0.0], "Hard to hear"), ([1.0, 0.0, 1.0], "Clear")], ids=["not yet", "again"]
)
def test_who_was_not_heard_yet_or_speaks_again_is_not_called_silent(present: list[float], word: str) -> None:
    start = started(mode="visit", labels=[SPEAKING])
    assert word in plain("en", start, *map(spoken, present)).splitlines()[-1]


def test_in_a_recording_silence_is_what_is_wrong() -> None:
    last = plain("en", started(labels=[SPEAKING]), spoken(1.0), spoken(0.0)).splitlines()[-1]
    assert "Someone is speaking 0.00" in last


def test_a_warning_goes_after_five_seconds_of_audio() -> None:
    state = MeterState(window_end_s=3.0)
    state.take(started(), "en")
    state.take(message(type="warning", code="clipping"), "en")
    state.take(update(0.9, 0.9), "en")
    assert state.notice
    late = update(0.9, 0.9)
    window = late.window.model_copy(update={"end_s": 8.5})  # type: ignore[union-attr]  # update() makes a QualityUpdate
    state.take(late.model_copy(update={"window": window}), "en")
    assert state.notice == ""


@pytest.mark.parametrize(("language", "name"), [("en", "Television"), ("zh-CN", "电视声")])
def test_a_disturbing_sound_is_named_while_it_lasts(language: str, name: str) -> None:
    noisy, quiet = update(0.4, 0.9, interference=[TELEVISION]), update(0.9, 0.9)
    for show in (plain, drawn):
        assert name in show(language, started(), noisy)
    assert name not in drawn(language, started(), noisy, quiet)
    assert name not in plain(language, started(), quiet)
