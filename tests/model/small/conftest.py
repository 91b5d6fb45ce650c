"""A model cache, and a pip that knows no index but that of the test."""

from pathlib import Path

import pytest

from server.model.small.store import SmallModels
from tests.model.small.toy import TOYS, only_this_index, write_index, write_wheel


@pytest.fixture
def store(tmp_path: Path) -> SmallModels:
    return SmallModels(tmp_path / "cache", TOYS)


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a registry: pip's configuration is the test's, and its index is empty."""
    only_this_index(monkeypatch, f"file://{tmp_path}/empty")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel of the toys; the index has it too."""
    made = write_wheel(tmp_path / "wheels")
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", made))
    return made
