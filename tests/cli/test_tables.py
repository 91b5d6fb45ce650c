"""What tables of recordings leave behind."""

import io
from pathlib import Path

import pytest

from server.cli.tables import XlsxOutput
from server.recording.batch import Unread


def test_a_sheet_leaves_nothing_in_the_temporary_folder_also_if_it_breaks_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows have names of files and references."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    whole = XlsxOutput(io.BytesIO(), "en")
    whole.add(Unread("a.wav", "no_file", "No such file.", "没有此文件。"))
    whole.finish()
    assert list(tmp_path.iterdir()) == []
    broken = XlsxOutput(io.BytesIO(), "en")
    assert list(tmp_path.iterdir())
    del broken
    assert list(tmp_path.iterdir()) == []
