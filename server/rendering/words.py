"""The words and shapes of the meter and the report, in both languages.

Colour never stands alone, and red never stands beside green: each grade has a word, a shape and a colour, and
colour-blind readers can tell blue, yellow and magenta apart. A full bar is always good.
"""

import re
import sys
from dataclasses import dataclass

from server.values.rounding import shown_score
from server.values.text import Text

_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def can_show(text: str) -> bool:
    """Whether standard output's encoding has these characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def harmless(text: str) -> str:
    """Nothing that a terminal obeys, whatever a stranger wrote: ``?`` for control characters and those that turn the
    direction of writing. Lines and tabs stay."""
    return _OBEYED.sub("?", text)


class Words(Text):
    """One phrase in both languages; call it with a language."""

    __call__ = Text.in_language


COLON, COMMA, LISTED = Words("：", ": "), Words("，", ", "), Words("、", ", ")
SEMICOLON, STOP, BRACKETS = Words("；", "; "), Words("。", ". "), Words("（{}）", " ({})")


@dataclass(frozen=True, slots=True)
class GradeLook:
    """``shape`` if the terminal can show it, else ``plain`` (ASCII); ``style`` is a style of rich."""

    word: Words
    shape: str
    plain: str
    style: str

    def mark(self) -> str:
        """The shape, or its ASCII stand-in where the terminal cannot show it."""
        return self.shape if can_show(self.shape) else self.plain


GRADES = {
    "clear": GradeLook(Words("清晰", "Clear"), "(✓)", "(v)", "bold bright_blue"),
    "usable": GradeLook(Words("可用", "Usable"), "▲", "/!\\", "bold yellow"),
    "poor": GradeLook(Words("听不清", "Hard to hear"), "[✕]", "[x]", "bold magenta"),
    "nodata": GradeLook(Words("无数据", "No data"), "◌", "( )", "dim"),
}

VERDICTS = {
    "accept": Words("可以采用", "accept"),
    "re-record": Words("建议复录", "record again"),
    "unusable": Words("无法使用", "unusable"),
    None: Words("无法判断", "no verdict"),
}

WHY = {
    "too_short": Words("录音太短", "too short"),
    "processing_enabled": Words("设备开启了声音处理，无法判断", "hidden by the device's sound processing"),
    "no_speech": Words("没有听到说话", "no speech heard"),
    "shed": Words("系统繁忙，暂未评分", "skipped under load"),
    "needs_clap": Words("需要 CLAP 模型", "needs CLAP"),
    "needs_transcript": Words("需要语音转写", "needs a transcript"),
    "no_evidence": Words("没有依据", "no evidence"),
    "unscorable": Words("无法评分", "cannot be scored"),
}

WARNINGS = {
    "silent_input": Words("话筒没有声音", "the microphone is silent"),
    "clipping": Words("音量过大，声音失真", "the sound is clipping"),
    "scoring_lag": Words("评分跟不上", "scoring lags behind"),
    "processing_enabled": Words(
        "设备可能处理了声音，按医生听到的评分", "the device may process the sound: judged as the doctor hears it"
    ),
    "audio_gap": Words("有一段声音丢失", "some audio was lost"),
    "expiring": Words("会话即将到期", "the session is about to expire"),
    "not_what_was_declared": Words("收到的数据与声明的格式不符", "the bytes are not the audio that was declared"),
}

OVERALL = Words("总评", "Overall")
THRESHOLD = Words("合格线", "pass")
LABEL = Words("标签", "Label")
FILE = Words("文件", "File")
SCORE = Words("得分", "Score")
NOT_READ = Words("无法读取", "Not read")
WORST = Words("最弱项", "Weakest")
ADVICE = Words("建议", "Advice")
PROMPTS = Words("给患者的提示", "Prompts for the patient")
RULES = Words("规则", "Rules")
SPANS = Words("不可用的片段", "Unusable parts")
UNHEARD = Words("{whole} 秒中有 {part} 秒听不清", "of {whole} s, {part} s cannot be used")
AROUND = Words("周围的声音", "Around the patient")
VOICES = Words("听到的人声", "Voices")
ROLES = {
    "patient": Words("患者", "patient"),
    "other": Words("旁人", "another person"),
    "far_end": Words("医生", "the doctor"),
}
FAINT = Words("声音太小", "faint")
PACE_OF_A_VOICE = Words("{rate:.1f} 音节/秒", "{rate:.1f} syllables/s")
OWN_SOUNDS = Words("患者自己的声音（不影响评分）", "The patient's own sounds (they do not affect any score)")
WHAT_WAS_SAID = Words("说了什么", "What was said")
STATES = {
    "stated": Words("说到了", "stated"),
    "denied": Words("否认", "denied"),
    "not_heard": Words("没有听到", "not heard"),
}
STATE_MARKS = {"stated": ("●", "+"), "denied": ("○", "-"), "not_heard": ("·", ".")}
"""The shape, and its substitute on ASCII-only terminals."""
NOTICE_THIS = Words("请留意", "please note")
ASK = Words("请补问", "please ask")
NOTICE = Words("说明", "Note")
NOT_ASSESSED = Words("未评估", "Not assessed")
BASIC_MODE = Words("基础模式（未加载 CLAP）", "basic mode (no CLAP)")
PROMPT = Words("提示", "Prompt")
PROMPT_CLEARED = Words("提示解除", "Prompt cleared")
FOR_DOCTOR = Words("（给医生）", "(for the doctor)")
NO_PROMPT = Words("无", "none")
SPEAKING = Words("正在说话", "speaking")
LISTENS = Words("患者没有说话", "The patient is silent")
QUIET = Words("未说话", "not speaking")
LAG = Words("延迟", "lag")
LEVEL = Words("音量", "level")
ASSESSED = Words("{all} 项中评了 {judged} 项", "{judged} of {all} labels assessed")


def assessed(count: str, language: str) -> str:
    """``count`` is as in ``overall.assessed``: "9 of 14"."""
    judged, _, whole = count.partition(" of ")
    return ASSESSED(language).format(judged=judged, all=whole)


SPEECH = Words("说话", "speech")
GOING_AWAY = Words("服务器即将停止，稍后自动重连", "the server is about to stop; the session will be resumed")
RECONNECTING = Words("连接中断，正在重连", "the connection was lost; reconnecting")
SUMMARY = Words("份通过", "passed")
DISCLAIMER = Words(
    "评估的是录音，不是患者；不作诊断。", "This judges the recording, not the patient. It is not a diagnosis."
)

DEMO_TITLE = Words("合成示例", "Synthetic visit")
DEMO_INTRO = Words(
    "合成的 27 秒就诊示例：安静房间里有人说话，0:09 风扇响起，0:18 停下。没有用到任何人的录音。",
    "A synthetic visit of 27 s: a voice in a quiet room, a fan from 0:09 to 0:18. No person was recorded.",
)
DEMO_NEXT = Words(
    "对着自己的话筒试：{program} serve\n评自己的录音：{program} assess 文件",
    "With your own microphone: {program} serve\nWith a recording of yours: {program} assess FILE",
)
DEMO_SAVED = Words(
    "示例已保存。作为文件来评：{program} assess {file}",
    "The visit was saved. To judge it as a file: {program} assess {file}",
)


def bar(score: float | None, width: int) -> str:
    """``score`` 0..1 as a bar of ``width`` characters; dashes if there is no score."""
    full, empty, none = ("█", "░", "╌") if can_show("█░╌") else ("#", ".", "-")
    if score is None:
        return none * width
    filled = round(max(0.0, min(1.0, score)) * width)
    return full * filled + empty * (width - filled)


def number(score: float | None, threshold: float = 0.0) -> str:
    """Two decimals, rounded as in the advice: one that fails ``threshold`` is under it; a dash for ``None``."""
    if score is None:
        return "—" if can_show("—") else "-"
    return shown_score(score, threshold)


def clock(seconds: float) -> str:
    """``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
