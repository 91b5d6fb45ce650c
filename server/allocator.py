"""What the process gives back of the memory that it no longer needs."""

import ctypes
import os
from functools import cache

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
"""Of ``mallopt`` (``malloc.h`` of the GNU C library)."""

MAPPED_FROM = 256 * 1024
"""Bytes. A block of this size or more is mapped by itself, and given back as soon as it is freed: 8 s of 16-bit PCM."""

CHOSEN_BY_OPERATOR = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@cache
def give_memory_back() -> None:
    """Large blocks go back to the system when they are freed, and all threads take the small ones from one place.

    The GNU C library otherwise keeps blocks of up to 32 MiB for later, in a place of its own for each thread: of what a
    model needs for one window, a hundred megabytes stay. Call it before threads are started; once is enough. Does
    nothing with another C library, or where the operator has set one of ``CHOSEN_BY_OPERATOR``.
    """
    if any(name in os.environ for name in CHOSEN_BY_OPERATOR):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS; on Windows there is no main program to look in
        return
    mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM)
    mallopt(_M_ARENA_MAX, 1)
