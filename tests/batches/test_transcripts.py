"""Which file of a batch is the transcript of which recording."""

from pathlib import Path

import pytest

from server.batches.batch import NewFile
from server.batches.faults import transcript_alone
from server.batches.folder import BatchFolders
from server.batches.transcripts import name_in_folder, read_beside, transcript_beside, transcripts_in
from server.errors import PayloadTooLargeError, TranscriptError


@pytest.mark.parametrize(
    ("recordings", "transcript", "whose"),
    [
        (["a.amr"], "a.amr.jsonl", "a.amr"),
        (["a.amr"], "a.jsonl", "a.amr"),
        (["a.amr"], "a.JSONL", "a.amr"),
        (["ward/a.amr", "a.amr"], "ward/a.jsonl", "ward/a.amr"),
        (["a.amr", "a.wav"], "a.wav.jsonl", "a.wav"),
        (["a"], "a.jsonl", "a"),
        (["b.2/a", "b.wav"], "b.jsonl", "b.wav"),
        (["a.amr", "a.wav"], "a.jsonl", None),
        (["a.amr"], "b.jsonl", None),
        (["ward/a.amr"], "a.jsonl", None),
        (["a.amr"], ".jsonl", None),
    ],
)
def test_a_transcript_is_of_the_recording_of_its_name(
    recordings: list[str], transcript: str, whose: str | None
) -> None:
    files = [NewFile(name, 9, f"part-{at}") for at, name in enumerate(recordings)]
    left, said = transcripts_in([NewFile(transcript, 5, "part-t"), *files])
    assert [one for one in left if one.fault is None] == files
    if whose is None:
        assert said == {}
        assert left[-1] == NewFile(transcript, 0, fault=transcript_alone())
    else:
        assert said == {files[recordings.index(whose)].path: "part-t"}
        assert left == files


def test_a_second_transcript_is_refused_and_one_of_a_refused_recording_goes_with_it() -> None:
    refused = NewFile("b.wav", 0, fault=transcript_alone())
    files = [
        NewFile("a.wav", 9, "1"),
        refused,
        *(NewFile(name, 5, name) for name in ("a.jsonl", "a.wav.jsonl", "b.jsonl")),
    ]
    left, said = transcripts_in(files)
    assert said == {"1": "a.jsonl"}
    assert left == [files[0], refused, NewFile("a.wav.jsonl", 0, fault=transcript_alone())]


def test_a_recording_that_came_with_a_transcript_is_not_judged_without_it(tmp_path: Path) -> None:
    recording, alone = tmp_path / name_in_folder(3, said=True), tmp_path / name_in_folder(4, said=False)
    beside = tmp_path / str(transcript_beside(recording.name))
    assert read_beside(alone) is None
    with pytest.raises(FileNotFoundError):
        read_beside(recording)
    beside.write_bytes('{"text":"左胸痛"}\n'.encode())
    read = read_beside(recording)
    assert read is not None
    assert [line.text for line in read.lines] == ["左胸痛"]
    beside.write_bytes(b"{}")
    with pytest.raises(TranscriptError) as refused:
        read_beside(recording)
    assert refused.value.zh
    beside.write_bytes(b" " * 1_000_001)
    with pytest.raises(PayloadTooLargeError):
        read_beside(recording)


def test_a_transcript_stays_as_long_as_its_recording_waits(tmp_path: Path) -> None:
    folders = BatchFolders(tmp_path)
    coming = folders.coming()
    recordings = [name_in_folder(at, said=True) for at in (1, 2, 3)]
    for name in recordings:
        (coming.path / name).write_bytes(b"RIFF")
        (coming.path / str(transcript_beside(name))).write_bytes(b"{}")
    coming.keep("a" * 32)
    folders.forget("a" * 32, recordings[0])
    assert {path.name for path in folders.of("a" * 32).iterdir()} == {
        "2.said.audio", "2.said", "3.said.audio", "3.said",
    }  # fmt: skip
    folders.sweep({"a" * 32: {recordings[1]}})
    assert {path.name for path in folders.of("a" * 32).iterdir()} == {"2.said.audio", "2.said"}
