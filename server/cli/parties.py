"""Who is on which channel, and where the far end speaks, for the commands that take recordings."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from server.app import make_listener
from server.cli.console import Failure
from server.client.far_end import FarEndMarks
from server.client.pcm_source import open_recording
from server.errors import ConfigError, TingqingError, UndecodableFileError
from server.filenames import readable
from server.recording.channels import ChannelRoles, parse_roles
from server.recording.decoders.raw import RawFormat, parse_raw
from server.recording.parties import prepare
from server.values.notices import Notice


def channel_roles(text: str | None) -> ChannelRoles | None:
    """The value of ``--channels``. Raises Failure if it cannot be read."""
    if text is None:
        return None
    try:
        return parse_roles(text)
    except ConfigError as error:
        raise _of_flag("--", error) from None


def raw_format(text: str | None) -> RawFormat | None:
    """The value of ``--raw``. Raises Failure if it cannot be read."""
    if text is None:
        return None
    try:
        return parse_raw(text)
    except ConfigError as error:
        raise _of_flag("--", error) from None


def check_far_end(file: Path | None) -> None:
    """Raises Failure if the value of ``--far-end`` is not a recording: it must not be told of the other file."""
    if file is None:
        return
    try:
        open_recording(file).close()
    except UndecodableFileError as error:
        raise _of_flag(f"--far-end: {readable(file)}: ", error) from None
    except TingqingError as error:
        raise _of_flag("--far-end: ", error) from None


def _of_flag(flag: str, error: TingqingError) -> Failure:
    return Failure(f"{flag}{error.message}", zh=f"{flag}{error.zh}" if error.zh else "")


@dataclass(frozen=True, slots=True)
class SentTrack:
    """What ``tingqing stream`` sends of a recording: the mean of ``channels``, with the marks of the far end."""

    channels: tuple[int, ...]
    marks: FarEndMarks
    notices: tuple[Notice, ...]


def sent_track(file: Path, roles: ChannelRoles | None, far_end: Path | None) -> SentTrack:
    """Look through ``file`` once, if it has several channels or a far end.

    Raises Failure if its channels hold different people and nobody said who is on which; UndecodableFileError.
    """
    with open_recording(file) as recording:
        if recording.channels == 1 and roles is None and far_end is None:
            return SentTrack((), FarEndMarks(), ())
        recording.roles = roles
        recording.far_end = far_end
        found = asyncio.run(prepare(recording, make_listener()))
        if len(found.plan.tracks) > 1:
            raise Failure(
                "the channels of the recording hold different people.",
                zh="录音的各个声道里是不同的人。",
                hint="Say who is on which channel: --channels patient=right,doctor=left",
                hint_zh="请说明谁在哪个声道：--channels patient=right,doctor=left",
            )
        rate = recording.sample_rate
        spans = [(round(start * rate), round(end * rate)) for start, end in found.far_ends[0]]
        return SentTrack(found.plan.tracks[0].channels, FarEndMarks(spans), found.plan.notices)
