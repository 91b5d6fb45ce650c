"""Which file of a batch is the transcript of which recording, and where it waits beside it.

A transcript is a file of JSON lines, named as its recording with ``.jsonl`` behind the name (``visit.amr.jsonl``) or in
place of its ending (``visit.jsonl``). The recording's name in the folder says that it has one, so that one that is lost
is missed.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from server.batches import faults
from server.batches.batch import NewFile, is_cut
from server.transcript.sources import WrittenTranscript
from server.transcript.uploaded import MAX_BYTES, uploaded_transcript

ENDING = ".jsonl"
AUDIO, SAID = ".audio", ".said"
"""Endings in the folder of a batch: ``3.audio``; with a transcript ``3.said.audio``, and ``3.said`` beside it."""


def transcripts_in(files: Sequence[NewFile]) -> tuple[list[NewFile], dict[str, str]]:
    """What is left to be judged or told, and, by the path of a recording, that of its transcript. A transcript without
    a recording of its name, or a second one, is refused."""
    recordings = [one for one in files if not _is_transcript(one)]
    left, found = list(recordings), dict[str, str]()
    for one in files:
        if not _is_transcript(one) or one.path is None:
            continue
        its = _recording_of(one.name, recordings)
        if its is None or its.path in found:
            left.append(replace(one, path=None, size=0, fault=faults.transcript_alone()))
        elif its.path is not None:  # what is said of a refused recording goes with it
            found[its.path] = one.path
    return left, found


def _is_transcript(file: NewFile) -> bool:
    return file.fault is None and file.name.lower().endswith(ENDING)


def _recording_of(name: str, recordings: Sequence[NewFile]) -> NewFile | None:
    """The one of the whole name, else the only one of the name without its ending. Of a name that was cut none: it may
    be of another folder."""
    if is_cut(name):
        return None
    stem = name[: -len(ENDING)]
    whole = [one for one in recordings if one.name == stem]
    alike = whole or [one for one in recordings if _without_ending(one.name) == stem]
    return alike[0] if len(alike) == 1 else None


def _without_ending(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.rpartition('.')[0] or last}"


def name_in_folder(position: int, *, said: bool) -> str:
    """Of a recording."""
    return f"{position}{SAID if said else ''}{AUDIO}"


def transcript_beside(path: str) -> str | None:
    """The name of its transcript, of a recording that came with one."""
    stem = path.removesuffix(AUDIO)
    return stem if stem.endswith(SAID) else None


def read_beside(recording: Path) -> WrittenTranscript | None:
    """What was said in it. Raises TranscriptError, PayloadTooLargeError; FileNotFoundError if it was lost."""
    name = transcript_beside(recording.name)
    if name is None:
        return None
    with recording.with_name(name).open("rb") as file:
        return uploaded_transcript(file.read(MAX_BYTES + 1), "transcript")
