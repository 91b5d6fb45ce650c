"""Memory goes back to the system: at once, again and again, and not after the block."""

import asyncio
import ctypes
import os
from pathlib import Path

import numpy as np
import pytest

from server import heap
from server.heap import trim_heap, trimmed_heap


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_what_was_freed_between_what_is_held_goes_back() -> None:
    held = []
    for _ in range(3000):
        held.append(np.ones(4000))  # 32 kB: small enough for the heap, from which no hole goes back by itself
        held.append(np.ones(4000))
    before = resident_bytes()
    del held[::2]
    trim_heap()
    assert resident_bytes() < before - 60e6
    assert len(held) == 3000


def test_a_c_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    trim_heap()


async def test_it_is_trimmed_at_once_and_again_until_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    times = 0
    thrice = asyncio.Event()
    loop = asyncio.get_running_loop()

    def trim() -> None:
        nonlocal times
        times += 1
        if times == 3:
            loop.call_soon_threadsafe(thrice.set)

    monkeypatch.setattr(heap, "trim_heap", trim)
    async with asyncio.timeout(60), trimmed_heap(every_s=0.01):
        await thrice.wait()
    after = times
    await asyncio.sleep(0.1)
    assert times == after
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "heap"]
