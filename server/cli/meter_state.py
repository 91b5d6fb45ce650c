"""The state of the meter on a terminal, sans-IO: messages in, state out."""

from dataclasses import dataclass, field

from server.judge.verdict import SPEECH_PRESENT
from server.rendering import words
from server.wire.common import InterferenceModel, LabelScoreModel, OverallModel
from server.wire.server import (
    AudioAck,
    ErrorMessage,
    GoAway,
    LabelsUpdated,
    LevelMessage,
    PromptClearedMessage,
    PromptRaisedMessage,
    QualityUpdate,
    ServerMessage,
    WarningMessage,
)
from server.wire.started import SessionLabel, SessionStarted

_NOTICE_S = 5
"""Warnings tell when something starts, not when it ends: a notice stays for this much audio, seconds."""


@dataclass(slots=True)
class MeterState:
    """The latest values of a session. ``elapsed_s`` is the audio that the server has taken.

    ``listens``: it is a visit, the patient was ``heard`` before, and the window has too little speech to judge it by.
    """

    sample_rate: int = 0
    labels: list[SessionLabel] = field(default_factory=list)
    basic_mode: bool = False
    scores: dict[str, LabelScoreModel] = field(default_factory=dict)
    overall: OverallModel | None = None
    visit: bool = False
    heard: bool = False
    listens: bool = False
    prompt: PromptRaisedMessage | None = None
    around: list[InterferenceModel] = field(default_factory=list)
    elapsed_s: float = 0.0
    window_end_s: float = 0.0
    level_dbfs: float | None = None
    speaking: bool = False
    lag_ms: float | None = None
    notice: str = ""
    notice_until_s: float = 0.0

    def lost(self, text: str) -> None:
        """The connection was lost: without new scores the meter shows no data, never an old score."""
        self.scores, self.overall, self.notice = {}, None, text
        self.level_dbfs, self.notice_until_s, self.around = None, float("inf"), []

    def take(self, message: ServerMessage, language: str) -> None:
        """Take a message of the session; call in the order of arrival."""
        match message:
            case SessionStarted():
                self.sample_rate = message.config.audio.sample_rate
                self.labels, self.basic_mode, self.notice = message.labels, message.basic_mode, ""
                self.visit = message.config.mode == "visit"
            case LabelsUpdated():
                self.labels = message.labels
            case AudioAck():
                self.elapsed_s = message.samples / self.sample_rate if self.sample_rate else 0.0
            case LevelMessage():
                self.level_dbfs, self.speaking = message.rms_dbfs, message.speaking
            case QualityUpdate():
                self.scores, self.overall, self.around = message.labels, message.overall, message.interference
                self.window_end_s, self.lag_ms = message.window.end_s, message.lag_ms
                spoke = self._spoke(message)
                self.listens = self.visit and self.heard and not spoke
                self.heard = self.heard or spoke
                if self.window_end_s > self.notice_until_s:
                    self.notice = ""
            case PromptRaisedMessage():
                self.prompt = message
            case PromptClearedMessage() if self.prompt is not None and self.prompt.id == message.id:
                self.prompt = None
            case _:
                if text := notice(message, language):
                    self.notice, self.notice_until_s = text, self.window_end_s + _NOTICE_S

    def _spoke(self, message: QualityUpdate) -> bool:
        """By the label that says so, where it was asked for; else by any speech at all."""
        threshold = next((label.threshold for label in self.labels if label.id == SPEECH_PRESENT), None)
        entry = message.labels.get(SPEECH_PRESENT)
        if threshold is None or entry is None or entry.score is None:
            return message.window.speech_ratio > 0.0
        return entry.score >= threshold


def notice(message: ServerMessage, language: str) -> str:
    """The sentence for a message that is neither a score nor a prompt; empty if there is none."""
    match message:
        case WarningMessage():
            return words.WARNINGS[message.code](language)
        case GoAway():
            return words.GOING_AWAY(language)
        case ErrorMessage():
            return message.error.message
        case _:
            return ""


def worst_first(state: MeterState) -> list[SessionLabel]:
    """Labels with a score first, furthest below the threshold first; then labels without a score."""

    def rank(label: SessionLabel) -> tuple[bool, float]:
        entry = state.scores.get(label.id)
        score = entry.score if entry else None
        return (score is None, 0.0 if score is None else score - label.threshold)

    return sorted(state.labels, key=rank)
