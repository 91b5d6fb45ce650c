"""What all tests of the folder share: a tiny checkpoint with random weights, and torch on one core."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tools.material.clap.tiny import save_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny-clap")


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small only wait for further threads, which take the core of the tests beside them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
