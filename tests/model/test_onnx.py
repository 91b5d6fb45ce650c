"""What a process that runs models keeps of the memory they needed."""

import os
import platform
import subprocess
import sys

import pytest

SPENT = """
from pathlib import Path

import numpy as np

from server.model.onnx import load_onnxruntime


def resident_mb() -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


load_onnxruntime()
before = resident_mb()
large = np.ones(2**20)
del large  # the GNU C library now takes blocks of this size from what it keeps
blocks = [(np.ones(2**17), np.ones(2**13)) for _ in range(100)]
small = [one for _, one in blocks]
del blocks
print(resident_mb() - before)
"""
"""Prints how many of 100 MB, freed again from between small blocks, the process still has."""


def kept_mb(**environment: str) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run([sys.executable, "-c", SPENT], capture_output=True, env=clean | environment, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library")
def test_freed_blocks_go_back_to_the_system_unless_the_operator_chose_otherwise() -> None:
    assert kept_mb() < 30
    assert kept_mb(MALLOC_ARENA_MAX="8") > 80
