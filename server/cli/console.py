"""Where the commands write, how they fail, and in which language they speak.

Results go to standard output, everything else to standard error. JSON is UTF-8 whatever the terminal's encoding
(RFC 8259, section 8.1); text that a terminal cannot show is replaced, never a crash.

Nothing heavy is imported here: ``tingqing --help`` answers at once.
"""

import functools
import io
import locale
import logging
import os
import sys
from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import IO, TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import typer

from server.errors import ClientError, TingqingError

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")
R = TypeVar("R")

_PIPED_WIDTH = 140
"""Columns of tables where no terminal says how wide it is."""


class ExitCode(IntEnum):
    """What a script sees. 130 and 141 are the shell's own codes for SIGINT and SIGPIPE (128 + signal)."""

    PASSED = 0
    NOT_PASSED = 1
    ERROR = 2
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


class LogLevel(StrEnum):
    """What the log holds at least; records go to standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Failure(Exception):  # noqa: N818 - it is not a fault of the program, and never leaves this folder
    """A message for the person at the terminal; the command exits with 2. ``hint`` says what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command so that a person reads messages and never a traceback.

    TingqingError and Failure exit with 2 and their message; a closed pipe with 141; Ctrl-C with 130; anything else is
    a bug: one line and where to find more, exit 2. ``--log-level debug`` shows the traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with_safe_streams()
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except (Failure, ClientError) as error:
            fail(error.message, hint=error.hint)
        except TingqingError as error:
            fail(error.message)
        except BrokenPipeError:
            close_output_quietly()
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:  # the last line of defence: a bug is told, in one line
            unexpected(error)

    return run


def fail(message: str, *, hint: str | None = None) -> NoReturn:
    """Say what is wrong on standard error and exit with 2."""
    print(f"tingqing: {message}", file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)
    raise typer.Exit(ExitCode.ERROR)


def unexpected(error: Exception) -> NoReturn:
    """A bug: its kind and text in one line; the traceback only where debug logging was asked for."""
    logger = logging.getLogger("tingqing")
    logger.debug("unexpected error", exc_info=error)
    text = str(error).splitlines()[0] if str(error) else "no message"
    hint = None if logger.isEnabledFor(logging.DEBUG) else "Run again with --log-level debug for the whole story."
    fail(f"unexpected {type(error).__name__}: {text}", hint=hint)


def close_output_quietly() -> NoReturn:
    """The reader of our output went away (``| head``): stop, without a word.

    Standard output is pointed at the null device first, or the interpreter would complain while it flushes at exit.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    raise typer.Exit(ExitCode.OUTPUT_CLOSED)


def with_safe_streams() -> None:
    """What a terminal's encoding cannot show is replaced by ``?`` instead of raising UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def can_show(text: str) -> bool:
    """Whether standard output's encoding has these characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write_line(text: str) -> None:
    """One line of UTF-8 on standard output, flushed: the next program in the pipe sees it now."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8") + b"\n")
    sys.stdout.buffer.flush()


def stdout_console() -> "Console":
    """For what was asked for; it may be piped."""
    return console_on(sys.stdout)


def stderr_console() -> "Console":
    """For what is said beside the answer."""
    return console_on(sys.stderr)


def console_on(stream: IO[str] | None) -> "Console":
    """A rich console on ``stream`` (``None``: standard output), wide enough for tables where it is no terminal.

    It raises BrokenPipeError like any other output, where rich would exit with 1: a recording that did not pass.
    """
    from rich.console import Console

    class PipedConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    console = PipedConsole(file=stream or sys.stdout, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = PipedConsole(file=stream or sys.stdout, highlight=False, width=_PIPED_WIDTH)
    return console


def language_or_locale(language: str | None) -> str:
    """The language asked for (``zh-CN``, ``en`` …), else Chinese in a Chinese locale, else English.

    A terminal that cannot show Chinese gets English unless Chinese was asked for.
    """
    if language:
        return language
    first = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), None)
    asked = first or locale.getlocale()[0] or "en"
    return "zh" if asked.lower().startswith("zh") and can_show("听清") else "en"


def compact_json(value: Any) -> str:
    """One line of JSON, without NaN, non-ASCII characters as they are."""
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def indented_json(value: Any) -> str:
    """JSON for people who read it."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
