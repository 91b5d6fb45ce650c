"""What the doctor's glance needs, on a terminal: one word with its shape, a bar per label, one prompt.

``MeterState`` is sans-IO: messages in, state out. ``LiveMeter`` draws it with rich, ``PlainMeter`` prints lines where
there is no terminal.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from server.cli import words
from server.wire.common import LabelScoreModel, OverallModel
from server.wire.server import (
    AudioAck,
    ErrorMessage,
    GoAway,
    LabelsUpdated,
    LevelMessage,
    PromptCleared,
    PromptRaised,
    QualityUpdate,
    ServerMessage,
    SessionLabel,
    SessionStarted,
    WarningMessage,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_BAR = 24


class Meter(Protocol):
    """Shows a session while it runs; a context manager."""

    def __enter__(self) -> "Meter": ...

    def __exit__(self, *exception: object) -> None: ...

    def show(self, message: ServerMessage) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(slots=True)
class MeterState:
    """The latest of everything. ``elapsed_s`` is audio the server has taken."""

    sample_rate: int = 0
    labels: list[SessionLabel] = field(default_factory=list)
    basic_mode: bool = False
    scores: dict[str, LabelScoreModel] = field(default_factory=dict)
    overall: OverallModel | None = None
    prompt: PromptRaised | None = None
    elapsed_s: float = 0.0
    window_end_s: float = 0.0
    level_dbfs: float | None = None
    speaking: bool = False
    lag_ms: float | None = None
    notice: str = ""

    def take(self, message: ServerMessage, language: str) -> None:
        match message:
            case SessionStarted():
                self.sample_rate = message.config.audio.sample_rate
                self.labels, self.basic_mode, self.notice = message.labels, message.basic_mode, ""
            case LabelsUpdated():
                self.labels = message.labels
            case AudioAck():
                self.elapsed_s = message.samples / self.sample_rate if self.sample_rate else 0.0
            case LevelMessage():
                self.level_dbfs, self.speaking = message.rms_dbfs, message.speaking
            case QualityUpdate():
                self.scores, self.overall = message.labels, message.overall
                self.window_end_s, self.lag_ms = message.window.end_s, message.lag_ms
            case PromptRaised():
                self.prompt = message
            case PromptCleared() if self.prompt is not None and self.prompt.id == message.id:
                self.prompt = None
            case _:
                self.notice = notice(message, language) or self.notice


def notice(message: ServerMessage, language: str) -> str:
    """The sentence for a message that is neither score nor prompt; empty where there is nothing to say."""
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
    """Scored labels before those without a score, the one furthest under its pass line first."""

    def rank(label: SessionLabel) -> tuple[bool, float]:
        entry = state.scores.get(label.id)
        score = entry.score if entry else None
        return (score is None, 0.0 if score is None else score - label.threshold)

    return sorted(state.labels, key=rank)


class LiveMeter:
    """Redrawn in place, eight times a second at most."""

    def __init__(self, console: "Console", language: str, name: str) -> None:
        self._console = console
        self._language = language
        self._name = name
        self._state = MeterState()
        self._live: Live | None = None

    def __enter__(self) -> "LiveMeter":
        from rich.live import Live

        self._live = Live(
            self._draw(), console=self._console, refresh_per_second=8, transient=True, redirect_stdout=False
        )
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._live is not None
        self._live.stop()

    def show(self, message: ServerMessage) -> None:
        self._state.take(message, self._language)
        self._redraw()

    def note(self, text: str) -> None:
        self._state.notice = text
        self._redraw()

    def _redraw(self) -> None:
        assert self._live is not None
        self._live.update(self._draw())

    def _draw(self) -> "RenderableType":
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        state, language = self._state, self._language
        look = words.GRADES[state.overall.grade if state.overall else "nodata"]
        head = Text(f"{look.mark()} {look.word(language)}", style=look.style)
        head.append(f"   {words.number(state.overall.score if state.overall else None)}", style="default")
        lines: list[RenderableType] = [head, self._status(), self._bars()]
        if state.prompt is not None:
            audience = words.FOR_DOCTOR(language) if state.prompt.audience == "doctor" else ""
            text = state.prompt.text.zh if language.startswith("zh") else state.prompt.text.en
            lines.append(Text(f"{words.PROMPT(language)}{audience}: {text}", style="bold"))
        if state.notice:
            lines.append(Text(state.notice, style="italic"))
        return Panel(Group(*lines), title=self._name, title_align="left", width=min(self._console.width, 88))

    def _status(self) -> "RenderableType":
        from rich.text import Text

        state, language = self._state, self._language
        parts = [words.clock(state.elapsed_s)]
        if state.level_dbfs is not None:
            parts.append(f"{words.LEVEL(language)} {state.level_dbfs:.0f} dBFS")
            parts.append((words.SPEAKING if state.speaking else words.QUIET)(language))
        if state.lag_ms is not None:
            parts.append(f"{words.LAG(language)} {state.lag_ms:.0f} ms")
        if state.overall is not None:
            parts.append(f"{words.ASSESSED(language)} {state.overall.assessed}")
        if state.basic_mode:
            parts.append(words.BASIC_MODE(language))
        return Text(" | ".join(parts), style="dim")

    def _bars(self) -> "RenderableType":
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        for label in worst_first(self._state):
            entry = self._state.scores.get(label.id)
            score = entry.score if entry else None
            why = words.WHY[entry.why](self._language) if entry and entry.why else ""
            style = "dim" if score is None else ("bold magenta" if score < label.threshold else "bright_blue")
            title = label.title.zh if self._language.startswith("zh") else label.title.en
            table.add_row(title, f"[{style}]{words.bar(score, _BAR)}[/]", words.number(score), f"[dim]{why}[/]")
        return table


class PlainMeter:
    """One line per judgement, prompt or notice: for pipes, logs and screen readers."""

    def __init__(self, console: "Console", language: str, name: str) -> None:
        self._console = console
        self._language = language
        self._name = name
        self._state = MeterState()

    def __enter__(self) -> "PlainMeter":
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def show(self, message: ServerMessage) -> None:
        self._state.take(message, self._language)
        at = words.clock(self._state.window_end_s)
        match message:
            case SessionStarted():
                mode = f" ({words.BASIC_MODE(self._language)})" if message.basic_mode else ""
                self._print(f"{self._name}{mode}")
            case QualityUpdate():
                self._print(f"{at:>6}  {self._judgement()}")
            case PromptRaised():
                text = message.text.zh if self._language.startswith("zh") else message.text.en
                self._print(f"{at:>6}  {words.PROMPT(self._language)}: {text}")
            case _:
                # What is said before the session began is why it did not: the command ends with those words.
                if self._state.labels and (text := notice(message, self._language)):
                    self._print(f"{at:>6}  {text}")

    def note(self, text: str) -> None:
        self._print(f"{words.clock(self._state.window_end_s):>6}  {text}")

    def _judgement(self) -> str:
        state, language = self._state, self._language
        assert state.overall is not None
        look = words.GRADES[state.overall.grade]
        failing = []
        for label in worst_first(state):
            score = state.scores[label.id].score if label.id in state.scores else None
            if score is not None and score < label.threshold:
                title = label.title.zh if language.startswith("zh") else label.title.en
                failing.append(f"{title} {words.number(score)}")
        verdict = f"{look.mark()} {look.word(language)} {words.number(state.overall.score)}"
        return f"{verdict}  {', '.join(failing)}".rstrip()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)
        self._console.file.flush()
