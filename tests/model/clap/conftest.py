"""One tiny checkpoint for all tests of the folder."""

from pathlib import Path

import pytest

from tests.model.clap.tiny import save_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny-clap")
