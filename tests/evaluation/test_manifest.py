"""The manifest of labelled recordings."""

from pathlib import Path

import pytest

from server.errors import ManifestError
from server.evaluation.manifest import Manifest, PromptTruth, read_manifest
from server.recording.channels import ChannelRoles
from server.values.audio import CaptureSource
from server.values.mode import Mode
from tests.judge.builders import TELEMEDICINE


def read(folder: Path, text: str, groups: tuple[str, ...] | None = None) -> Manifest:
    path = folder / "recordings.csv"
    path.write_text(text, encoding="utf-8")
    return read_manifest(path, TELEMEDICINE.labels, groups)


def test_a_line_becomes_truth_prompts_and_sources(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        "path,speaker,noise,low_background,无削波失真,prompts,optional_prompts,verdict,device\n"
        "a.wav,p1;p2,tv,0,,reduce_echo|come_closer move_back,slow_down,re-record|unusable,phone\n",
    )
    (row,) = manifest.rows
    assert row.path == tmp_path / "a.wav"
    assert row.truth == {"low_background": False}
    assert row.groups == {("speaker", "p1"), ("speaker", "p2"), ("noise", "tv")}
    assert row.prompts == PromptTruth(
        (frozenset({"reduce_echo", "come_closer"}), frozenset({"move_back"})), frozenset({"slow_down"})
    )
    assert row.verdicts == {"re-record", "unusable"}
    assert manifest.ignored == ("device",)


def test_channels_say_who_is_on_which(tmp_path: Path) -> None:
    lines = ("path,verdict,channels", 'a.wav,accept,"patient=right,doctor=left"', "b.wav,,", "c.wav,,right")
    manifest = read(tmp_path, "\n".join(lines))
    assert [row.roles for row in manifest.rows] == [ChannelRoles(1, 0), None]
    assert "channels" in manifest.faults[0].message
    assert manifest.ignored == ()


def test_a_line_may_be_a_visit(tmp_path: Path) -> None:
    manifest = read(tmp_path, "path,mode,prompts\na.wav,visit,none\nb.wav,,none\nc.wav,talk,none\n")
    assert [row.mode for row in manifest.rows] == [Mode.VISIT, Mode.RECORDING]
    assert [fault.message for fault in manifest.faults] == ["mode is 'talk'; it must be one of: recording, visit"]


def test_a_line_may_be_a_recorded_call(tmp_path: Path) -> None:
    manifest = read(tmp_path, "path,source,prompts\na.wav,telephone,none\nb.wav,,none\nc.wav,microphone,none\n")
    assert [row.source for row in manifest.rows] == [CaptureSource.TELEPHONE, CaptureSource.FILE]
    assert [fault.message for fault in manifest.faults] == [
        "source is 'microphone'; it must be one of: file, line, telephone"
    ]


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (["move_back", "come_closer"], True),
        (["move_back", "reduce_echo", "slow_down"], True),
        (["move_back"], False),
        (["move_back", "come_closer", "speak_up"], False),
    ],
)
def test_prompts_are_right_with_one_of_each_group_and_nothing_else(given: list[str], right: bool) -> None:
    truth = PromptTruth((frozenset({"reduce_echo", "come_closer"}), frozenset({"move_back"})), frozenset({"slow_down"}))
    assert truth.right(given) is right


def test_none_expects_no_prompt_and_an_empty_cell_expects_nothing(tmp_path: Path) -> None:
    manifest = read(tmp_path, "path,prompts\na.wav,none\nb.wav,\n")
    first, second = manifest.rows
    assert first.prompts is not None
    assert not first.prompts.right(["speak_up"])
    assert second.prompts is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.wav,2,,", "low_background is '2'"),
        ("a.wav,1,speak_upp,", "unknown prompt 'speak_upp'"),
        ("a.wav,1,,fine", "unknown verdict 'fine'"),
        (",1,,", "no path"),
        ("a.wav,1,,,,", "cells for 4 columns"),
    ],
)
def test_a_line_at_fault_is_told_and_the_others_go_on(tmp_path: Path, line: str, said: str) -> None:
    manifest = read(tmp_path, f"path,low_background,prompts,verdict\ngood.wav,1,,\n{line}\nbest.wav,0,,\n")
    assert [row.name for row in manifest.rows] == ["good.wav", "best.wav"]
    (fault,) = manifest.faults
    assert fault.line == 3
    assert said in fault.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,low_background\na.wav,1\n", "1: no column 'path'"),
        ("path;low_background\na.wav;1\n", "separate columns by commas"),
        ("path,low_backgroud\na.wav,1\n", "Did you mean 'low_background'"),
        ("path,device\na.wav,phone\n", "no truth columns"),
        ("path,low_background\n", "it lists no recordings"),
        ("path,low_background,low_background\na.wav,1,1\n", "occurs twice"),
    ],
)
def test_a_header_that_cannot_be_used_stops_the_command(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        read(tmp_path, text)


def test_a_column_to_group_by_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no column 'ward' to group by"):
        read(tmp_path, "path,low_background\na.wav,1\n", ("ward",))


def test_a_doctors_word_is_a_truth_of_its_own(tmp_path: Path) -> None:
    manifest = read(tmp_path, "path,heard\na.wav,1\nb.wav,0\nc.wav,\nd.wav,yes\n")
    assert [row.heard for row in manifest.rows] == [True, False, None]
    assert "could be heard" in manifest.faults[0].message
    assert manifest.ignored == ()
