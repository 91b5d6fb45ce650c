"""Recordings one after another through one engine, two at a time, outcomes in the order of the files."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from server.assessment.engine import Engine
from server.assessment.result import Result
from server.errors import TingqingError
from server.filenames import readable
from server.judge.labels import LabelSet
from server.recording import refusals
from server.recording.channels import ChannelRoles
from server.recording.decode import Recording, read_recording
from server.recording.decoders.limits import Decoders
from server.recording.decoders.raw import RawFormat
from server.recording.parties import assess_recording
from server.transcript.sources import TranscriptSource
from server.values.audio import CaptureSource
from server.values.mode import Mode
from server.values.text import Text

logger = logging.getLogger("tingqing")

AT_ONCE = 2
"""One file is decoded and measured while another waits for its scores; more would only keep more audio in memory."""

INTERNAL = "internal"
"""Code of a file that hit a bug of ours."""


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A file that was judged."""

    result: Result


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be judged; ``code`` is for programs, ``message`` for people, ``zh`` the same in Chinese."""

    name: str
    code: str
    message: str
    zh: str = ""

    def said(self, language: str) -> str:
        """``message`` in the reader's language, where there is one."""
        return Text(self.zh or self.message, self.message).in_language(language)


Outcome: TypeAlias = JudgedFile | Unread


async def assess_files(
    engine: Engine,
    labels: LabelSet,
    files: Sequence[Path | tuple[str, Path]],
    done: Callable[[Outcome], None],
    *,
    max_s: float,
    mode: Mode = Mode.RECORDING,
    source: CaptureSource = CaptureSource.FILE,
    reference: str | None = None,
    transcript: TranscriptSource | None = None,
    roles: ChannelRoles | None = None,
    far_end: Path | None = None,
    decoders: Decoders | None = None,
    raw: RawFormat | None = None,
) -> None:
    """Judge ``files``, named as they are or otherwise, and pass each outcome to ``done`` in order, as soon as possible.

    ``max_s``: longest recording, s.
    ``roles``, ``far_end``, ``decoders``, ``raw``: as for ``read_recording``.

    A fault of a file becomes its ``Unread`` and the others go on. An error raised by ``done`` ends the batch and is
    raised.
    """

    def judged(one: Path | tuple[str, Path]) -> "asyncio.Task[Outcome]":
        told, path = (readable(one), one) if isinstance(one, Path) else (readable(Path(one[0])), one[1])

        def opening(name: str) -> Recording | Unread:
            return _open(path, name, max_s, roles, far_end, decoders, raw)

        return group.create_task(_outcome(engine, labels, told, opening, mode, source, reference, transcript))

    waiting = deque(files)
    running: deque[asyncio.Task[Outcome]] = deque()
    try:
        async with asyncio.TaskGroup() as group:
            while waiting or running:
                while waiting and len(running) < AT_ONCE:
                    running.append(judged(waiting.popleft()))
                done(await running.popleft())
    except ExceptionGroup as raised:  # a closed pipe, for example: the group only wraps what ended it
        raise raised.exceptions[0] from None


async def _outcome(
    engine: Engine,
    labels: LabelSet,
    name: str,
    opening: Callable[[str], Recording | Unread],
    mode: Mode,
    source: CaptureSource,
    reference: str | None,
    transcript: TranscriptSource | None,
) -> Outcome:
    try:
        recording = await asyncio.to_thread(opening, name)
        if isinstance(recording, Unread):
            return recording
        result = await assess_recording(
            engine, recording, labels, mode=mode, source=source, name=name, reference=reference, transcript=transcript
        )
    except TingqingError as error:
        return Unread(name, error.code, error.message, refusals.zh_of(error))
    except Exception as error:  # a bug met in one file must not lose the results of the others
        logger.debug("unexpected error in %s", name, exc_info=error)
        return Unread(name, INTERNAL, f"Unexpected {type(error).__name__}.", f"意外错误 {type(error).__name__}。")
    return JudgedFile(result)


def _open(
    path: Path,
    name: str,
    max_s: float,
    roles: ChannelRoles | None,
    far_end: Path | None,
    decoders: Decoders | None,
    raw: RawFormat | None,
) -> Recording | Unread:
    """Open a file named by a person; a fault of the name gets its own code."""
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        return Unread(name, "file_not_found", "No such file.", "没有这个文件。")
    except IsADirectoryError:
        inside = f"{name.rstrip('/')}/*.wav"
        en, zh = f"This is a folder. Name the files in it: {inside}", f"这是文件夹。请给出其中的文件：{inside}"
        return Unread(name, "is_a_directory", en, zh)
    except OSError as error:
        en, zh = f"The file cannot be opened: {error.strerror}.", f"无法打开这个文件：{error.strerror}。"
        return Unread(name, "file_unreadable", en, zh)
    return read_recording(path, name, max_s=max_s, roles=roles, far_end=far_end, decoders=decoders, raw=raw)
