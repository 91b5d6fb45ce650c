"""Where the commands write, how they fail, and which language they use.

Results go to standard output, everything else to standard error. JSON is UTF-8 whatever the terminal's encoding
(RFC 8259, section 8.1); characters that a terminal cannot show are replaced instead of raising an error.

Nothing heavy is imported here, so that ``tingqing --help`` answers at once.
"""

import functools
import io
import locale
import logging
import os
import shutil
import sys
from collections.abc import Callable
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import typer

from server.errors import ClientError, TingqingError
from server.rendering.words import can_show, harmless
from server.values.text import Text

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")
R = TypeVar("R")

_PIPED_WIDTH = 140
"""Width of tables in columns where there is no terminal to ask."""


class ExitCode(IntEnum):
    """The exit codes of all commands. 130 and 141 are the shell's codes for SIGINT and SIGPIPE (128 + signal)."""

    PASSED = 0
    NOT_PASSED = 1
    ERROR = 2
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


class LogLevel(StrEnum):
    """The lowest level that is logged; records go to standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Failure(Exception):  # noqa: N818 - not an error of the program, and never raised outside this folder
    """A message for the person at the terminal; the command exits with 2. ``hint`` says what to do. ``zh``,
    ``hint_zh``: the same in Chinese."""

    def __init__(self, message: str, *, hint: str = "", zh: str = "", hint_zh: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.zh = zh
        self.hint = hint
        self.hint_zh = hint_zh


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command so that a person sees messages and never a traceback.

    TingqingError and Failure exit with 2 and their message, in the language of ``--language`` or of the terminal, where
    they have it; a closed pipe exits with 141, Ctrl-C with 130. Anything else is a bug: it exits with 2 and one line.
    ``--log-level debug`` shows the traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        asked = kwargs.get("language")
        try:
            with_safe_streams()
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except (Failure, TingqingError) as error:
            fail_with(error, language_or_locale(asked if isinstance(asked, str) else None))
        except BrokenPipeError:
            close_output_quietly()
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:  # the last line of defence: a bug is reported in one line
            unexpected(error, language_or_locale(asked if isinstance(asked, str) else None))

    return run


def fail_with(error: Failure | TingqingError, language: str) -> NoReturn:
    """Print it to standard error in the reader's language, where it has it, and exit with 2."""
    hint = ""
    if isinstance(error, Failure | ClientError):
        hint = Text(error.hint_zh or error.hint, error.hint).in_language(language)
    fail(Text(error.zh or error.message, error.message).in_language(language), hint=hint)


def fail(message: str, *, hint: str = "") -> NoReturn:
    """Print what is wrong to standard error and exit with 2."""
    notice(f"tingqing: {message}")
    if hint:
        notice(f"  {hint}")
    raise typer.Exit(ExitCode.ERROR)


def cannot_write(path: Path, error: OSError) -> Failure:
    """Of an output, or what is kept beside it."""
    return Failure(f"cannot write {path}: {error.strerror}.", zh=f"无法写入 {path}：{error.strerror}。")


def unexpected(error: Exception, language: str) -> NoReturn:
    """Report a bug: its type and message in one line; the traceback only with debug logging."""
    logger = logging.getLogger("tingqing")
    logger.debug("unexpected error", exc_info=error)
    kind, text = type(error).__name__, (str(error).splitlines() or [""])[0]
    what = Text(f"意外错误 {kind}：{text or '没有说明'}", f"unexpected {kind}: {text or 'no message'}")
    again = Text(
        "加上 --log-level debug 重新运行，可以看到详情。", "Run again with --log-level debug to see the traceback."
    )
    hint = "" if logger.isEnabledFor(logging.DEBUG) else again.in_language(language)
    fail(what.in_language(language), hint=hint)


def close_output_quietly() -> NoReturn:
    """Stop silently because the reader of our output has gone (``| head``).

    Standard output is pointed at the null device first; otherwise the interpreter would complain when it flushes at
    exit.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    raise typer.Exit(ExitCode.OUTPUT_CLOSED)


def hold_standard_streams() -> None:
    """Open the null device where standard input, output or error were closed before the start.

    Otherwise the next file or socket takes their number: what is printed would go there, and libuv aborts when it
    closes such a one. Call first.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def with_safe_streams() -> None:
    """Print ``?`` for characters that the terminal's encoding lacks instead of raising UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def program() -> str:
    """How a person calls this program from here: ``tingqing`` where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    if called.name != "tingqing" or shutil.which("tingqing") == str(called):
        return "tingqing"
    here = Path.cwd()
    return str(called.relative_to(here) if called.is_relative_to(here) else called)


def notice(text: str) -> None:
    """Write a sentence for the person at the terminal to standard error, as ``harmless``."""
    print(harmless(text), file=sys.stderr, flush=True)


def write_line(text: str) -> None:
    """Write one line of UTF-8 to standard output and flush it, so that the next program in the pipe sees it now."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8") + b"\n")
    sys.stdout.buffer.flush()


def stdout_console() -> "Console":
    """For results, which may be piped."""
    return console_on(sys.stdout)


def stderr_console() -> "Console":
    """For everything else."""
    return console_on(sys.stderr)


def console_on(stream: IO[str] | None) -> "Console":
    """A rich console on ``stream`` (``None``: standard output), wide enough for tables where it is not a terminal.

    On a closed pipe it raises BrokenPipeError like any other output. Rich itself would exit with 1, which would mean
    that a recording did not pass.
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
    """The requested language (``zh-CN``, ``en`` …), else Chinese in a Chinese locale, else English.

    A terminal that cannot show Chinese gets English unless Chinese was requested.
    """
    if language:
        return language
    first = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), None)
    asked = first or locale.getlocale()[0] or "en"
    return "zh" if asked.lower().startswith("zh") and can_show("听清") else "en"


def compact_json(value: Any) -> str:
    """One line of JSON without NaN; non-ASCII characters are not escaped."""
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def indented_json(value: Any) -> str:
    """JSON for people who read it."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
