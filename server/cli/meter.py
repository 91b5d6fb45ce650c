"""The live meter on a terminal, readable at a glance: one word with its shape, a bar per label, one prompt.

``LiveMeter`` draws a ``MeterState`` with rich; ``PlainMeter`` prints lines where there is no terminal.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from server.cli.meter_state import MeterState, notice, worst_first
from server.judge.verdict import SPEECH_PRESENT
from server.rendering import words
from server.rendering.report import names_of, said
from server.wire.server import PromptClearedMessage, PromptRaisedMessage, QualityUpdate, ServerMessage
from server.wire.started import SessionStarted

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

BY_DOCTOR = words.Words("医生请患者做到", "the doctor asks")

_BAR = 24
_WIDTH = 100


def prompt_line(message: PromptRaisedMessage | PromptClearedMessage, at_s: float, language: str) -> str:
    """When a prompt was raised or cleared, and its text."""
    what = words.PROMPT if isinstance(message, PromptRaisedMessage) else words.PROMPT_CLEARED
    text = said(message.text, language)
    return f"{words.clock(at_s):>6}  {what(language)}{_by(message, language)}: {text}"


def _by(message: PromptRaisedMessage | PromptClearedMessage, language: str) -> str:
    """Who asks, unless it is the listener itself."""
    return f" ({BY_DOCTOR(language)})" if message.source == "doctor" else ""


class Meter(ABC):
    """Shows a session while it runs; a context manager."""

    def __init__(self, console: "Console", language: str, name: str) -> None:
        self._console = console
        self._language = language
        self._name = name
        self._state = MeterState()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    @abstractmethod
    def show(self, message: ServerMessage) -> None:
        """Take a message of the session; call in the order of arrival."""

    @abstractmethod
    def note(self, text: str) -> None:
        """The connection was lost; ``text`` says so."""


def open_meter(console: "Console", language: str, name: str) -> Meter:
    """The one for ``console``: redrawn in place on a terminal, lines elsewhere."""
    return (LiveMeter if console.is_terminal else PlainMeter)(console, language, name)


class LiveMeter(Meter):
    """Redrawn in place, at most eight times a second."""

    _live: "Live"

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(
            self._draw(), console=self._console, refresh_per_second=8, transient=True, redirect_stdout=False
        )
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def show(self, message: ServerMessage) -> None:
        """Redraw the state in place."""
        self._state.take(message, self._language)
        self._redraw()

    def note(self, text: str) -> None:
        """Show a change of the connection, which no message reports."""
        self._state.lost(text)
        self._redraw()

    def _redraw(self) -> None:
        self._live.update(self._draw())

    def _draw(self) -> "RenderableType":
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        state, language = self._state, self._language
        look = words.GRADES[state.overall.grade if state.overall and not state.listens else "nodata"]
        word = words.LISTENS if state.listens else look.word
        head = Text(f"{look.mark()} {word(language)}", style=look.style)
        score = None if state.overall is None or state.listens else state.overall.score
        head.append(f"   {words.number(score)}", style="default")
        lines: list[RenderableType] = [head, self._status(), self._bars()]
        if state.prompt is not None:
            audience = words.FOR_DOCTOR(language) if state.prompt.audience == "doctor" else _by(state.prompt, language)
            text = said(state.prompt.text, language)
            lines.append(Text(f"{words.PROMPT(language)}{audience}: {text}", style="bold"))
        if state.around:
            lines.append(Text(f"{words.AROUND(language)}: {names_of(state.around, language)}"))
        if state.notice:
            lines.append(Text(state.notice, style="italic"))
        return Panel(
            Group(*lines),
            title=Text(self._name),
            title_align="left",
            subtitle=words.BASIC_MODE(language) if state.basic_mode else None,
            width=min(self._console.width, _WIDTH),
        )

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
        return Text(" | ".join(parts), style="dim")

    def _bars(self) -> "RenderableType":
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        for label in worst_first(self._state):
            entry = self._state.scores.get(label.id)
            score = entry.score if entry else None
            why = words.WHY[entry.why](self._language) if entry and entry.why else ""
            fails = score is not None and score < label.threshold
            excused = score is None or (self._state.listens and label.id == SPEECH_PRESENT)
            style = "dim" if excused else "bold magenta" if fails else "bright_blue"
            title = said(label.title, self._language)
            table.add_row(title, f"[{style}]{words.bar(score, _BAR)}[/]", words.number(score), f"[dim]{why}[/]")
        return table


class PlainMeter(Meter):
    """One line per judgement, prompt or notice: for pipes, logs and screen readers."""

    def show(self, message: ServerMessage) -> None:
        """Print a line for a message that a reader needs; nothing for one that only moves the meter."""
        self._state.take(message, self._language)
        at = words.clock(self._state.window_end_s)
        match message:
            case SessionStarted():
                mode = f" ({words.BASIC_MODE(self._language)})" if message.basic_mode else ""
                self._print(f"{self._name}{mode}")
            case QualityUpdate():
                self._print(f"{at:>6}  {self._judgement()}")
            case PromptRaisedMessage() | PromptClearedMessage():
                self._print(prompt_line(message, self._state.window_end_s, self._language))
            case _:
                # A notice before the session starts is the reason why it does not: the command prints it as it ends.
                if self._state.labels and (text := notice(message, self._language)):
                    self._print(f"{at:>6}  {text}")

    def note(self, text: str) -> None:
        """Print a change of the connection, which no message reports."""
        self._print(f"{words.clock(self._state.window_end_s):>6}  {text}")

    def _judgement(self) -> str:
        state, language = self._state, self._language
        assert state.overall is not None
        if state.listens:
            return f"{words.GRADES['nodata'].mark()} {words.LISTENS(language)}"
        look = words.GRADES[state.overall.grade]
        failing = []
        for label in worst_first(state):
            score = state.scores[label.id].score if label.id in state.scores else None
            if score is not None and score < label.threshold:
                failing.append(f"{said(label.title, language)} {words.number(score)}")
        verdict = f"{look.mark()} {look.word(language)} {words.number(state.overall.score)}"
        around = f"  ({names_of(state.around, language)})" if state.around else ""
        return f"{verdict}  {', '.join(failing)}{around}".rstrip()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)
        self._console.file.flush()
