"""Two tiny checkpoints for all tests of the folder: one with random weights, one that has learned something."""

from pathlib import Path

import pytest

from tools.material.clap.learning import learn
from tools.material.clap.tiny import save_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny-clap")


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that tells twelve kinds of sound apart. Its training takes half a minute, once."""
    return learn(tmp_path_factory.mktemp("models") / "learned-clap", steps=200, sounds=12)
