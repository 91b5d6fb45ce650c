"""Starts a decoder that may do nothing but read and compute: ``python -I -S confined.py MEMORY CPU PROGRAM ARGUMENT…``.

A program of its own, run by ``process.py``: what is set here holds for the decoder alone, and a function between fork
and exec would not be safe in a process with threads. MEMORY: bytes of address space; CPU: seconds.

Without a network where the kernel lets it: in a network namespace of its own, in which not even loopback is up. A
container that forbids namespaces leaves it where it is; each decoder is told to open nothing but its file besides.
"""

import ctypes
import os
import resource
import sys
from contextlib import suppress

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
"""include/uapi/linux/sched.h"""
PR_SET_NO_NEW_PRIVS = 38
"""include/uapi/linux/prctl.h"""

MOST_FILES = 64
NICER = 5
"""Live sessions go first."""


def limit(memory: int, cpu_s: int) -> None:
    """No file can be written, no core dumped, and no more taken than this. What the system does not know is left."""
    limits = {
        "RLIMIT_AS": memory,
        "RLIMIT_CPU": cpu_s,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": MOST_FILES,
    }
    for name, most in limits.items():
        with suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (most, most))


def cut_off() -> bool:
    """Leave the network, for good. Returns whether the kernel let it."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)


def main(memory: str, cpu_s: str, *command: str) -> None:
    """Become ``command``. Raises OSError if there is no such program."""
    with suppress(OSError):
        os.nice(NICER)
    cut_off()
    limit(int(memory), int(cpu_s))
    os.execv(command[0], [os.fsencode(word) for word in command])


if __name__ == "__main__":
    main(*sys.argv[1:])
