"""What the C library is told about memory. Nothing else in this package calls into it."""

from __future__ import annotations

import ctypes
import platform

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""

_ARENAS = 2


def share_arenas() -> None:
    """Let all threads take memory from two heaps instead of up to eight per core: each keeps the
    most that its threads ever needed at once, for a server's many threads hundreds of megabytes.
    One request computes at a time, so nobody waits for a heap. Does nothing where the C library is
    another than glibc."""
    if _is_glibc():
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def trim() -> None:
    """Give freed memory back to the system, which glibc keeps otherwise: 700 MB after the weights
    of GPT-2 medium were packed."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
