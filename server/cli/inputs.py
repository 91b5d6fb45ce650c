"""Which files ``tingqing assess`` is asked about: names, folders, patterns, and what comes through a pipe."""

import glob
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from server.cli.console import Failure, notice
from server.recording.decoders.sniffing import HEAD_BYTES, Reader, looked_at
from server.values.text import Text

PIPE = Path("-")
TRANSCRIPT = ".jsonl"
MOST_OF_A_LINE = 1_000_000
WILD = "*?["
TOLD = 5
"""Files that are left out, by name."""
SUFFIXES = frozenset(
    (
        *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".mp4", ".aac", ".amr", ".awb"),
        *(".3gp", ".caf", ".webm", ".wma", ".silk", ".slk", ".w64", ".au", ".spx", ".mov", ".mkv", ".avi"),
    )
)
"""Of recordings: such a file is not left out of a folder because it is empty or broken."""


@contextmanager
def files_of(
    arguments: Sequence[Path], language: str, *, headerless: bool, transcripts: bool = False
) -> Iterator[list[tuple[str, Path]]]:
    """The files in order, each with the name under which it is told; what came through the pipe is kept for the block.

    Of a folder, also in folders in it, all that look like recordings, whatever they are called, or are called like
    recordings, whatever they look like, by name; hidden ones are left out, and which others is told.
    ``language``: of the person at the terminal. ``headerless``: sound without a header looks like nothing, so a folder
    gives all its files. ``transcripts``: with its recordings a folder gives the transcripts that are named as they are.
    A name with ``*``, ``?`` or ``[`` that no file has is a pattern, as in a shell; ``**`` goes into folders.
    Raises Failure if a folder or a pattern has none.
    """
    looking = _Looking(language, headerless, transcripts)
    with TemporaryDirectory() as held:
        found: list[tuple[str, Path]] = []
        for argument in arguments:
            if argument == PIPE:
                found.append(("-", _piped(Path(held))))
            else:
                found += [(os.fspath(path), path) for path in _named(argument, looking)]
        yield found


@dataclass(frozen=True, slots=True)
class _Looking:
    """As ``files_of`` has it."""

    language: str
    headerless: bool
    transcripts: bool


def _named(argument: Path, looking: _Looking) -> list[Path]:
    if argument.is_dir():
        return _within(argument, looking)
    if argument.exists() or not any(sign in os.fspath(argument) for sign in WILD):
        return [argument]
    matches = sorted(Path(match) for match in glob.glob(os.fspath(argument), recursive=True))
    if not matches:
        raise Failure(
            f"nothing matches {argument}.",
            zh=f"没有与 {argument} 匹配的文件。",
            hint="Check the folder, or name the files.",
            hint_zh="请检查文件夹，或直接给出文件。",
        )
    return [path for match in matches for path in (_within(match, looking) if match.is_dir() else [match])]


def _within(folder: Path, looking: _Looking) -> list[Path]:
    found: list[Path] = []
    others: list[Path] = []
    for inside, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [path for name in sorted(names) if not name.startswith(".") and (path := Path(inside, name)).is_file()]
        for path in paths:
            if looking.headerless or path.suffix.lower() in SUFFIXES or _sounds(path):
                found.append(path)
            else:
                others.append(path)
    if not found:
        raise Failure(
            f"there is no recording in {folder}.",
            zh=f"{folder} 里没有录音。",
            hint_zh="没有文件头的声音请加 --raw；是否录音看文件开头的字节，不看文件名。",
            hint="Sound without a header is found with --raw; files are told by their first bytes, not by their names.",
        )
    if looking.transcripts:
        said = [path for path in others if _is_transcript_of(path, found)]
        others = [path for path in others if path not in said]
        found += said
    if others:
        _tell_left_out(folder, [os.fspath(one) for one in others], looking.language)
    return sorted(found)


def _tell_left_out(folder: Path, others: Sequence[str], language: str) -> None:
    more, many = others[TOLD:], len(others)
    no = "is no recording" if many == 1 else "are no recordings"
    told = Text(
        f"{folder} 里有 {many} 个文件不是录音，没有处理：{'、'.join(others[:TOLD])}{'……' if more else ''}",
        f"left out of {folder}: {many} that {no}: {', '.join(others[:TOLD])}{', …' if more else ''}",
    )
    hint = Text(
        "没有文件头的声音（例如电话系统的录音）请加 --raw。",
        "Sound without a header, such as from a telephone system, is found with --raw.",
    )
    notice(f"tingqing: {told.in_language(language)}")
    notice(f"  {hint.in_language(language)}")


def _is_transcript_of(path: Path, recordings: Sequence[Path]) -> bool:
    """By its name, as a server pairs them: ``a.amr.jsonl`` or ``a.jsonl`` is of ``a.amr``. Results may be called so
    too: its first line must have a text."""
    named = path.with_suffix("")
    if path.suffix.lower() != TRANSCRIPT or not any(named in (one, one.with_suffix("")) for one in recordings):
        return False
    try:
        with path.open("rb") as file:
            line = json.loads(file.readline(MOST_OF_A_LINE).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return True  # the server says what is wrong with it
    return isinstance(line, dict) and "text" in line


def _sounds(path: Path) -> bool:
    """Whether its first bytes are those of a recording. One that cannot be opened is left to be told as such."""
    try:
        with path.open("rb") as file:
            look = looked_at(file)
    except OSError:
        return True
    return look.reader is not Reader.NOBODY and (look.demuxer is not None or look.reader is Reader.SILK)


def _piped(folder: Path) -> Path:
    """All of standard input in a file: decoders look at the end of a recording before its middle."""
    path = folder / "stdin"
    if sys.stdin.isatty():
        raise Failure(
            "standard input is the terminal.",
            zh="标准输入是终端，没有录音。",
            hint="Pipe a recording in: tingqing assess - < visit.wav",
            hint_zh="请用管道或重定向送入录音：tingqing assess - < visit.wav",
        )
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, HEAD_BYTES * 128)
    return path
