"""Fixtures that every test may use. Real audio is found by TINGQING_SHARED (default ../shared)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_folder() -> Path | None:
    folder = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "audio").is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings; the test is skipped, with the reason, where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("no real audio: set TINGQING_SHARED to the folder that holds audio/")
    return folder


@pytest.fixture(scope="session")
def mixes(shared: Path) -> Path:
    return shared / "audio" / "mixes"


@pytest.fixture(scope="session")
def mix_labels(mixes: Path) -> dict[str, dict[str, Any]]:
    """File name to its row of ``mixes/labels.json``."""
    rows = json.loads((mixes / "labels.json").read_text(encoding="utf-8"))["mixes"]
    return {row["file"]: row for row in rows}
